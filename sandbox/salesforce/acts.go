package salesforce

import (
	"fmt"
	"maps"
	"slices"
)

// acts are what other users do, beside what calls do.
var acts = []string{"create", "update", "delete", "undelete", "convert", "merge", "deactivate"}

// Act does something in the org as another user would, in a transaction of its own:
// create, update, delete, undelete, or, for a lead, convert, or, for a lead or
// contact, merge into id "into", or, for a user, deactivate. It returns the row's id.
// What the org does by itself is here too: purge empties the recycle bin, archive is
// the nightly run that archives old Tasks.
func (s *Server) Act(do, object, id string, values map[string]any) (string, error) {
	switch do {
	case "purge":
		s.Purge()
		return "", nil
	case "archive":
		s.Archive()
		return "", nil
	}
	t := s.Open()
	id, err := t.Act(do, object, id, values)
	if err != nil {
		t.Rollback()
		return "", err
	}
	return id, t.Commit()
}

// actAs plans what another user does; a row to come has its id already.
func (s *Server) actAs(do, object, id string, values map[string]any) (*change, error) {
	s.tidy()
	o := s.schema[lower(object)]
	if o == nil {
		return nil, fmt.Errorf("%q is no object", object)
	}
	if !slices.Contains(acts, do) {
		return nil, fmt.Errorf("%q is nothing that can be done: %v", do, acts)
	}
	ch := &change{do: do, object: o, id: long(id), values: maps.Clone(values)}
	switch do {
	case "create", "update":
		if err := o.known(ch.values); err != nil {
			return nil, err
		}
	}
	if do == "create" {
		s.mu.Lock()
		defer s.mu.Unlock()
		ch.id = s.nextID(o)
	}
	return ch, nil
}

// otherUser is somebody who works in the org.
func (s *Server) otherUser() string { return s.tables["user"].order[1].id }

// special does what no call of the API does.
func (t *Transaction) special(ch *change) *recordError {
	s := t.server
	r := s.tables[lower(ch.object.name)].byID[ch.id]
	if r == nil {
		return refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
	}
	values := maps.Clone(r.values)
	switch ch.do {
	case "deactivate":
		values["IsActive"] = false
		t.set(ch.object, r, values)
	case "convert":
		s.lastID++
		contact := s.put("Contact", newID("003", 2_000_000_000+s.lastID), map[string]any{"LastName": r.values["LastName"], "Name": r.values["Name"],
			"Email": r.values["Email"], "OwnerId": r.values["OwnerId"], "HasOptedOutOfEmail": r.values["HasOptedOutOfEmail"]})
		account := s.put("Account", newID("001", 2_000_000_000+s.lastID), map[string]any{"Name": r.values["Company"], "OwnerId": r.values["OwnerId"]})
		contact.values["AccountId"] = account.id
		values["IsConverted"], values["ConvertedContactId"], values["ConvertedAccountId"] = true, contact.id, account.id
		t.set(ch.object, r, values)
	case "merge":
		into, _ := ch.values["into"].(string)
		values["MasterRecordId"] = long(into)
		t.set(ch.object, r, values)
		r.deleted = t.stamp
		s.binned(t.stamp)
	}
	return nil
}
