package soql

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// now is a Monday at noon.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type object struct {
	name    string
	fields  []Field
	parents map[string]string
}

func (o *object) Name() string { return o.name }

func (o *object) Field(name string) (Field, bool) {
	i := slices.IndexFunc(o.fields, func(f Field) bool { return strings.EqualFold(f.Name, name) })
	if i < 0 {
		return Field{}, false
	}
	return o.fields[i], true
}

func (o *object) Fields() []string {
	names := make([]string, 0, len(o.fields))
	for _, f := range o.fields {
		names = append(names, f.Name)
	}
	return names
}

func (o *object) Parent(relationship string) (Object, string, bool) {
	for name, target := range o.parents {
		if strings.EqualFold(name, relationship) {
			found, ok := world{}.Object(target)
			return found, name, ok
		}
	}
	return nil, "", false
}

type world struct{}

func (world) Object(name string) (Object, bool) {
	for _, o := range []*object{
		{"Task", []Field{
			{Name: "Id", Kind: ID}, {Name: "Subject"}, {Name: "Description", NoFilter: true, NoSort: true},
			{Name: "Key__c", CaseSensitive: true}, {Name: "IsClosed", Kind: Boolean}, {Name: "Minutes", Kind: Number},
			{Name: "ActivityDate", Kind: Date}, {Name: "SystemModstamp", Kind: DateTime}, {Name: "WhoId", Kind: ID},
		}, map[string]string{"Who": "Name", "Owner": "User"}},
		{"Name", []Field{{Name: "Name"}, {Name: "Type"}}, nil},
		{"User", []Field{{Name: "Name"}}, map[string]string{"Manager": "User"}},
		{"OpportunityContactRole", []Field{{Name: "ContactId", Kind: ID}, {Name: "IsPrimary", Kind: Boolean}}, nil},
	} {
		if strings.EqualFold(o.name, name) {
			return o, true
		}
	}
	return nil, false
}

type row struct {
	values  map[string]any
	parents map[string]*row
}

func (r *row) Get(field string) any { return r.values[field] }

func (r *row) Parent(relationship string) Row {
	if parent := r.parents[relationship]; parent != nil {
		return parent
	}
	return nil
}

const (
	ada   = "003000000000001AAA"
	grace = "003000000000002AAA"
)

func day(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }

// rows are four tasks, named a to d in Key__c, and two roles.
func rows(q *Query) iter.Seq[Row] {
	boss := &row{values: map[string]any{"Name": "Alex Admin"}}
	rita := &row{values: map[string]any{"Name": "Rita Rep"}, parents: map[string]*row{"Manager": boss}}
	who := &row{values: map[string]any{"Name": "Ada", "Type": "Contact"}}
	tasks := []Row{
		&row{map[string]any{"Id": "00T000000000001AAA", "Key__c": "a", "Subject": "Email: 100% off", "IsClosed": true, "Minutes": 5, "ActivityDate": day(23), "SystemModstamp": now, "WhoId": ada}, map[string]*row{"Who": who, "Owner": rita}},
		&row{map[string]any{"Id": "00T000000000002AAA", "Key__c": "b", "Subject": "Call: it's urgent", "Minutes": 7.5, "ActivityDate": day(22), "SystemModstamp": now.Add(-24 * time.Hour), "WhoId": grace}, map[string]*row{"Owner": rita}},
		&row{map[string]any{"Id": "00T000000000003AAA", "Key__c": "c", "Subject": "", "IsClosed": false, "Minutes": 9, "ActivityDate": day(10), "SystemModstamp": now.Add(time.Hour)}, map[string]*row{"Owner": boss}},
		&row{map[string]any{"Id": "00T000000000004AAA", "Key__c": "D", "Subject": "email: Über_1"}, nil},
	}
	roles := []Row{
		&row{values: map[string]any{"ContactId": ada, "IsPrimary": true}},
		&row{values: map[string]any{"ContactId": grace, "IsPrimary": false}},
	}
	if q.From() == "OpportunityContactRole" {
		return slices.Values(roles)
	}
	return slices.Values(tasks)
}
