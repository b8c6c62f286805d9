package marketo

import (
	"math/rand/v2"
	"time"

	"salesactions/sandbox/world"
)

// The types of what people did and what was done with them. Those of the sales
// product are there where the instance has it; that of calls has no published number.
const (
	typeVisit      = 1
	typeClickLink  = 3
	typeSendEmail  = 6
	typeOpenEmail  = 10
	typeClickEmail = 11
	typeSalesEmail = 39
	typeSalesReply = 45
	typeMoment     = 46
	typeSalesCall  = 152
)

// activityTypes are those of an instance without custom ones.
func (s *Server) activityTypes() []map[string]any {
	names := map[int]string{typeVisit: "Visit Webpage", 2: "Fill Out Form", typeClickLink: "Click Link", typeSendEmail: "Send Email", 7: "Email Delivered",
		8: "Email Bounced", typeOpenEmail: "Open Email", typeClickEmail: "Click Email", typeNewLead: "New Lead", typeChange: "Change Data Value",
		19: "Sync Lead to SFDC", typeConvert: "Convert Lead", typeChangeOwner: "Change Owner", typeAddToList: "Add to List", 25: "Remove from List",
		31: "SFDC Merge Leads", typeMerge: "Merge Leads", 34: "Add to Opportunity", 35: "Remove from Opportunity", typeDelete: "Delete Lead",
		typeMoment: "Interesting Moment"}
	if s.cfg.History {
		names[typeSalesEmail], names[40], names[41] = "Send Sales Email", "Open Sales Email", "Click Sales Email"
		names[typeSalesReply], names[48], names[typeSalesCall] = "Receive Sales Email", "Sales Email Bounced", "Received Sales Call"
	}
	types := make([]map[string]any, 0, len(names))
	for id, name := range names {
		types = append(types, map[string]any{"id": id, "name": name, "description": name, "attributes": []any{}})
	}
	return types
}

// historyDays is how far back a person's history goes; the log drops what is older
// than it keeps.
const historyDays = 100

// history is what happened to a person, the same each time it is asked for: somebody
// in five is quiet, others did something every few days.
func (s *Server) history(l *lead, now time.Time) []row {
	random := rand.New(rand.NewPCG(uint64(s.cfg.Seed), uint64(l.ID)))
	if random.IntN(5) == 0 {
		return nil
	}
	today, every := now.UTC().Truncate(24*time.Hour), 1+random.IntN(6)
	var rows []row
	for day := historyDays; day >= 0; day-- {
		// Days count from a fixed one, so that yesterday's history is the same tomorrow.
		at := today.AddDate(0, 0, -day)
		number := at.Unix() / 86_400
		chance := rand.New(rand.NewPCG(uint64(l.ID), uint64(number)))
		if chance.IntN(every) != 0 || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
			continue
		}
		for n, r := range happenings(chance, l) {
			r.id, r.lead = 1<<40+(number%10_000)*100_000_000+l.ID*10+int64(n), l.ID
			r.at = at.Add(8*time.Hour + time.Duration(chance.IntN(9*3600))*time.Second + time.Duration(n)*time.Second)
			if r.at.After(now) {
				continue
			}
			r.visible = r.at
			rows = append(rows, r)
		}
	}
	return rows
}

var (
	pages   = []string{"/pricing", "/product/tour", "/blog/forecasting", "/customers", "/docs/getting-started", "/webinar/pipeline-reviews"}
	mails   = []string{"Newsletter.2026-10 Product news", "Nurture.Track 2 How others do it", "Event.Invitation Pipeline reviews", "Webinar.Thank you"}
	moments = []string{"Asked for a demo on the pricing page", "Came back after a month", "Watched the whole webinar", "Downloaded the buyer's guide"}
	offers  = []string{"Quick question", "Our pricing", "Following up", "A reference for you"}
)

// happenings are what happens to a person on one day.
func happenings(chance *rand.Rand, l *lead) []row {
	pick := func(list []string) string { return list[chance.IntN(len(list))] }
	site := "https://www.example.com"
	switch chance.IntN(6) {
	case 0, 1:
		page := pick(pages)
		rows := []row{{kind: typeVisit, primary: page, said: []said{{"Webpage URL", page}, {"Referrer URL", site + "/"}, {"User Agent", "Mozilla/5.0"}}}}
		if chance.IntN(2) == 0 {
			rows = append(rows, row{kind: typeClickLink, primary: site + pick(pages), said: []said{{"Referrer URL", site + page}}})
		}
		return rows
	case 2, 3:
		mail := pick(mails)
		rows := []row{{kind: typeSendEmail, primary: mail, said: []said{{"Campaign Run ID", chance.IntN(9000)}, {"Has Predictive", false}}}}
		if chance.IntN(2) == 0 {
			rows = append(rows, row{kind: typeOpenEmail, primary: mail, said: []said{{"Device", "unknown"}, {"Is Mobile Device", chance.IntN(2) == 0}, {"Is Bot Activity", false}}})
		}
		if chance.IntN(3) == 0 {
			rows = append(rows, row{kind: typeClickEmail, primary: mail, said: []said{{"Link", site + pick(pages)}, {"Is Mobile Device", false}}})
		}
		return rows
	case 4:
		kind := pick([]string{"Email", "Web", "Milestone"})
		return []row{{kind: typeMoment, primary: kind, said: []said{{"Description", pick(moments)}, {"Source", "Smart campaign"}}}}
	default:
		subject := pick(offers)
		switch chance.IntN(3) {
		case 0:
			return []row{{kind: typeSalesCall, said: []said{{"Subject", pick([]string{"Connected", "Left voicemail", "No answer"})},
				{"Duration", chance.IntN(900)}, {"Status", "completed"}, {"Sales Phone Number Called", l.Values[world.Phone]}}}}
		case 1:
			return []row{{kind: typeSalesEmail, said: []said{{"Email Subject", subject}, {"Sent By", "rep@example.com"}, {"Source", "Sales App"}}},
				{kind: typeSalesReply, said: []said{{"Email Subject", "Re: " + subject}, {"Received By", "rep@example.com"}, {"Source", "Sales App"}}}}
		default:
			return []row{{kind: typeSalesEmail, said: []said{{"Email Subject", subject}, {"Sent By", "rep@example.com"}, {"Source", "Sales App"}}}}
		}
	}
}
