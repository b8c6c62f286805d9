package salesforce

import (
	"fmt"
	"time"
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
