package marketo

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// window is the time in which calls are counted.
const window = 20 * time.Second

// uncounted says whether an error costs no call (Marketo REST: error codes).
func uncounted(code string) bool {
	return slices.Contains([]string{"601", "602", "604", "605", "608", "611"}, code)
}

// limits counts calls and breaches. All of it belongs to the subscription.
type limits struct {
	cfg  Config
	zone *time.Location

	mu         sync.Mutex
	recent     []time.Time
	running    int
	day        string
	today      int
	days       map[string]int
	violations map[string]int
	calls      map[string]int
	codes      map[string]map[string]int // by day
	maxWindow  int
	maxRunning int
	quotaSpent bool
}

func newLimits(cfg Config, zone *time.Location) *limits {
	return &limits{cfg: cfg, zone: zone, days: map[string]int{}, violations: map[string]int{}, calls: map[string]int{}, codes: map[string]map[string]int{}}
}

// enter notes that a request runs, until leave is called. Its error is the limit of
// requests at once.
func (l *limits) enter(operation string) (leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[operation]++
	l.running++
	l.maxRunning = max(l.maxRunning, l.running)
	leave = func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.running--
	}
	if l.running > l.cfg.Concurrency {
		l.violations["more than the allowed calls running"]++
		err = refuse("615", fmt.Sprintf("Concurrent access limit '%d' reached", l.cfg.Concurrency))
	}
	if l.cfg.QuotaOff {
		err = nil
	}
	return leave, err
}

// meter counts a call that costs one, and says which limit it breaks, if any. A
// refused call costs one too.
func (l *limits) meter() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Clock.Now()
	l.turn(now)
	first := 0
	for first < len(l.recent) && now.Sub(l.recent[first]) >= window {
		first++
	}
	l.recent = append(l.recent[first:], now)
	l.today++
	l.days[l.day] = l.today
	l.maxWindow = max(l.maxWindow, len(l.recent))
	var err error
	switch {
	case len(l.recent) > l.cfg.Rate:
		l.violations["more than the allowed calls in 20 s"]++
		err = refuse("606", fmt.Sprintf("Max rate limit '%d' exceeded with in '20' secs", l.cfg.Rate))
	case l.quotaSpent: // whoever spent it
		return refuse("607", "Daily quota reached")
	case l.today > l.cfg.DailyQuota:
		l.violations["more than the daily quota"]++
		err = refuse("607", "Daily quota reached")
	}
	if l.cfg.QuotaOff {
		return nil
	}
	return err
}

// turn begins a new day where one began.
func (l *limits) turn(now time.Time) {
	if day := l.date(now); day != l.day {
		l.day, l.today, l.quotaSpent = day, 0, false
	}
}

// date is the day of the quotas, which begin anew at midnight in Chicago.
func (l *limits) date(at time.Time) string { return at.In(l.zone).Format(time.DateOnly) }

func (l *limits) violate(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.violations[what]++
}

func (l *limits) failed(code string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	day := l.date(l.cfg.Clock.Now())
	if l.codes[day] == nil {
		l.codes[day] = map[string]int{}
	}
	l.codes[day][code]++
}

// Violations counts the breaches of documented limits, by kind.
func (s *Server) Violations() map[string]int {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	return maps.Clone(s.limits.violations)
}

// Calls counts the calls, by operation.
func (s *Server) Calls() map[string]int {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	return maps.Clone(s.limits.calls)
}

// MaxInWindow is the most calls that any 20 seconds held.
func (s *Server) MaxInWindow() int {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	return s.limits.maxWindow
}

// MaxConcurrency is the most calls that ran at once.
func (s *Server) MaxConcurrency() int {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	return s.limits.maxRunning
}

// ResetCounts forgets what was counted, but not the limits' own state.
func (s *Server) ResetCounts() {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	l := s.limits
	l.violations, l.calls, l.maxWindow, l.maxRunning = map[string]int{}, map[string]int{}, 0, 0
}

// SpendQuota uses the rest of the day's calls up; RefillQuota gives them back.
func (s *Server) SpendQuota() { s.setSpent(true) }

// RefillQuota is the next day's reset.
func (s *Server) RefillQuota() { s.setSpent(false) }

func (s *Server) setSpent(spent bool) {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	s.limits.turn(s.cfg.Clock.Now())
	s.limits.quotaSpent = spent
}

// usage tells what everybody used, by day.
func (s *Server) usage(days int) answer {
	return s.byDay(days, func(day string) map[string]any {
		count := s.limits.days[day]
		return map[string]any{"date": day, "total": count, "users": []map[string]any{{"userId": "apis@acme.com", "count": count}}}
	})
}

// errorUsage tells which errors everybody met, by day.
func (s *Server) errorUsage(days int) answer {
	return s.byDay(days, func(day string) map[string]any {
		total, errors := 0, []map[string]any{}
		for code, count := range s.limits.codes[day] {
			total += count
			errors = append(errors, map[string]any{"errorCode": code, "count": count})
		}
		return map[string]any{"date": day, "total": total, "errors": errors}
	})
}

// byDay tells something of today and the days before.
func (s *Server) byDay(days int, tell func(day string) map[string]any) answer {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	now, told := s.cfg.Clock.Now().In(s.limits.zone), []map[string]any{}
	for back := range days {
		told = append(told, tell(s.limits.date(now.AddDate(0, 0, -back))))
	}
	return answer{Result: told}
}
