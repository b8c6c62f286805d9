package salesforce

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"
)

// stampForm is how answers write times (Salesforce REST: datetimes).
const stampForm = "2006-01-02T15:04:05.000+0000"

// transaction is one call's writes: all carry the stamp of its beginning, in whole
// seconds, and are visible when it ends.
type transaction struct {
	server *Server
	user   string
	stamp  time.Time
	undo   []func()
}

// begin starts a transaction; callers hold the lock until it is over.
func (s *Server) begin(user string) *transaction {
	return &transaction{server: s, user: user, stamp: s.cfg.Now().UTC().Truncate(time.Second)}
}

// rollback takes the writes back, the last first.
func (t *transaction) rollback() {
	for i := len(t.undo) - 1; i >= 0; i-- {
		t.undo[i]()
	}
	t.undo = nil
}

// create adds a record, or says why not.
func (t *transaction) create(o *object, given map[string]any) (string, *recordError) {
	s := t.server
	if !o.writes {
		return "", refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: "+o.name)
	}
	values, err := t.check(o, given, true)
	if err != nil {
		return "", err
	}
	t.defaults(o, values)
	if err := t.rules(o, "", values, values); err != nil {
		return "", err
	}
	s.lastID++
	r := &record{id: newID(prefixes[o.name], 1_000_000_000+s.lastID), values: values, created: t.stamp, modified: t.stamp}
	values["CreatedById"], values["LastModifiedById"] = t.user, t.user
	t.derive(o, r)
	table := s.tables[lower(o.name)]
	if err := t.claimUnique(o, table, r, values); err != nil {
		return "", err
	}
	table.add(r)
	t.undo = append(t.undo, func() { table.drop(r) })
	return r.id, nil
}

// update changes a record, or says why not.
func (t *transaction) update(o *object, id string, given map[string]any) *recordError {
	r, err := t.find(o, id)
	if err != nil {
		return err
	}
	changes, err := t.check(o, given, false)
	if err != nil {
		return err
	}
	after := map[string]any{}
	for name, value := range r.values {
		after[name] = value
	}
	for name, value := range changes {
		after[name] = value
	}
	if err := t.rules(o, r.id, changes, after); err != nil {
		return err
	}
	table := t.server.tables[lower(o.name)]
	if err := t.claimUnique(o, table, r, changes); err != nil {
		return err
	}
	before, modified := r.values, r.modified
	after["LastModifiedById"] = t.user
	r.values, r.modified = after, t.stamp
	table.reindex(r, before)
	t.derive(o, r)
	t.undo = append(t.undo, func() { r.values, r.modified = before, modified })
	return nil
}

// remove deletes a record into the recycle bin.
func (t *transaction) remove(o *object, id string) *recordError {
	r, err := t.find(o, id)
	if err != nil {
		return err
	}
	modified := r.modified
	r.deleted, r.modified = t.stamp, t.stamp
	table := t.server.tables[lower(o.name)]
	for _, f := range o.fields {
		if f.unique { // a deleted row does not block its value
			table.holds(f.name, r.text(f.name), nil)
		}
	}
	t.undo = append(t.undo, func() { r.deleted, r.modified = time.Time{}, modified })
	return nil
}

func (t *transaction) find(o *object, id string) (*record, *recordError) {
	id, err := checkID("Id", id)
	if err != nil {
		return nil, err
	}
	r := t.server.tables[lower(o.name)].byID[id]
	switch {
	case r == nil && objectOf(id) != o.name:
		return nil, refused("MALFORMED_ID", "malformed id "+id, "Id")
	case r == nil:
		return nil, refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
	case !r.deleted.IsZero():
		return nil, refused("ENTITY_IS_DELETED", "entity is deleted")
	}
	return r, nil
}

// check takes the values as the fields want them.
func (t *transaction) check(o *object, given map[string]any, creating bool) (map[string]any, *recordError) {
	values := map[string]any{}
	for name, value := range given {
		f := o.field(name) // unknown ones were refused for the whole call
		if creating && !f.create || !creating && !f.update {
			return nil, refused("INVALID_FIELD_FOR_INSERT_UPDATE", fmt.Sprintf("Unable to create/update fields: %s. Please check the security settings of this field and verify that it is read/write for your profile or permission set.", f.name), f.name)
		}
		if value == nil {
			values[f.name] = nil
			continue
		}
		checked, err := f.accept(value)
		if err != nil {
			return nil, err
		}
		values[f.name] = checked
	}
	return values, nil
}

var datePattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// accept takes one value, or says why not.
func (f *field) accept(value any) (any, *recordError) {
	wrong := func() (any, *recordError) {
		return nil, refused("INVALID_TYPE_ON_FIELD_IN_RECORD", fmt.Sprintf("%s: value not of required type: %v", f.name, value), f.name)
	}
	switch f.kind {
	case "boolean":
		if _, ok := value.(bool); !ok {
			return wrong()
		}
		return value, nil
	case "int", "double":
		if number, ok := value.(float64); !ok || f.kind == "int" && number != float64(int64(number)) {
			return wrong()
		}
		return value, nil
	}
	text, ok := value.(string)
	if !ok {
		return wrong()
	}
	switch f.kind {
	case "reference":
		id, err := checkID(f.name, text)
		return id, err
	case "date":
		if _, err := time.Parse(time.DateOnly, text); err != nil || !datePattern.MatchString(text) {
			return nil, refused("JSON_PARSER_ERROR", fmt.Sprintf("Cannot deserialize instance of date from VALUE_STRING value %s", text), f.name)
		}
	case "picklist":
		if f.restricted && !contains(f.values, text) {
			return nil, refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", fmt.Sprintf("%s: bad value for restricted picklist field: %s", f.label, text), f.name)
		}
	}
	if f.length > 0 && len(utf16.Encode([]rune(text))) > f.length {
		return nil, refused("STRING_TOO_LONG", fmt.Sprintf("%s: data value too large: %.80s (max length=%d)", f.label, text, f.length), f.name)
	}
	return text, nil
}

func contains(list []string, text string) bool {
	for _, s := range list {
		if s == text {
			return true
		}
	}
	return false
}

func (t *transaction) defaults(o *object, values map[string]any) {
	if o.name == "Task" {
		for name, value := range map[string]any{"Status": "Not Started", "Priority": "Normal", "TaskSubtype": "Task", "OwnerId": t.user} {
			if values[name] == nil {
				values[name] = value
			}
		}
	}
	for _, f := range o.fields {
		if f.kind == "boolean" && values[f.name] == nil {
			values[f.name] = false
		}
	}
}

// rules are those between fields and records.
func (t *transaction) rules(o *object, id string, changed, all map[string]any) *recordError {
	if owner, ok := changed["OwnerId"].(string); ok {
		switch user := t.server.tables["user"].byID[owner]; {
		case user == nil:
			return refused("INVALID_CROSS_REFERENCE_KEY", "Assigned To ID: id value of incorrect type: "+owner, "OwnerId")
		case !user.flag("IsActive"):
			return refused("INACTIVE_OWNER_OR_USER", "operation performed with inactive user ["+owner+"] as owner of "+lower(o.name))
		}
	}
	if o.name != "Task" {
		return nil
	}
	return t.taskRules(changed, all)
}

func (t *transaction) taskRules(changed, all map[string]any) *recordError {
	who, _ := all["WhoId"].(string)
	what, _ := all["WhatId"].(string)
	if strings.HasPrefix(who, "00Q") && what != "" {
		return refused("FIELD_INTEGRITY_EXCEPTION", "cannot specify a related to id (WhatId) when the name id (WhoId) is a lead", "WhatId", "WhoId")
	}
	for name, allowed := range map[string][]string{"WhoId": {"Contact", "Lead"}, "WhatId": {"Account", "Opportunity"}} {
		id, given := changed[name].(string)
		if !given {
			continue
		}
		kind := objectOf(id)
		if !contains(allowed, kind) {
			return refused("FIELD_INTEGRITY_EXCEPTION", name+": id value of incorrect type: "+id, name)
		}
		parent := t.server.tables[lower(kind)].byID[id]
		switch {
		case parent == nil:
			return refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", name)
		case !parent.deleted.IsZero():
			return refused("ENTITY_IS_DELETED", "entity is deleted", name)
		case parent.flag("IsConverted"):
			return refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", name)
		}
	}
	return nil
}

// derive sets what follows from other values.
func (t *transaction) derive(o *object, r *record) {
	if o.name != "Task" {
		return
	}
	closed := r.text("Status") == "Completed"
	if closed && !r.flag("IsClosed") {
		r.values["CompletedDateTime"] = t.stamp.Format(stampForm)
	} else if !closed {
		r.values["CompletedDateTime"] = nil
	}
	r.values["IsClosed"], r.values["IsHighPriority"] = closed, r.text("Priority") == "High"
	r.values["IsArchived"] = false
	r.values["AccountId"] = t.server.accountOf(r)
}

func (s *Server) accountOf(r *record) any {
	what, who := r.text("WhatId"), r.text("WhoId")
	switch {
	case strings.HasPrefix(what, "001"):
		return what
	case strings.HasPrefix(what, "006"):
		return orNil(s.tables["opportunity"].byID[what].text("AccountId"))
	case strings.HasPrefix(who, "003"):
		return orNil(s.tables["contact"].byID[who].text("AccountId"))
	}
	return nil
}

// claimUnique keeps unique values to one record.
func (t *transaction) claimUnique(o *object, table *table, r *record, changed map[string]any) *recordError {
	for _, f := range o.fields {
		value, given := changed[f.name].(string)
		if !f.unique || !given || value == "" {
			continue
		}
		holder := table.holder(f.name, value)
		if holder != nil && holder != r {
			return refused("DUPLICATE_VALUE", fmt.Sprintf("duplicate value found: %s duplicates value on record with id: %s", f.name, holder.id))
		}
		before := r.text(f.name)
		if before != "" && before != value {
			table.holds(f.name, before, nil)
		}
		table.holds(f.name, value, r)
		t.undo = append(t.undo, func() { table.holds(f.name, value, nil) })
	}
	return nil
}
