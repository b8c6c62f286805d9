package salesforce

import (
	"slices"
	"strings"
	"time"
)

// record is a row of an object. Values are as JSON has them.
type record struct {
	id       string
	values   map[string]any // by the field's name
	created  time.Time
	modified time.Time // by a user, when the transaction began
	stamp    time.Time // the SystemModstamp: modified by anything, when the transaction began
	deleted  time.Time // zero: not deleted
	gone     bool      // purged, or rolled back: an index may still know it
}

func (r *record) text(name string) string {
	text, _ := r.values[name].(string)
	return text
}

func (r *record) flag(name string) bool {
	flag, _ := r.values[name].(bool)
	return flag
}

// table holds the records of an object, with the indexes that queries need.
type table struct {
	byID   map[string]*record
	order  []*record
	index  map[string]map[string][]*record // field → value → records
	unique map[string]map[string]*record   // field → value in small letters → record
	purged []purged
}

func newTable() *table {
	return &table{byID: map[string]*record{}, index: map[string]map[string][]*record{}, unique: map[string]map[string]*record{}}
}

// indexed are the fields that find records quickly.
var indexed = []string{"WhoId", "ContactId", "Email"}

func (t *table) add(r *record) {
	t.byID[r.id] = r
	t.order = append(t.order, r)
	t.reindex(r, nil)
}

// reindex files a record under its values that are new. It stays under the old ones,
// since queries check all conditions in any case.
func (t *table) reindex(r *record, before map[string]any) {
	for _, name := range indexed {
		value := r.text(name)
		if value == "" || before[name] == value {
			continue
		}
		if t.index[name] == nil {
			t.index[name] = map[string][]*record{}
		}
		key := strings.ToLower(value)
		if before == nil || !slices.Contains(t.index[name][key], r) { // it may have had the value before
			t.index[name][key] = append(t.index[name][key], r)
		}
	}
}

// drop takes a record out as if it had never been.
func (t *table) drop(r *record) {
	delete(t.byID, r.id)
	r.gone = true
	t.order = slices.DeleteFunc(t.order, func(other *record) bool { return other == r })
}

// holds notes a unique value; nil forgets it.
func (t *table) holds(field, value string, r *record) {
	if t.unique[field] == nil {
		t.unique[field] = map[string]*record{}
	}
	if r == nil {
		delete(t.unique[field], strings.ToLower(value))
		return
	}
	t.unique[field][strings.ToLower(value)] = r
}

func (t *table) holder(field, value string) *record { return t.unique[field][strings.ToLower(value)] }
