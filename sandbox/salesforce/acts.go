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
	return s.actBy(s.otherUser(), do, object, id, values)
}

func (s *Server) actBy(user, do, object, id string, values map[string]any) (string, error) {
	t := s.open(user, nil)
	defer t.Rollback()
	id, err := t.Act(do, object, id, values)
	if err != nil {
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

// deactivate takes a user's access away; what they own stays theirs.
func (t *Transaction) deactivate(o *object, id string) *recordError {
	r, err := t.find(o, id)
	if err != nil {
		return err
	}
	values := maps.Clone(r.values)
	values["IsActive"] = false
	t.set(o, r, values)
	return nil
}
