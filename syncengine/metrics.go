package syncengine

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"salesactions/models"
	"salesactions/syncengine/budget"
)

// metricsLimit is how long a scrape may ask the database.
const metricsLimit = 5 * time.Second

// Metrics returns what Prometheus may collect of the sync and the budget. It reads
// the database at each scrape, so that every replica tells the same.
func (e *Engine) Metrics() prometheus.Collector { return collector{e} }

type collector struct{ engine *Engine }

var (
	metricPeople       = prometheus.NewDesc("salesactions_people", "People by state.", []string{"state"}, nil)
	metricState        = prometheus.NewDesc("salesactions_sync_state", "1 for the state that the people sync is in.", []string{"state"}, nil)
	metricLag          = prometheus.NewDesc("salesactions_sync_lag_seconds", "Time since Marketo's change logs were last read to their ends.", nil, nil)
	metricTouched      = prometheus.NewDesc("salesactions_sync_inbox_people", "People waiting to be read again.", nil, nil)
	metricCalls        = prometheus.NewDesc("salesactions_api_calls_today", "API calls made today.", []string{"system", "purpose"}, nil)
	metricWaiting      = prometheus.NewDesc("salesactions_deliveries", "Deliveries that are not done, by destination and state.", []string{"destination", "state"}, nil)
	metricOldest       = prometheus.NewDesc("salesactions_deliveries_oldest_seconds", "How long the first delivery that is due has waited.", []string{"destination"}, nil)
	metricPaused       = prometheus.NewDesc("salesactions_deliveries_paused", "1 while nothing is sent to a destination.", []string{"destination"}, nil)
	metricTasks        = prometheus.NewDesc("salesactions_tasks_in_salesforce", "Reminder tasks by how far they are in Salesforce.", []string{"state"}, nil)
	metricTasksRead    = prometheus.NewDesc("salesactions_tasks_read_seconds", "Time since Salesforce's changes of tasks were last read.", nil, nil)
	metricUnsubscribes = prometheus.NewDesc("salesactions_unsubscribes", "Unsubscribes by where they are from, and those that Salesforce was not told of yet.", []string{"state"}, nil)
	metricChecks       = prometheus.NewDesc("salesactions_email_checks_total", "Answers to the check before a send, of this process.", []string{"answer"}, nil)
	metricCheckTime    = prometheus.NewDesc("salesactions_email_check_seconds", "How long the check before a send took, of this process.", nil, nil)
	metricBudget       = prometheus.NewDesc("salesactions_api_calls_budget", "API calls that may be made a day.", []string{"system"}, nil)
)

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{metricPeople, metricState, metricLag, metricTouched, metricCalls, metricBudget, metricWaiting, metricOldest, metricPaused,
		metricTasks, metricTasksRead, metricUnsubscribes, metricChecks, metricCheckTime} {
		out <- desc
	}
}

// Collect implements prometheus.Collector. What cannot be read is an error of the scrape.
func (c collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), metricsLimit)
	defer cancel()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	st, err := c.engine.Status(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(metricState, err)
		return
	}
	gauge(metricPeople, float64(st.People), "live")
	gauge(metricPeople, float64(st.Archived), "archived")
	for _, state := range []SyncState{StateIdle, StateCopying, StatePaused, StateFollowing, StateFailed} {
		is := 0.0
		if st.State == state {
			is = 1
		}
		gauge(metricState, is, string(state))
	}
	if st.Lag != nil {
		gauge(metricLag, st.Lag.Seconds())
	}
	gauge(metricTouched, float64(st.Touched))
	for _, b := range []*budget.Budget{c.engine.budget, c.engine.salesforceBudget} {
		usage, err := b.Usage(ctx)
		if err != nil {
			out <- prometheus.NewInvalidMetric(metricCalls, err)
			return
		}
		for _, p := range usage.ByPurpose {
			gauge(metricCalls, float64(p.Calls), usage.Limits.System, p.Purpose)
		}
		gauge(metricBudget, float64(usage.Limits.Daily), usage.Limits.System)
	}
	if err := c.deliveries(ctx, gauge); err != nil {
		out <- prometheus.NewInvalidMetric(metricWaiting, err)
	}
	if err := c.twoWay(ctx, gauge); err != nil {
		out <- prometheus.NewInvalidMetric(metricTasks, err)
	}
	c.engine.checks.collect(out)
}

// twoWay tells of what is kept the same in Salesforce.
func (c collector) twoWay(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) error {
	tasks, err := c.engine.TaskSync(ctx)
	if err != nil {
		return err
	}
	gauge(metricTasks, float64(tasks.Linked), "there")
	gauge(metricTasks, float64(tasks.Waiting), "waiting")
	gauge(metricTasks, float64(tasks.Failed), "failed")
	if tasks.On && tasks.ReadAt != nil {
		gauge(metricTasksRead, c.engine.clock.Since(*tasks.ReadAt).Seconds())
	}
	n, err := models.CountUnsubscribes(ctx, c.engine.db)
	if err != nil {
		return err
	}
	for state, count := range map[string]int64{"here": n.Here, "salesforce": n.Salesforce, "waiting": n.Waiting, "failed": n.Failed, "no_record": n.NoRecord, "no_person": n.NoPerson} {
		gauge(metricUnsubscribes, float64(count), state)
	}
	return nil
}

func (c collector) deliveries(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) error {
	counts, err := models.CountDeliveries(ctx, c.engine.db)
	if err != nil {
		return err
	}
	pauses, err := models.ListPauses(ctx, c.engine.db)
	if err != nil {
		return err
	}
	for _, n := range counts {
		to := string(n.Destination)
		gauge(metricWaiting, float64(n.Pending), to, "pending")
		gauge(metricWaiting, float64(n.Held), to, "held")
		gauge(metricWaiting, float64(n.Sending), to, "sending")
		gauge(metricWaiting, float64(n.Failed), to, "failed")
		oldest, paused := 0.0, 0.0
		if n.OldestDue != nil {
			oldest = max(c.engine.clock.Since(*n.OldestDue).Seconds(), 0)
		}
		if slices.ContainsFunc(pauses, func(p models.Pause) bool { return p.Destination == n.Destination }) {
			paused = 1
		}
		gauge(metricOldest, oldest, to)
		gauge(metricPaused, paused, to)
	}
	return nil
}
