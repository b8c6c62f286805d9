// Package salesforce is a sandbox of Salesforce's REST API: OAuth, describe, SOQL,
// rows, Collections and composite calls over an org in memory. It follows
// Salesforce's documentation and is never kinder than the real thing: field rules,
// record errors, limits and their codes, ids, stamps of whole seconds, locks of
// parents. See the README beside the sandboxes for what it leaves out.
package salesforce

import (
	"cmp"
	"crypto/rsa"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"salesactions/sandbox/fault"
	"salesactions/sandbox/salesforce/oauth"
)

// Config says how the sandbox behaves; zero values are the documented behaviour.
type Config struct {
	People int   // default 5,000: the people of Marketo's sandbox with the same seed
	Seed   int64 // of the world and of all chances

	ClientID     string         // of the connected app; default "sandbox-app"
	ClientSecret string         // default "sandbox-app-secret"
	Username     string         // of the integration user; default "integration@example.com"
	Password     string         // of every user; default "sandbox-password"
	PublicKey    *rsa.PublicKey // of the app's certificate; nil refuses the JWT bearer flow

	KeyField    string   // a unique external id on Activity; empty: the org has none
	MarkerField string   // a plain text field on Activity; empty: none
	NoMSEFields bool     // the org lacks the MSE_* fields of Task
	OptOutField string   // a custom checkbox of leads and contacts; empty: none
	OptOutOn    []string // the objects that have it; default Lead and Contact
	TaskTypes   []string // values of Task.Type; default Call, Email, Reply, Meeting, Other

	HiddenFields   map[string][]string // by object: those that the integration user cannot see
	ReadOnlyFields map[string][]string // by object: those that it sees and cannot write

	DuplicateRule  bool // blocks every lead and contact that is saved without allowSave
	AssignmentRule bool // gives every lead that is saved to somebody else, unless told not to

	DailyRequests int           // in 24 hours; default 200,000
	QuotaOff      bool          // count, but refuse nothing for the quota
	Latency       time.Duration // of every answer
	SessionLength time.Duration // default 2 h
	Rotation      bool          // refresh tokens are good for one use
	LockWait      time.Duration // for the lock of a parent; default 10 s

	Clock clockwork.Clock // required
}

// Server is the sandbox. It is safe for concurrent use.
type Server struct {
	cfg     Config
	schema  map[string]*object // by name in small letters
	visible map[string]*object // the schema as the integration user sees it
	faults  *fault.Plan
	oauth   *oauth.Server
	orgID   string
	self    string // the integration user
	limits  limits
	locks   locks
	cursors cursors

	mu     sync.RWMutex // of all below
	random *rand.Rand
	tables map[string]*table
	lastID int64
	begun  map[*Transaction]bool // and not ended

	binSince time.Time // when the oldest row in the recycle bin came there; zero: it is empty
}

// limits counts calls.
type limits struct {
	used       atomic.Int64
	mu         sync.Mutex
	calls      map[string]int
	violations map[string]int
	spent      bool
}

func (l *limits) count(operation string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[operation]++
}

func (l *limits) violate(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.violations[what]++
}

// New makes a sandbox with its org.
func New(cfg Config) (*Server, error) {
	if cfg.Clock == nil {
		return nil, errors.New("the sandbox of Salesforce has no clock: Config.Clock is missing")
	}
	cfg.People = cmp.Or(cfg.People, 5000)
	cfg.ClientID = cmp.Or(cfg.ClientID, "sandbox-app")
	cfg.ClientSecret = cmp.Or(cfg.ClientSecret, "sandbox-app-secret")
	cfg.Username = cmp.Or(cfg.Username, "integration@example.com")
	cfg.Password = cmp.Or(cfg.Password, "sandbox-password")
	cfg.DailyRequests = cmp.Or(cfg.DailyRequests, 200_000)
	cfg.SessionLength = cmp.Or(cfg.SessionLength, 2*time.Hour)
	cfg.LockWait = cmp.Or(cfg.LockWait, 10*time.Second)
	if cfg.TaskTypes == nil {
		cfg.TaskTypes = []string{"Call", "Email", "Reply", "Meeting", "Other"}
	}
	if cfg.OptOutOn == nil {
		cfg.OptOutOn = []string{"Lead", "Contact"}
	}
	s := &Server{cfg: cfg, schema: schema(cfg), faults: fault.New(cfg.Seed), random: rand.New(rand.NewPCG(uint64(cfg.Seed), 5)),
		tables: map[string]*table{}, begun: map[*Transaction]bool{}, orgID: newID("00D", 1), self: newID("005", 900_001)}
	s.limits.calls, s.limits.violations = map[string]int{}, map[string]int{}
	s.locks.held, s.locks.freed = map[string]hold{}, make(chan struct{})
	for name := range s.schema {
		s.tables[name] = newTable()
	}
	var err error
	if s.visible, err = visible(cfg, s.schema); err != nil {
		return nil, err
	}
	s.populate()
	s.oauth, err = s.newOAuth()
	return s, err
}

// restError is an error of a whole call.
type restError struct {
	status  int
	code    string
	message string
	fields  []string
}

func (e *restError) Error() string { return e.code + ": " + e.message }

func fail(status int, code, message string) *restError {
	return &restError{status: status, code: code, message: message}
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w = dated{w, s.cfg.Clock}
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/_sandbox/"):
		s.control(w, r)
	case strings.HasPrefix(path, "/services/oauth2/"), strings.HasPrefix(path, "/id/"), strings.HasPrefix(path, "/.well-known/"):
		s.limits.count("oauth")
		s.oauth.ServeHTTP(w, r)
	case strings.TrimSuffix(path, "/") == "/services/data":
		writeJSON(w, http.StatusOK, versions())
	case strings.HasPrefix(path, "/services/data/v"):
		s.api(w, r)
	default:
		s.recordPage(w, r)
	}
}

// versions are those that the org has, oldest first.
func versions() []map[string]string {
	list := []map[string]string{}
	seasons := []string{"Spring", "Summer", "Winter"}
	for v := firstVersion; v <= lastVersion; v++ {
		year := 2020 + (v-48)/3
		season := seasons[(v-48)%3]
		if season == "Winter" {
			year++
		}
		number := itoa(v) + ".0"
		list = append(list, map[string]string{"label": season + " '" + itoa(year-2000), "url": "/services/data/v" + number, "version": number})
	}
	return list
}

func supported(version string) bool {
	major, err := strconv.Atoi(strings.TrimSuffix(version, ".0"))
	return err == nil && major >= firstVersion && major <= lastVersion
}

const (
	firstVersion = 50
	lastVersion  = 67
)

// Fault adds a rule of misbehaviour.
func (s *Server) Fault(r fault.Rule) { s.faults.Add(r) }

// ClearFaults lets the sandbox behave again.
func (s *Server) ClearFaults() { s.faults.Clear() }

// ExpireSessions ends all access tokens; refresh tokens stay good.
func (s *Server) ExpireSessions() { s.oauth.ExpireSessions() }

// RevokeGrants ends all tokens, as an admin's Revoke or a new password does.
func (s *Server) RevokeGrants() { s.oauth.RevokeGrants() }

// SpendQuota uses the org's calls up; RefillQuota gives them back.
func (s *Server) SpendQuota() { s.setSpent(true) }

// RefillQuota gives the org its calls back.
func (s *Server) RefillQuota() { s.setSpent(false) }

func (s *Server) setSpent(spent bool) {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	s.limits.spent = spent
}

// Violations counts breaches of documented rules by kind.
func (s *Server) Violations() map[string]int { return copied(&s.limits, s.limits.violations) }

// Calls counts calls by operation.
func (s *Server) Calls() map[string]int { return copied(&s.limits, s.limits.calls) }

func copied(l *limits, of map[string]int) map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[string]int, len(of))
	for k, n := range of {
		out[k] = n
	}
	return out
}
