package syncengine

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"salesactions/syncengine/unsubscribes"
)

// checks counts the answers to "may I email this person?" of this process.
type checks struct {
	mu      sync.Mutex
	answers map[string]float64
	seconds float64
	count   uint64
	buckets map[float64]uint64
}

// checkBuckets are seconds; the answer is to come within 0.05 beside Marketo's own time.
var checkBuckets = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}

func (c *checks) note(a SendAnswer, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answers == nil {
		c.answers, c.buckets = map[string]float64{}, map[float64]uint64{}
	}
	switch {
	case a.Allowed:
		c.answers["allowed"]++
	case len(a.Reasons) == 1 && a.Reasons[0] == unsubscribes.MarketoUnreachable:
		c.answers["unknown"]++
	default:
		c.answers["blocked"]++
	}
	c.count, c.seconds = c.count+1, c.seconds+took.Seconds()
	for _, le := range checkBuckets {
		if took.Seconds() <= le {
			c.buckets[le]++
		}
	}
}

// collect hands the counts to Prometheus.
func (c *checks) collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, answer := range []string{"allowed", "blocked", "unknown"} {
		out <- prometheus.MustNewConstMetric(metricChecks, prometheus.CounterValue, c.answers[answer], answer)
	}
	buckets := make(map[float64]uint64, len(checkBuckets))
	for _, le := range checkBuckets {
		buckets[le] = c.buckets[le]
	}
	out <- prometheus.MustNewConstHistogram(metricCheckTime, c.count, c.seconds, buckets)
}
