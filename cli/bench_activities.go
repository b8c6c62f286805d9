package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"salesactions/models"
	"salesactions/syncengine"
	"salesactions/syncengine/budget"
)

// activities measures recording and delivering: a burst that is recorded through the
// API while nobody delivers, then delivered to one system after the other with their
// quotas off, and single ones on an idle system.
func (b *benchmark) activities(ctx context.Context, box *sandboxProcess) error {
	n, _ := b.command.Flags().GetInt("activities")
	people, err := b.burstPeople(ctx, n)
	if err != nil {
		return err
	}
	if err := b.recorded(ctx, people, n); err != nil {
		return err
	}
	marketo := syncengine.Config{Rate: 1 << 20, DailyBudget: 1 << 40, Concurrency: 10, SalesforceDaily: 1 << 40,
		Marketo: syncengine.Credentials{Endpoint: box.Endpoint, ClientID: sandboxClientID, ClientSecret: sandboxClientSecret}}
	both := marketo
	both.Salesforce = syncengine.SalesforceCredentials{LoginURL: box.OrgURL, ClientID: sandboxAppID, ClientSecret: sandboxAppSecret}
	if err := b.delivered(ctx, models.ToMarketo, marketo, n, 1500, 4); err != nil {
		return err
	}
	if err := b.delivered(ctx, models.ToSalesforce, both, n, 2000, 5.5); err != nil {
		return err
	}
	return b.single(ctx, both, people)
}

// burstPeople are whom the burst is about: a person for every five activities, as
// when a campaign tool tells of a whole team's day.
func (b *benchmark) burstPeople(ctx context.Context, n int) ([]int64, error) {
	var people []int64
	err := b.store.db.Gorm.WithContext(ctx).Raw(`SELECT id FROM people WHERE archived_at IS NULL AND coalesce(salesforce_contact_id, salesforce_lead_id) IS NOT NULL
		ORDER BY id LIMIT ?`, max(n/5, 1)).Scan(&people).Error
	if err == nil && len(people) == 0 {
		err = errors.New("there is nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("find people for the burst: %w", err)
	}
	return people, nil
}

// recorded sends a burst through the batch call, of which all becomes Tasks.
func (b *benchmark) recorded(ctx context.Context, people []int64, n int) error {
	return b.serving(ctx, syncengine.Config{}, func(a *app, token string) error {
		on := true
		if err := a.engine.ChangeLogging(ctx, syncengine.LoggingChange{Emails: &on, Calls: &on}, actor); err != nil {
			return err
		}
		var bodies [][]byte
		for batch := range slices.Chunk(b.burst("burst", people, n), 1000) {
			raw, err := json.Marshal(map[string]any{"activities": batch})
			if err != nil {
				return fmt.Errorf("write the burst: %w", err)
			}
			bodies = append(bodies, raw)
		}
		began := b.store.clock.Now()
		for _, body := range bodies {
			if err := record(ctx, a.url(), token, body); err != nil {
				return err
			}
		}
		rate := float64(n) / b.store.clock.Since(began).Seconds()
		b.line("activities recorded per second, 1,000 a call", rate, "at least 5000", rate >= 5000)
		return nil
	})
}

// burst makes emails and calls.
func (b *benchmark) burst(prefix string, people []int64, n int) []map[string]any {
	all := make([]map[string]any, n)
	now := b.store.clock.Now().UTC().Format(time.RFC3339)
	for i := range all {
		all[i] = map[string]any{"key": fmt.Sprintf("%s-%d", prefix, i), "type": "email_sent", "occurred_at": now,
			"person_id": fmt.Sprint(people[i%len(people)]), "rep": "rep@example.com", "subject": "Quick question", "body_preview": "Hello, have you had the time to look at it?"}
		if i%4 == 0 {
			all[i]["type"], all[i]["call_outcome"], all[i]["call_duration_seconds"] = "call_received", "Connected", 90
		}
	}
	return all
}

func record(ctx context.Context, url, token string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/v1/activities", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("record activities: %w", err)
	}
	defer resp.Body.Close()
	var answer struct {
		Results []struct{ Status string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("record activities: HTTP %d", resp.StatusCode)
	}
	for _, r := range answer.Results {
		if r.Status == "invalid" {
			return errors.New("record activities: one was refused")
		}
	}
	return nil
}

// delivered measures how fast the burst goes to a system, and with how many calls.
func (b *benchmark) delivered(ctx context.Context, to models.Destination, config syncengine.Config, n int, rateLimit, callLimit float64) error {
	config.Work = true
	before, err := b.calls(ctx, to)
	if err != nil {
		return err
	}
	return b.serving(ctx, config, func(*app, string) error {
		if err := b.untilDelivered(ctx, to); err != nil {
			return err
		}
		var seconds float64
		err := b.store.db.Gorm.WithContext(ctx).Raw(`SELECT extract(epoch FROM max(updated_at) - min(sent_at)) FROM deliveries
			WHERE destination = ? AND state = 'delivered'`, to).Scan(&seconds).Error
		if err != nil {
			return fmt.Errorf("read how long it took: %w", err)
		}
		after, err := b.calls(ctx, to)
		if err != nil {
			return err
		}
		rate, calls := float64(n)/seconds, float64(after-before)*1000/float64(n)
		b.line("activities delivered per second to "+to.Name(), rate, fmt.Sprintf("at least %.0f", rateLimit), rate >= rateLimit)
		b.line("calls of "+to.Name()+" per 1,000 activities", calls, fmt.Sprintf("at most %.1f", callLimit), calls <= callLimit)
		return nil
	})
}

// calls are all that were made of a system so far, but for those that copy people
// and that look once what the system has.
func (b *benchmark) calls(ctx context.Context, to models.Destination) (n int64, err error) {
	err = b.store.db.Gorm.WithContext(ctx).Raw(`SELECT coalesce(sum(calls), 0) FROM api_usage WHERE system = ? AND purpose NOT IN ?`,
		string(to), []budget.Purpose{budget.InitialSync, budget.IncrementalSync, budget.Reconciliation,
			budget.ConnectionTest, budget.ActivityTypes, budget.Setup}).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count the calls: %w", err)
	}
	return n, nil
}

// untilDelivered waits until nothing is open; a failed delivery ends the benchmark.
func (b *benchmark) untilDelivered(ctx context.Context, to models.Destination) error {
	for {
		var left struct{ Open, Failed bool }
		err := b.store.db.Gorm.WithContext(ctx).Raw(`SELECT EXISTS (SELECT FROM deliveries WHERE destination = @to AND state IN ('pending', 'sending')) AS open,
			EXISTS (SELECT FROM deliveries WHERE destination = @to AND state = 'failed') AS failed`, map[string]any{"to": to}).Scan(&left).Error
		switch {
		case err != nil:
			return fmt.Errorf("look what is left: %w", err)
		case left.Failed:
			return errors.New("a delivery failed")
		case !left.Open:
			return nil
		}
		if err := b.pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// single measures how long one activity takes to be in both systems when nothing else
// is going on.
func (b *benchmark) single(ctx context.Context, config syncengine.Config, people []int64) error {
	const tries = 40
	config.Work = true
	return b.serving(ctx, config, func(a *app, token string) error {
		times := make([]time.Duration, 0, tries)
		for i := range tries {
			raw, err := json.Marshal(map[string]any{"activities": b.burst(fmt.Sprintf("single-%d", i), people[i%len(people):], 1)})
			if err != nil {
				return fmt.Errorf("write an activity: %w", err)
			}
			began := b.store.clock.Now()
			if err := record(ctx, a.url(), token, raw); err != nil {
				return err
			}
			for _, to := range []models.Destination{models.ToMarketo, models.ToSalesforce} {
				if err := b.untilDelivered(ctx, to); err != nil {
					return err
				}
			}
			times = append(times, b.store.clock.Since(began))
			if err := b.pause(ctx, time.Duration(i%10)*100*time.Millisecond); err != nil { // so that no rhythm of ours is met
				return err
			}
		}
		slices.Sort(times)
		p95 := times[tries*95/100-1].Seconds()
		b.line("one activity in both systems, p95 s (median "+times[tries/2].Round(time.Millisecond).String()+")", p95, "under 2", p95 < 2)
		return nil
	})
}

// serving runs the whole program on the benchmark's database while something is done.
func (b *benchmark) serving(ctx context.Context, config syncengine.Config, do func(a *app, token string) error) error {
	a, err := b.store.newApp(b.command, config)
	if err != nil {
		return err
	}
	token, _, err := models.CreateAPIToken(ctx, b.store.db.Gorm, b.store.clock.Now(), "bench", models.ScopeRecord, actor)
	if err != nil {
		return errors.Join(err, a.listener.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	ended, ready := make(chan error, 1), make(chan struct{})
	go func() { ended <- a.run(ctx, func() { close(ready) }) }()
	select {
	case err = <-ended:
		stop()
		return err
	case <-ready:
	}
	if config.Work {
		if err = a.engine.SetUpMarketoTypes(ctx, actor); err == nil && config.Salesforce.LoginURL != "" {
			err = a.engine.TestSalesforce(ctx)
		}
	}
	if err == nil {
		err = do(a, token)
	}
	stop()
	return errors.Join(err, <-ended)
}
