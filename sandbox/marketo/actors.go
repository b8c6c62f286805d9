package marketo

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"salesactions/sandbox/world"
)

// Person is a person as the sandbox holds them now, values by REST name; a missing
// value is absent.
type Person struct {
	ID     int64
	Fields map[string]string
}

// People yields everybody who exists, in the order of ids. Nobody changes meanwhile:
// the loop must not call what changes people.
func (s *Server) People() iter.Seq[Person] {
	return func(yield func(Person) bool) {
		s.mu.RLock()
		defer s.mu.RUnlock()
		for _, id := range s.order {
			if l := s.people[id]; !l.deleted && !yield(s.person(l)) {
				return
			}
		}
	}
}

// Person returns one person, false if there is none.
func (s *Server) Person(id int64) (Person, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l := s.people[id]
	if l == nil || l.deleted {
		return Person{}, false
	}
	return s.person(l), true
}

func (s *Server) person(l *lead) Person {
	fields := map[string]string{"id": fmt.Sprint(l.ID)}
	for _, c := range columns {
		if v := l.Values[c.field]; v != "" && s.has(c.name) {
			fields[c.name] = v
		}
	}
	return Person{ID: l.ID, Fields: fields}
}

func (s *Server) find(id int64) (*lead, error) {
	l := s.people[id]
	if l == nil || l.deleted {
		return nil, fmt.Errorf("person %d does not exist", id)
	}
	return l, nil
}

// Change sets values of a person by REST name, as somebody in Marketo would, all
// in one second. The empty text removes a value.
func (s *Server) Change(id int64, values map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.find(id)
	if err != nil {
		return err
	}
	for name := range values {
		if !slices.ContainsFunc(columns, func(c column) bool { return c.name == name }) {
			return fmt.Errorf("there is no field %q", name) // and nothing is changed
		}
	}
	changes := []change{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		c := columns[i]
		changes = append(changes, change{name, l.Values[c.field], values[name]})
		l.Values[c.field] = values[name]
		s.touch(l, c.standard)
	}
	s.happen(row{lead: id, kind: typeChange, fields: changes})
	s.call(id)
	return nil
}

// touch notes a change; the visible updatedAt moves for standard fields only.
func (s *Server) touch(l *lead, standard bool) {
	l.touched = s.cfg.Clock.Now().UTC().Truncate(time.Second)
	if standard {
		l.Updated = l.touched
	}
}

// SetOwner gives a person an owner, another one, or none.
func (s *Server) SetOwner(id int64, owner string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.find(id)
	if err != nil {
		return err
	}
	l.Values[world.OwnerID] = owner
	s.touch(l, true)
	s.happen(row{lead: id, kind: typeChangeOwner, primary: owner})
	s.call(id)
	return nil
}

// RenameCompany changes the company of everybody at an account: Marketo keeps it
// once, and logs it for the person in whose form it was edited only.
func (s *Server) RenameCompany(id int64, company string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.find(id)
	if err != nil {
		return err
	}
	old, account := l.Values[world.Company], l.Values[world.AccountID]
	for _, other := range s.people {
		if other == l || account != "" && other.Values[world.AccountID] == account {
			other.Values[world.Company] = company
			other.touched = s.cfg.Clock.Now().UTC().Truncate(time.Second)
		}
	}
	s.happen(row{lead: id, kind: typeChange, fields: []change{{"company", old, company}}})
	s.call(id)
	return nil
}

// Create makes a person, and returns their id.
func (s *Server) Create(values map[string]string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Clock.Now().UTC().Truncate(time.Second)
	l := &lead{Person: world.Person{ID: world.FirstID, Created: now, Updated: now}, touched: now}
	if n := len(s.order); n > 0 {
		l.ID = s.order[n-1] + 1
	}
	for name, v := range values {
		i := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		if i < 0 {
			return 0, fmt.Errorf("there is no field %q", name)
		}
		l.Values[columns[i].field] = v
	}
	s.people[l.ID] = l
	s.order = append(s.order, l.ID)
	s.happen(row{lead: l.ID, kind: typeNewLead})
	s.call(l.ID)
	return l.ID, nil
}

// Delete removes a person.
func (s *Server) Delete(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.find(id)
	if err != nil {
		return err
	}
	l.deleted = true
	s.happen(row{lead: id, kind: typeDelete, primary: l.Values[world.FirstName] + " " + l.Values[world.LastName]})
	return nil
}

// Merge merges people into a winner, whose empty values take the losers'. The log
// names the losers on the winner only.
func (s *Server) Merge(winner int64, losers ...int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.find(winner)
	if err != nil {
		return err
	}
	for _, id := range losers {
		if _, err := s.find(id); err != nil {
			return err
		}
		if id == winner {
			return fmt.Errorf("person %d cannot merge into itself", id)
		}
	}
	for _, id := range losers {
		l := s.people[id]
		for f := range w.Values {
			if w.Values[f] == "" {
				w.Values[f] = l.Values[f]
			}
		}
		l.deleted = true
	}
	s.touch(w, true)
	s.happen(row{lead: winner, kind: typeMerge, merged: losers})
	return nil
}

// Convert makes a lead a contact of an account.
func (s *Server) Convert(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.find(id)
	if err != nil {
		return err
	}
	l.Values[world.Type] = "Contact"
	l.Values[world.ContactID], l.Values[world.AccountID] = world.SalesforceID("003", id), world.SalesforceID("001", id)
	s.touch(l, true)
	s.happen(row{lead: id, kind: typeConvert})
	return nil
}

// RunActors lets something happen to somebody every so often, until ctx ends.
func (s *Server) RunActors(ctx context.Context, every time.Duration) {
	ticker := s.cfg.Clock.NewTicker(every)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
			// Whom it happens to may be gone meanwhile: then nothing happens.
			_ = s.act(n)
		}
	}
}

func (s *Server) act(n int) error {
	s.mu.RLock()
	count := len(s.order)
	s.mu.RUnlock()
	pick := func() int64 {
		at := s.chance(count)
		s.mu.RLock()
		defer s.mu.RUnlock()
		return s.order[at]
	}
	titles := []string{"Director", "Vice President", "Head of Sales", "Team Lead", "Partner"}
	switch n % 12 {
	case 3:
		return s.SetOwner(pick(), world.OwnerIDs[s.chance(len(world.OwnerIDs))])
	case 5:
		return s.SetOwner(pick(), "")
	case 7:
		id := fmt.Sprint(n)
		_, err := s.Create(map[string]string{"firstName": "Nova", "lastName": "Newcomer " + id, "email": "nova" + id + "@example.com",
			"company": "Fresh Start " + id, "sfdcLeadOwnerId": world.OwnerIDs[0], "sfdcType": "Lead", "leadSource": "Web"})
		return err
	case 9:
		return s.Convert(pick())
	case 11:
		return s.Delete(pick())
	default:
		return s.Change(pick(), map[string]string{"title": titles[s.chance(len(titles))], "phone": fmt.Sprintf("+1 555 %07d", s.chance(10_000_000))})
	}
}
