package marketo

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// BenchmarkBulkFile writes the file of all owned people; it should pass 100,000
// people a second.
func BenchmarkBulkFile(b *testing.B) {
	s, err := New(Config{Clock: clockwork.NewRealClock(), People: 100_000, QuotaOff: true})
	if err != nil {
		b.Fatal(err)
	}
	fields := []string{}
	for _, c := range columns {
		if s.has(c.name) {
			fields = append(fields, c.name)
		}
	}
	rows, start := 0, time.Now()
	for b.Loop() {
		j := &job{fields: fields, separator: ',', done: make(chan struct{})}
		s.writeFile(j)
		rows += j.rows
	}
	b.ReportMetric(float64(rows)/time.Since(start).Seconds(), "people/s")
}

// BenchmarkNew makes the world of the largest demo.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(Config{Clock: clockwork.NewRealClock(), People: 1_000_000}); err != nil {
			b.Fatal(err)
		}
	}
}
