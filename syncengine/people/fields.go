package people

import (
	"strconv"
	"strings"
	"time"

	"salesactions/syncengine/marketo"
)

// Field is one of the 13 fields of a person, or one of the few more that decide
// how a person is treated.
type Field struct {
	Name       string   // as our API and provenance name it
	Label      string   // as screens name it
	Candidates []string // Marketo's names (REST), the first that the instance has is used
	set        func(*Row, *string)
	get        func(*Row) *string
}

// Fields are the 13 fields, in the order in which they are shown. They are fixed;
// what can be configured is only which Marketo field carries the LinkedIn URL and
// the source, since instances differ there.
func Fields(rule Rule) []Field {
	return []Field{
		{"first_name", "First name", []string{"firstName"}, func(r *Row, v *string) { r.FirstName = v }, func(r *Row) *string { return r.FirstName }},
		{"last_name", "Last name", []string{"lastName"}, func(r *Row, v *string) { r.LastName = v }, func(r *Row) *string { return r.LastName }},
		{"salesforce_contact_id", "Salesforce contact id", []string{"sfdcContactId"}, func(r *Row, v *string) { r.ContactID = v }, func(r *Row) *string { return r.ContactID }},
		{"salesforce_lead_id", "Salesforce lead id", []string{"sfdcLeadId"}, func(r *Row, v *string) { r.LeadID = v }, func(r *Row) *string { return r.LeadID }},
		{"salesforce_account_id", "Salesforce account id", []string{"sfdcAccountId"}, func(r *Row, v *string) { r.AccountID = v }, func(r *Row) *string { return r.AccountID }},
		{"salesforce_opportunity_id", "Salesforce opportunity id", []string{"sfdcOpptyId"}, func(r *Row, v *string) { r.OpportunityID = v }, func(r *Row) *string { return r.OpportunityID }},
		{"marketo_id", "Marketo id", []string{"id"}, nil, func(r *Row) *string { id := strconv.FormatInt(r.ID, 10); return &id }},
		{"company", "Company", []string{"company"}, func(r *Row, v *string) { r.Company = v }, func(r *Row) *string { return r.Company }},
		{"title", "Title", []string{"title"}, func(r *Row, v *string) { r.Title = v }, func(r *Row) *string { return r.Title }},
		{"email", "Email", []string{"email"}, func(r *Row, v *string) { r.Email = v }, func(r *Row) *string { return r.Email }},
		{"phone", "Phone", []string{"phone"}, func(r *Row, v *string) { r.Phone = v }, func(r *Row) *string { return r.Phone }},
		{"linkedin_url", "LinkedIn URL", rule.linkedIn(), func(r *Row, v *string) { r.LinkedIn = v }, func(r *Row) *string { return r.LinkedIn }},
		{"source", "Source", rule.source(), func(r *Row, v *string) { r.Source = v }, func(r *Row) *string { return r.Source }},
	}
}

// Names of Marketo fields beside the 13 (Marketo REST: standard fields).
const (
	fieldID           = "id"
	fieldType         = "sfdcType"
	fieldUnsubscribed = "unsubscribed"
	fieldCreated      = "createdAt"
	fieldUpdated      = "updatedAt"
)

// Mapping is the fields as one instance of Marketo has them: what its describe
// knows decides, because asking for one unknown field fails a whole call.
type Mapping struct {
	Fields  []Field
	Names   map[string]string // our name → Marketo's, only where found
	Owners  []string          // owner fields found
	Missing []string          // our names
	Request []string          // Marketo's names to ask for
	watch   []string
}

// Resolve matches the fields with those that an instance has.
func Resolve(rule Rule, known []marketo.Field) Mapping {
	has := make(map[string]bool, len(known))
	for _, f := range known {
		has[f.Name] = true
	}
	m := Mapping{Fields: Fields(rule), Names: map[string]string{}}
	ask := func(name string) {
		for _, asked := range m.Request {
			if asked == name {
				return
			}
		}
		m.Request = append(m.Request, name)
	}
	for _, f := range m.Fields {
		name, found := firstKnown(f.Candidates, has)
		if !found {
			m.Missing = append(m.Missing, f.Name)
			continue
		}
		m.Names[f.Name] = name
		ask(name)
	}
	for _, name := range rule.owners() {
		if has[name] {
			m.Owners = append(m.Owners, name)
			ask(name)
		}
	}
	for _, name := range []string{fieldType, fieldUnsubscribed} {
		if has[name] {
			ask(name)
		}
	}
	m.watch = append([]string(nil), m.Request...)
	for _, name := range []string{fieldCreated, fieldUpdated} {
		ask(name)
	}
	return m
}

// Watch returns the fields whose changes concern us.
func (m Mapping) Watch() []string {
	watch := make([]string, 0, len(m.watch))
	for _, name := range m.watch {
		if name != fieldID {
			watch = append(watch, name)
		}
	}
	return watch
}

func firstKnown(candidates []string, has map[string]bool) (string, bool) {
	for _, name := range candidates {
		if has[name] {
			return name, true
		}
	}
	return "", false
}

// Row is a person as one read saw them. Nil is no value.
type Row struct {
	ID            int64
	FirstName     *string
	LastName      *string
	ContactID     *string
	LeadID        *string
	AccountID     *string
	OpportunityID *string
	Company       *string
	Title         *string
	Email         *string
	Phone         *string
	LinkedIn      *string
	Source        *string
	OwnerID       *string
	Type          *string
	Unsubscribed  bool
	CreatedAt     *time.Time
	UpdatedAt     *time.Time
	ReadAt        time.Time // when the read was sent
	Qualifies     bool
}

// Row makes a row of what a read returned. lookup gives a value by Marketo's field
// name. Text is kept as it is, but for NUL, which PostgreSQL cannot hold.
func (m Mapping) Row(id int64, lookup func(name string) (string, bool), readAt time.Time, rule Rule) Row {
	get := func(name string) *string {
		value, ok := lookup(name)
		if !ok || value == "" {
			return nil
		}
		if strings.IndexByte(value, 0) >= 0 {
			value = strings.ReplaceAll(value, "\x00", "")
		}
		return &value
	}
	row := Row{ID: id, ReadAt: readAt, Type: get(fieldType), CreatedAt: getTime(get(fieldCreated)), UpdatedAt: getTime(get(fieldUpdated))}
	for i := range m.Fields {
		if name, ok := m.Names[m.Fields[i].Name]; ok && m.Fields[i].set != nil {
			m.Fields[i].set(&row, get(name))
		}
	}
	for _, name := range m.Owners {
		if owner := get(name); owner != nil && strings.TrimSpace(*owner) != "" {
			row.OwnerID = owner
			break
		}
	}
	if v := get(fieldUnsubscribed); v != nil {
		row.Unsubscribed = strings.EqualFold(*v, "true") || *v == "1"
	}
	row.Qualifies = rule.Qualifies(row)
	return row
}

// leadRow makes a row of a lead that the REST API returned.
func (m Mapping) leadRow(lead marketo.Lead, readAt time.Time, rule Rule) Row {
	return m.Row(lead.ID(), func(name string) (string, bool) { v, ok := lead[name]; return v, ok }, readAt, rule)
}

// dateForms are the ways in which Marketo writes a time (Marketo REST: field types,
// and the samples of its documentation).
var dateForms = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z-0700", time.DateTime, time.DateOnly}

func getTime(text *string) *time.Time {
	if text == nil {
		return nil
	}
	for _, form := range dateForms {
		if t, err := time.Parse(form, *text); err == nil {
			return &t
		}
	}
	return nil
}
