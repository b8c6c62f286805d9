package salesforce

import (
	"maps"
	"slices"
)

// convert makes a contact of a lead, with an account. The lead stays, and is not
// changed any more; its open Tasks are the contact's.
func (t *Transaction) convert(o *object, id string) *recordError {
	r, err := t.find(o, id)
	switch {
	case err != nil:
		return err
	case o.name != "Lead":
		return refused("INVALID_CROSS_REFERENCE_KEY", "only leads can be converted")
	case r.flag("IsConverted"):
		return refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot update converted lead")
	}
	account := t.insert("Account", map[string]any{"Name": r.values["Company"], "OwnerId": r.values["OwnerId"]})
	person := map[string]any{"AccountId": account}
	for _, name := range []string{"FirstName", "LastName", "Name", "Email", "Title", "Phone", "OwnerId", "HasOptedOutOfEmail", t.server.cfg.OptOutField} {
		if t.server.schema["contact"].field(name) != nil && r.values[name] != nil {
			person[name] = r.values[name]
		}
	}
	contact := t.insert("Contact", person)
	values := maps.Clone(r.values)
	values["IsConverted"], values["ConvertedContactId"], values["ConvertedAccountId"] = true, contact, account
	t.set(o, r, values)
	t.reparent(r.id, contact, func(task *record) bool { return !task.flag("IsClosed") })
	return nil
}

// merge merges a lead or contact into another one, which gets its Tasks.
func (t *Transaction) merge(o *object, id, into string) *recordError {
	loser, err := t.find(o, id)
	if err != nil {
		return err
	}
	winner, err := t.find(o, into)
	switch {
	case err != nil:
		return err
	case o.name != "Lead" && o.name != "Contact", winner == loser:
		return refused("INVALID_CROSS_REFERENCE_KEY", "only a lead or a contact can be merged, into another one")
	case winner.flag("IsConverted"), loser.flag("IsConverted"):
		return refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot update converted lead")
	}
	t.reparent(loser.id, winner.id, func(*record) bool { return true })
	t.set(o, winner, winner.values)
	values := maps.Clone(loser.values)
	values["MasterRecordId"] = winner.id
	t.set(o, loser, values)
	loser.deleted = t.stamp
	t.server.binned(t.stamp)
	return nil
}

// reparent gives somebody's Tasks to somebody else. Nobody has edited them, so only
// SystemModstamp moves (inferred).
func (t *Transaction) reparent(from, to string, which func(task *record) bool) {
	o, table := t.server.schema["task"], t.server.tables["task"]
	for _, r := range slices.Clone(table.index["WhoId"][lower(from)]) {
		if r.gone || !r.deleted.IsZero() || r.text("WhoId") != from || !which(r) {
			continue
		}
		values := maps.Clone(r.values)
		values["WhoId"] = to
		t.derive(o, r.values, values)
		t.write(o, r, values)
	}
}

// insert adds a row that follows from another one's change, and returns its id.
func (t *Transaction) insert(object string, values map[string]any) string {
	o := t.server.schema[lower(object)]
	t.defaults(o, values)
	values["CreatedById"], values["LastModifiedById"] = t.user, t.user
	r := &record{id: t.server.nextID(o), values: values, created: t.stamp, modified: t.stamp, stamp: t.stamp}
	t.add(o, r)
	return r.id
}
