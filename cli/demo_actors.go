package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"
)

// demoActors are what mail plug-ins, dialers and campaign tools do all day: they
// record activities through the API, as any program would, and keep the reps' tasks.
type demoActors struct {
	api    *caller
	clock  clockwork.Clock
	random *rand.Rand

	at     time.Time // of what happens next; zero: now
	run    string    // begins the keys, so that another run's are other activities
	n      int
	people []demoPerson
	emails []demoEmail // sent lately, oldest first
}

type demoPerson struct {
	ID string `json:"id"`
}

type demoEmail struct {
	key     string
	person  string
	rep     string
	subject string
	opened  bool
}

// Those whom the demo's mail and calls come from; the last has no user in Salesforce.
var demoReps = []string{demoRep, demoRep, "u3@example.com", "u4@example.com", "guest.rep@example.com"}

var (
	demoSubjects  = []string{"Quick question", "Your trial", "Following up", "Next steps", "Pricing", "Intro to your team", "Notes from our call", "Renewal"}
	demoCampaigns = []string{"Q1 outreach", "Webinar follow-up", "Win back"}
	demoOutcomes  = []string{"Interested", "Call back later", "Left the company", "Meeting booked"}
	demoTemplates = []string{"Intro", "Follow-up 1", "Break-up"}
)

// runActors records something every so often until ctx ends.
func runActors(ctx context.Context, clock clockwork.Clock, url, token string, every time.Duration) {
	a := &demoActors{api: newCaller(url+"/api/v1", token), clock: clock, random: rand.New(rand.NewPCG(1, 2)), run: clock.Now().UTC().Format("150405")}
	ticker := clock.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
			// The next tick tries anew: nobody waits for made-up activities.
			_ = a.act(ctx)
		}
	}
}

func (a *demoActors) act(ctx context.Context) error {
	if len(a.people) == 0 {
		var page struct {
			Items []demoPerson `json:"items"`
		}
		if err := a.api.call(ctx, http.MethodGet, "/people?limit=200", nil, &page); err != nil || len(page.Items) == 0 {
			return err
		}
		a.people = page.Items
		if err := errors.Join(a.past(ctx), a.reminders(ctx)); err != nil {
			return err
		}
	}
	activities := []map[string]any{a.next()}
	return errors.Join(a.api.call(ctx, http.MethodPost, "/activities", map[string]any{"activities": activities}, nil), a.work(ctx))
}

// pastDays and pastActivities are what had happened before the demo began.
const (
	pastDays       = 21
	pastActivities = 240
)

// past records the weeks before, in a workspace that has no activities yet.
func (a *demoActors) past(ctx context.Context) error {
	var page struct {
		Items []struct{} `json:"items"`
	}
	if err := a.api.call(ctx, http.MethodGet, "/activities?limit=1", nil, &page); err != nil || len(page.Items) > 0 {
		return err
	}
	activities := make([]map[string]any, pastActivities)
	for i := range activities {
		a.at = a.clock.Now().Add(-pastDays * 24 * time.Hour * time.Duration(pastActivities-i) / (pastActivities + 1))
		activities[i] = a.next()
	}
	a.at = time.Time{}
	return a.api.call(ctx, http.MethodPost, "/activities", map[string]any{"activities": activities}, nil)
}

// next makes up an activity: mostly emails and what happens to them.
func (a *demoActors) next() map[string]any {
	a.n++
	at := a.at
	if at.IsZero() {
		at = a.clock.Now()
	}
	activity := map[string]any{"key": fmt.Sprintf("demo-%s-%d", a.run, a.n), "occurred_at": at.UTC().Format(time.RFC3339)}
	chance := a.random.IntN(100)
	switch {
	case chance < 40 || len(a.emails) == 0:
		a.email(activity)
	case chance < 80:
		a.engagement(activity)
	case chance < 92:
		activity["type"], activity["person_id"], activity["rep"] = "call_received", a.person(), pick(a.random, demoReps)
		activity["subject"], activity["call_outcome"] = "Call about "+pick(a.random, demoSubjects), pick(a.random, demoOutcomes)
		activity["call_reason"], activity["call_duration_seconds"] = "Follow-up", 20+a.random.IntN(600)
	default:
		kinds := []string{"campaign_added", "campaign_removed"}
		activity["type"], activity["person_id"], activity["rep"] = pick(a.random, kinds), a.person(), pick(a.random, demoReps)
		activity["campaign_name"] = pick(a.random, demoCampaigns)
	}
	return activity
}

func (a *demoActors) email(activity map[string]any) {
	e := demoEmail{key: activity["key"].(string), person: a.person(), rep: pick(a.random, demoReps), subject: pick(a.random, demoSubjects)}
	activity["type"], activity["person_id"], activity["rep"], activity["subject"] = "email_sent", e.person, e.rep, e.subject
	activity["body_preview"] = "Hello, I wanted to ask whether you have a minute this week."
	activity["template_name"], activity["campaign_name"] = pick(a.random, demoTemplates), pick(a.random, demoCampaigns)
	activity["campaign_day"], activity["campaign_step"] = fmt.Sprint(1+a.random.IntN(9)), fmt.Sprint(1+a.random.IntN(4))
	a.emails = append(a.emails, e)
	if len(a.emails) > 30 {
		a.emails = a.emails[1:]
	}
}

// engagement happens to an email of late: it is opened before anything else.
func (a *demoActors) engagement(activity map[string]any) {
	at := a.random.IntN(len(a.emails))
	e := &a.emails[at]
	activity["type"], activity["person_id"], activity["rep"], activity["email_key"] = "email_opened", e.person, e.rep, e.key
	if !e.opened {
		e.opened = true
		if a.random.IntN(20) == 0 {
			activity["type"], activity["bounce_type"] = "email_bounced", "hard"
		}
		return
	}
	switch a.random.IntN(3) {
	case 0:
		activity["type"], activity["link_url"] = "email_clicked", "https://www.example.com/pricing"
	case 1:
		activity["type"], activity["body_preview"] = "email_replied", "Thanks, Thursday works for me."
		activity["subject"] = e.subject
	}
}

func (a *demoActors) person() string { return pick(a.random, a.people).ID }

func pick[T any](random *rand.Rand, list []T) T { return list[random.IntN(len(list))] }
