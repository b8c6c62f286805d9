package salesforce

import (
	"fmt"
	"strconv"
	"time"

	"salesactions/sandbox/world"
)

// populate fills the org: the users, and the people of the world as leads and
// contacts with their accounts and opportunities.
func (s *Server) populate() {
	s.put("Organization", s.orgID, map[string]any{"Name": "Acme Sandbox", "IsSandbox": true})
	s.put("User", s.self, map[string]any{"Username": s.cfg.Username, "Email": s.cfg.Username, "Name": "Integration User", "IsActive": true})
	for i, id := range world.OwnerIDs {
		email, name := fmt.Sprintf("u%d@example.com", i+1), fmt.Sprintf("User %d", i+1)
		switch i {
		case 0:
			email, name = "rep@example.com", "Rita Rep"
		case 1:
			email, name = "admin@example.com", "Alex Admin"
		}
		s.put("User", id, map[string]any{"Username": email, "Email": email, "Name": name, "IsActive": i < len(world.OwnerIDs)-2})
	}
	for i, label := range []string{"Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"} {
		s.put("TaskStatus", newID("01J", int64(i+1)), map[string]any{"ApiName": label, "MasterLabel": label, "IsClosed": label == "Completed", "IsDefault": i == 0})
	}
	for i, label := range []string{"High", "Normal", "Low"} {
		s.put("TaskPriority", newID("01K", int64(i+1)), map[string]any{"ApiName": label, "MasterLabel": label, "IsHighPriority": i == 0, "IsDefault": i == 1})
	}
	n := 0
	for p := range world.People(world.Config{People: s.cfg.People, Seed: s.cfg.Seed, Now: s.cfg.Clock.Now()}) {
		s.putPerson(p, n)
		n++
	}
}

// put adds a record of the set-up.
func (s *Server) put(object, id string, values map[string]any) *record {
	at := s.cfg.Clock.Now().Add(-24 * time.Hour).UTC().Truncate(time.Second)
	for _, f := range s.schema[lower(object)].fields {
		if f.kind == "boolean" && values[f.name] == nil {
			values[f.name] = false
		}
	}
	r := &record{id: long(id), values: values, created: at, modified: at, stamp: at}
	s.tables[lower(object)].add(r)
	return r
}

func (s *Server) putPerson(p world.Person, n int) {
	v := p.Values
	values := map[string]any{"LastName": orNil(v[world.LastName]), "Name": v[world.FirstName] + " " + v[world.LastName], "HasOptedOutOfEmail": false}
	for name, value := range map[string]string{"FirstName": v[world.FirstName], "Email": v[world.Email], "Title": v[world.Title], "Phone": v[world.Phone], "OwnerId": v[world.OwnerID]} {
		if value != "" {
			values[name] = value
		}
	}
	if values["OwnerId"] == nil {
		values["OwnerId"] = s.self
	}
	if id := v[world.LeadID]; id != "" {
		lead := map[string]any{"IsConverted": false, "Company": v[world.Company]}
		for name, value := range values {
			lead[name] = value
		}
		s.put("Lead", id, lead)
	}
	contact, account := v[world.ContactID], v[world.AccountID]
	if account != "" && s.tables["account"].byID[long(account)] == nil {
		s.put("Account", account, map[string]any{"Name": v[world.Company], "OwnerId": values["OwnerId"]})
	}
	if contact == "" {
		return
	}
	values["AccountId"] = orNil(account)
	s.put("Contact", contact, values)
	if id := v[world.OpportunityID]; id != "" {
		s.putOpportunity(id, long(contact), account, p.ID*10, true, false)
		return
	}
	// Others have one that Marketo does not know of: open, closed, or both.
	switch n % 7 {
	case 0:
		s.putOpportunity(newID("006", p.ID*4+1), long(contact), account, p.ID*10+1, n%2 == 0, false)
		s.putOpportunity(newID("006", p.ID*4+2), long(contact), account, p.ID*10+2, n%2 == 1, true)
	case 1:
		s.putOpportunity(newID("006", p.ID*4+3), long(contact), account, p.ID*10+3, true, true)
	}
}

func (s *Server) putOpportunity(id, contact, account string, role int64, primary, closed bool) {
	stage := "Prospecting"
	if closed {
		stage = "Closed Won"
	}
	s.put("Opportunity", id, map[string]any{"Name": "Deal " + strconv.FormatInt(role, 10), "StageName": stage, "AccountId": orNil(account), "IsClosed": closed, "OwnerId": s.self})
	s.put("OpportunityContactRole", newID("00K", role), map[string]any{"OpportunityId": long(id), "ContactId": contact, "IsPrimary": primary})
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}
