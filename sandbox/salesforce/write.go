package salesforce

import (
	"fmt"
	"maps"
)

// stampForm is how answers write times (Salesforce REST: datetimes).
const stampForm = "2006-01-02T15:04:05.000+0000"

// change is one thing to do to one row.
type change struct {
	do      string  // create, update, upsert or delete; other users do more, see acts.go
	object  *object //
	id      string  // of the row, unless its external id is given; of a new one, if it has one already
	key     *field  // an external id…
	value   string  // …and which
	values  map[string]any
	asks    asks
	refusal *recordError // met before the row is tried
}

// apply makes a change: it returns the row's id and whether the row is new, or says
// why not. Then nothing of the change stays. Callers hold the org's lock.
func (t *Transaction) apply(ch *change) (string, bool, *recordError) {
	if ch.refusal != nil {
		return "", false, ch.refusal
	}
	mark := len(t.undo)
	id, created, refusal := t.try(ch)
	if refusal != nil {
		t.back(mark)
		return "", false, refusal
	}
	return id, created, nil
}

func (t *Transaction) try(ch *change) (string, bool, *recordError) {
	o, id := t.server.schema[lower(ch.object.name)], ch.id
	if ch.key != nil {
		holder := t.server.tables[lower(o.name)].holder(ch.key.name, ch.value)
		switch {
		case holder != nil:
			id = holder.id
		case ch.do == "upsert":
			values := maps.Clone(ch.values)
			values[ch.key.name] = ch.value
			id, refusal := t.create(ch, "", values)
			return id, true, refusal
		default:
			return "", false, refused("NOT_FOUND", "The requested resource does not exist")
		}
	}
	switch ch.do {
	case "create":
		id, refusal := t.create(ch, id, ch.values)
		return id, true, refusal
	case "update", "upsert":
		return long(id), false, t.update(ch, id)
	case "delete":
		return long(id), false, t.remove(ch, id)
	case "undelete":
		return id, false, t.undelete(o, id)
	case "convert":
		return id, false, t.convert(o, id)
	case "merge":
		into, _ := ch.values["into"].(string)
		return id, false, t.merge(o, id, into)
	case "deactivate":
		return id, false, t.deactivate(o, id)
	}
	return "", false, refused("UNKNOWN_EXCEPTION", fmt.Sprintf("%q is nothing that can be done", ch.do))
}

// create adds a record, or says why not.
func (t *Transaction) create(ch *change, id string, given map[string]any) (string, *recordError) {
	s, o := t.server, t.server.schema[lower(ch.object.name)]
	if !o.writes {
		return "", refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: "+o.name)
	}
	values, err := ch.object.check(given, true)
	if err != nil {
		return "", err
	}
	t.defaults(o, values)
	if err := t.rules(o, values, values); err != nil {
		return "", err
	}
	if err := t.blocked(ch); err != nil {
		return "", err
	}
	t.assigned(ch, values)
	if id == "" {
		id = s.nextID(o)
	}
	r := &record{id: id, values: values, created: t.stamp, modified: t.stamp, stamp: t.stamp}
	values["CreatedById"], values["LastModifiedById"] = t.user, t.user
	t.derive(o, nil, values)
	if err := t.claim(o, r, nil, values); err != nil {
		return "", err
	}
	t.add(o, r)
	return r.id, nil
}

// nextID is the id of an object's next row; callers hold the org's lock.
func (s *Server) nextID(o *object) string {
	s.lastID++
	return newID(prefixes[o.name], 1_000_000_000+s.lastID)
}

// update changes a record, or says why not.
func (t *Transaction) update(ch *change, id string) *recordError {
	o := t.server.schema[lower(ch.object.name)] // rules know what the user may not see
	r, err := t.find(o, id)
	if err != nil {
		return err
	}
	if err := r.changedSince(ch.asks.unmodified); err != nil {
		return err
	}
	changes, err := ch.object.check(ch.values, false)
	if err != nil {
		return err
	}
	if r.flag("IsConverted") {
		return refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot update converted lead")
	}
	after := maps.Clone(r.values)
	maps.Copy(after, changes)
	if err := t.rules(o, changes, after); err != nil {
		return err
	}
	if err := t.blocked(ch); err != nil {
		return err
	}
	t.assigned(ch, after)
	if err := t.claim(o, r, r.values, after); err != nil {
		return err
	}
	t.derive(o, r.values, after)
	t.set(o, r, after)
	return nil
}

// remove deletes a record into the recycle bin. There it does not block its unique
// values.
func (t *Transaction) remove(ch *change, id string) *recordError {
	o := t.server.schema[lower(ch.object.name)]
	r, err := t.find(o, id)
	if err != nil {
		return err
	}
	if err := r.changedSince(ch.asks.unmodified); err != nil {
		return err
	}
	if err := t.claim(o, r, r.values, nil); err != nil {
		return err
	}
	t.set(o, r, r.values)
	r.deleted = t.stamp
	t.server.binned(t.stamp)
	return nil
}

func (t *Transaction) find(o *object, id string) (*record, *recordError) {
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

// add files a new row; a rollback takes it out again.
func (t *Transaction) add(o *object, r *record) {
	table := t.server.tables[lower(o.name)]
	table.add(r)
	t.undo = append(t.undo, func() { table.drop(r) })
}

// set gives a row new values that its user has edited.
func (t *Transaction) set(o *object, r *record, values map[string]any) {
	t.write(o, r, values)
	r.modified, r.values["LastModifiedById"] = t.stamp, t.user
}

// write gives a row new values and the stamp; a rollback brings all of the row back.
func (t *Transaction) write(o *object, r *record, values map[string]any) {
	before := *r
	t.undo = append(t.undo, func() { *r = before })
	r.values, r.stamp = maps.Clone(values), t.stamp
	t.server.tables[lower(o.name)].reindex(r, before.values)
}

// claim gives a row its unique values, and frees those that it had before.
func (t *Transaction) claim(o *object, r *record, before, after map[string]any) *recordError {
	table := t.server.tables[lower(o.name)]
	for _, f := range o.fields {
		had, _ := before[f.name].(string)
		has, _ := after[f.name].(string)
		if !f.unique || lower(had) == lower(has) {
			continue
		}
		if has != "" {
			if holder := table.holder(f.name, has); holder != nil {
				return refused("DUPLICATE_VALUE", fmt.Sprintf("duplicate value found: %s duplicates value on record with id: %s", f.name, holder.id))
			}
			table.holds(f.name, has, r)
			t.undo = append(t.undo, func() { table.holds(f.name, has, nil) })
		}
		if had != "" {
			table.holds(f.name, had, nil)
			t.undo = append(t.undo, func() { table.holds(f.name, had, r) })
		}
	}
	return nil
}
