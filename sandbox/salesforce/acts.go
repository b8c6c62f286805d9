package salesforce

import (
	"fmt"
	"time"
)

// Act does something in the org as another user would: update, create, delete,
// undelete, or, for a lead, convert, or, for a lead or contact, merge into id "into".
func (s *Server) Act(do, object, id string, values map[string]any) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.schema[lower(object)]
	if o == nil {
		return "", fmt.Errorf("%q is no object", object)
	}
	t := s.open(s.otherUser(), nil)
	switch do {
	case "create", "update", "delete":
		made, _, refusal := t.apply(&change{do: do, object: o, id: id, values: values})
		if refusal != nil {
			return "", fmt.Errorf("%s: %s", refusal.Code, refusal.Message)
		}
		return made, nil
	case "undelete", "convert", "merge", "deactivate":
		return id, s.special(t, do, o, id, values)
	}
	return "", fmt.Errorf("%q is nothing that can be done: create, update, delete, undelete, convert, merge or deactivate", do)
}

// otherUser is somebody who works in the org.
func (s *Server) otherUser() string { return s.tables["user"].order[1].id }

func (s *Server) special(t *Transaction, do string, o *object, id string, values map[string]any) error {
	r := s.tables[lower(o.name)].byID[long(id)]
	if r == nil {
		return fmt.Errorf("there is no %s %s", o.name, id)
	}
	r.modified = t.stamp
	switch do {
	case "undelete":
		r.deleted = time.Time{}
	case "deactivate":
		r.values["IsActive"] = false
	case "convert":
		s.lastID++
		contact := s.put("Contact", newID("003", 2_000_000_000+s.lastID), map[string]any{"LastName": r.values["LastName"], "Name": r.values["Name"],
			"Email": r.values["Email"], "OwnerId": r.values["OwnerId"], "HasOptedOutOfEmail": r.values["HasOptedOutOfEmail"]})
		account := s.put("Account", newID("001", 2_000_000_000+s.lastID), map[string]any{"Name": r.values["Company"], "OwnerId": r.values["OwnerId"]})
		contact.values["AccountId"] = account.id
		r.values["IsConverted"], r.values["ConvertedContactId"], r.values["ConvertedAccountId"] = true, contact.id, account.id
	case "merge":
		into, _ := values["into"].(string)
		r.values["MasterRecordId"], r.deleted = long(into), t.stamp
	}
	return nil
}
