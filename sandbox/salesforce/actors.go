package salesforce

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// actors are the users of the org at work. What they do follows from the seed and from
// what the org holds.
type actors struct {
	server *Server
	random *rand.Rand
	n      int
}

func (s *Server) newActors() *actors {
	return &actors{server: s, random: rand.New(rand.NewPCG(uint64(s.cfg.Seed), 13))}
}

// RunActors lets a user of the org do something every so often, until ctx ends:
// complete, reschedule, edit, make or delete a Task, and seldom opt a person out. Only
// open Tasks are touched, so that what was logged stays as it is.
func (s *Server) RunActors(ctx context.Context, every time.Duration) {
	a := s.newActors()
	ticker := s.cfg.Clock.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
			// Whom it is about may be gone or locked by now: then nothing happens.
			_ = a.act()
		}
	}
}

func (a *actors) act() error {
	a.n++
	chance := a.random.IntN(20)
	if chance == 19 {
		return a.optOut()
	}
	task := a.openTask()
	if task == nil || chance < 6 {
		return a.create()
	}
	do, values := "update", map[string]any{}
	switch {
	case chance < 9:
		values["Status"] = "Completed"
	case chance < 12:
		values["ActivityDate"] = a.date()
	case chance < 17:
		a.edit(values)
	default:
		do = "delete"
	}
	_, err := a.server.actBy(a.userOr(task.text("OwnerId")), do, "Task", task.id, values)
	return err
}

// edit changes one field as people do.
func (a *actors) edit(values map[string]any) {
	switch a.random.IntN(4) {
	case 0:
		values["Subject"] = a.subject()
	case 1:
		values["Priority"] = pick(a.random, []string{"High", "Normal", "Low"})
	case 2:
		values["Description"] = fmt.Sprintf("Note %d: they asked for time.\nTry again next week.", a.n)
	default:
		values["Status"] = pick(a.random, []string{"In Progress", "Waiting on someone else", "Deferred"})
	}
}

// create makes a Task for somebody. Every other one is the first user's, who looks at
// the demo.
func (a *actors) create() error {
	person := a.pick([]string{"Lead", "Contact"}, func(r *record) bool { return !r.flag("IsConverted") })
	if person == nil {
		return nil
	}
	owner := a.server.otherUser()
	if a.random.IntN(2) == 0 {
		owner = a.userOr(a.pick([]string{"User"}, func(*record) bool { return true }).id)
	}
	values := map[string]any{"Subject": a.subject(), "WhoId": person.id, "OwnerId": owner, "Priority": pick(a.random, []string{"High", "Normal", "Normal", "Low"})}
	if a.random.IntN(5) > 0 {
		values["ActivityDate"] = a.date()
	}
	_, err := a.server.actBy(owner, "create", "Task", "", values)
	return err
}

func (a *actors) optOut() error {
	object := pick(a.random, []string{"Lead", "Contact"})
	person := a.pick([]string{object}, func(r *record) bool { return !r.flag("IsConverted") && !r.flag("HasOptedOutOfEmail") })
	if person == nil {
		return nil
	}
	_, err := a.server.actBy(a.userOr(person.text("OwnerId")), "update", object, person.id, map[string]any{"HasOptedOutOfEmail": true})
	return err
}

func (a *actors) openTask() *record {
	return a.pick([]string{"Task"}, func(r *record) bool { return !r.flag("IsClosed") && !r.flag("IsRecurrence") })
}

// pick draws a copy of a row that is there and fits; nil if there is none.
func (a *actors) pick(objects []string, fits func(*record) bool) *record {
	s := a.server
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []*record
	for _, object := range objects {
		for _, r := range s.tables[lower(object)].order {
			if r.deleted.IsZero() && fits(r) {
				found = append(found, r)
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	drawn := *found[a.random.IntN(len(found))]
	return &drawn
}

// userOr is a user if they work in the org, or else somebody who does.
func (a *actors) userOr(id string) string {
	s := a.server
	s.mu.RLock()
	defer s.mu.RUnlock()
	if user := s.tables["user"].byID[id]; user != nil && user.flag("IsActive") && id != s.self {
		return id
	}
	return s.otherUser()
}

func (a *actors) subject() string {
	return pick(a.random, []string{"Call back", "Send the proposal", "Ask about the budget", "Follow up", "Book a demo", "Check the contract"}) + fmt.Sprintf(" (%d)", a.n)
}

// date is a day of the coming two weeks.
func (a *actors) date() string {
	return a.server.now().AddDate(0, 0, a.random.IntN(15)).Format(time.DateOnly)
}

func pick(random *rand.Rand, list []string) string { return list[random.IntN(len(list))] }
