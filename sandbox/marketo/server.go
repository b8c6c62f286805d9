// Package marketo is a sandbox of Marketo Engage's REST API. It follows Marketo's
// documentation and is never kinder than the real thing: errors arrive as HTTP 200,
// results have no order, log rows appear late, and every breach of a documented
// limit is counted. See the README beside the sandboxes for what it leaves out.
package marketo

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"salesactions/sandbox/fault"
	"salesactions/sandbox/world"
)

// Config says how the sandbox behaves; zero values are the documented behaviour.
type Config struct {
	People int   // default 5,000
	Seed   int64 // of the world and of all chances

	ClientID     string // default "sandbox-client"
	ClientSecret string // default "sandbox-secret"

	QuotaOff      bool          // count breaches, but refuse nothing for rate, concurrency or quota
	Rate          int           // calls in 20 s; default 100
	Concurrency   int           // calls running; default 10
	DailyQuota    int           // calls a day; default 50,000
	BulkDailySize int64         // bytes a day; default 500 MB
	Latency       time.Duration // of every answer

	BulkDelay   time.Duration // how long a bulk job takes; default 2 min
	BulkRefresh time.Duration // how long a job's status is frozen; default 60 s
	CommitLag   time.Duration // how late log rows may appear; default 2 min, negative: none

	NoBulk           bool // answers 703 to bulk extracts
	NoSmartList      bool // answers 1035 to bulk extracts of smart lists
	NoLinkedIn       bool // the instance lacks linkedInProfileURL
	HasUpdatedAt     bool // bulk extracts may filter by the last change of any field
	HasOpportunity   bool // the instance shows sfdcOpptyId
	CustomTypesTaken int  // slots of custom activity types that the customer uses
	NoTypeWrites     bool // the API user may not change activity types
	NoActivityWrites bool // the API user may not add activities

	History  bool // people have emails, calls, moments and web visits of the last 90 days, as in an instance with the sales product
	PageRows int  // log rows that a page of some people's activities looks at; default 400

	ContactsNoOwner bool // sfdcLeadOwnerId is empty for contacts

	Clock clockwork.Clock // required
}

// Server is the sandbox. It is safe for concurrent use.
type Server struct {
	cfg    Config
	faults *fault.Plan
	limits *limits
	tokens *tokens
	bulk   *bulk

	requests atomic.Uint64 // answers sent, for their ids: no lock, so that a long read stalls none

	mu       sync.RWMutex // of all below
	random   *rand.Rand
	people   map[int64]*lead
	order    []int64 // ids, ascending
	log      []row   // by date and id
	lastID   int64   // of log rows
	types    []*customType
	lastType int // custom types approved so far
	epoch    int // of paging tokens; older ones are refused
	hook     webhook
	hooks    chan int64
}

// lead is a person as Marketo holds them.
type lead struct {
	world.Person
	touched time.Time // last change of any field; updatedAt moves for standard ones only
	deleted bool
}

// New makes a sandbox with its people.
func New(cfg Config) (*Server, error) {
	if cfg.Clock == nil {
		return nil, errors.New("the sandbox of Marketo has no clock: Config.Clock is missing")
	}
	cfg.People = cmp.Or(cfg.People, 5000)
	cfg.ClientID = cmp.Or(cfg.ClientID, "sandbox-client")
	cfg.ClientSecret = cmp.Or(cfg.ClientSecret, "sandbox-secret")
	cfg.Rate = cmp.Or(cfg.Rate, 100)
	cfg.Concurrency = cmp.Or(cfg.Concurrency, 10)
	cfg.DailyQuota = cmp.Or(cfg.DailyQuota, 50_000)
	cfg.BulkDailySize = cmp.Or(cfg.BulkDailySize, 500<<20)
	cfg.BulkDelay = cmp.Or(cfg.BulkDelay, 2*time.Minute)
	cfg.BulkRefresh = cmp.Or(cfg.BulkRefresh, time.Minute)
	cfg.CommitLag = cmp.Or(cfg.CommitLag, 2*time.Minute)
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		return nil, fmt.Errorf("find the zone of the daily quota: %w", err)
	}
	s := &Server{
		cfg: cfg, faults: fault.New(cfg.Seed), random: rand.New(rand.NewPCG(uint64(cfg.Seed), 3)),
		people: make(map[int64]*lead, cfg.People), order: make([]int64, 0, cfg.People), hooks: make(chan int64, 10_000),
	}
	s.limits = newLimits(cfg, zone)
	s.takeTypes(cfg.CustomTypesTaken)
	s.tokens = &tokens{cfg: cfg}
	s.bulk = &bulk{server: s, jobs: map[string]*job{}}
	for p := range world.People(world.Config{People: cfg.People, Seed: cfg.Seed, Now: cfg.Clock.Now()}) {
		if cfg.ContactsNoOwner && p.Values[world.Type] == "Contact" {
			p.Values[world.OwnerID] = ""
		}
		s.people[p.ID] = &lead{Person: p, touched: p.Updated}
		s.order = append(s.order, p.ID)
		if cfg.Clock.Now().Sub(p.Created) < 30*24*time.Hour {
			s.append(row{lead: p.ID, at: p.Created, kind: typeNewLead, visible: p.Created})
		}
	}
	return s, nil
}

// call is a request being answered.
type call struct {
	*http.Request
	params url.Values // of the address and the form
	body   []byte
	rule   *fault.Rule
}

// apiError is an error of Marketo's own.
type apiError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *apiError) Error() string { return e.Code + " " + e.Message }

func refuse(code, message string) error { return &apiError{code, message} }

// answer is the envelope.
type answer struct {
	RequestID     string     `json:"requestId"`
	Success       bool       `json:"success"`
	Result        any        `json:"result,omitempty"`
	Errors        []apiError `json:"errors,omitempty"`
	Warnings      []string   `json:"warnings,omitempty"`
	NextPageToken string     `json:"nextPageToken,omitempty"`
	MoreResult    *bool      `json:"moreResult,omitempty"`
}

const maxBody = 1 << 20

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/_sandbox/"):
		s.control(w, r)
		return
	case r.URL.Path == "/identity/oauth/token":
		s.identity(w, r)
		return
	}
	if strings.Contains(r.URL.Path, "//") {
		s.limits.violate("doubled slash")
	}
	if len(r.URL.RequestURI()) > 8<<10 {
		s.limits.violate("request URI over 8 KB")
		http.Error(w, "URI too long", http.StatusRequestURITooLong)
		return
	}
	c := &call{Request: r, rule: s.faults.Next(r.URL.Path)}
	if err := c.read(); err != nil {
		s.limits.violate("request body over 1 MB")
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	s.serve(w, c)
}

// read takes the parameters; a POST with _method=GET has them in its form.
func (c *call) read() error {
	body, err := io.ReadAll(io.LimitReader(c.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return errors.Join(err, errors.New("body too large"))
	}
	c.params, c.body = c.URL.Query(), body
	if c.Method == http.MethodPost && strings.EqualFold(c.params.Get("_method"), "GET") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil
		}
		for name, values := range form {
			c.params[name] = append(c.params[name], values...)
		}
		c.Method = http.MethodGet
	}
	return nil
}

// list is a parameter with commas, given once or several times.
func (c *call) list(name string) []string {
	var values []string
	for _, given := range c.params[name] {
		for value := range strings.SplitSeq(given, ",") {
			if value = strings.TrimSpace(value); value != "" {
				values = append(values, value)
			}
		}
	}
	return values
}

func (s *Server) serve(w http.ResponseWriter, c *call) {
	leave, limited := s.limits.enter(c.Operation())
	defer leave()
	if s.before(w, c) {
		return
	}
	if !s.wait(c.Context(), s.cfg.Latency) {
		return
	}
	if c.params.Has("access_token") {
		s.limits.violate("token in the address")
	}
	if size, err := strconv.Atoi(c.params.Get("batchSize")); err == nil && size > 300 {
		s.limits.violate("batchSize over 300")
	}
	if err := s.tokens.check(c); err != nil {
		s.write(w, c, answer{}, err)
		return
	}
	if err := cmp.Or(s.limits.meter(), limited); err != nil {
		s.write(w, c, answer{}, err)
		return
	}
	if id, verb, ok := exportCall(c.URL.Path); ok && verb == "file" {
		s.bulk.file(w, c, id)
		return
	}
	result, err := s.route(c)
	s.write(w, c, result, err)
}

// Operation names a request for counting: its path without ids.
func (c *call) Operation() string {
	if _, verb, ok := exportCall(c.URL.Path); ok {
		return "export " + verb
	}
	return c.URL.Path
}

func (s *Server) route(c *call) (answer, error) {
	path, get := c.URL.Path, c.Method == http.MethodGet
	if id, verb, ok := exportCall(path); ok {
		return s.bulk.call(c, id, verb)
	}
	switch {
	case path == "/rest/v1/leads.json" && get:
		return s.leadsByFilter(c)
	case strings.HasPrefix(path, "/rest/v1/lead/") && get:
		return s.leadByID(c, between(path, "/rest/v1/lead/"))
	case path == "/rest/v1/leads/describe2.json" && get:
		return s.describe2()
	case path == "/rest/v1/leads/describe.json" && get:
		return s.describe()
	case path == "/rest/v1/leads/partitions.json" && get:
		return answer{Result: []map[string]any{{"id": 1, "name": "Default", "description": "Initial system lead partition"}}}, nil
	case path == "/rest/v1/activities/pagingtoken.json" && get:
		return s.pagingToken(c)
	case path == "/rest/v1/activities/leadchanges.json" && get:
		return s.leadChanges(c)
	case path == "/rest/v1/activities/deletedleads.json" && get:
		return s.deletedLeads(c)
	case path == "/rest/v1/activities.json" && get:
		return s.activities(c)
	case path == "/rest/v1/activities/types.json" && get:
		return answer{Result: s.allTypes()}, nil
	case strings.HasPrefix(path, typesPath):
		return s.customTypes(c)
	case path == "/rest/v1/activities/external.json" && c.Method == http.MethodPost:
		return s.addActivities(c)
	case path == "/rest/v1/stats/usage.json" && get:
		return s.usage(1), nil
	case path == "/rest/v1/stats/usage/last7days.json" && get:
		return s.usage(7), nil
	case path == "/rest/v1/stats/errors.json" && get:
		return s.errorUsage(1), nil
	case path == "/rest/v1/stats/errors/last7days.json" && get:
		return s.errorUsage(7), nil
	case strings.HasPrefix(path, "/rest/v1/list") && get:
		return s.lists(c)
	case strings.HasPrefix(path, "/rest/asset/v1/") && get:
		return s.assets(c)
	default:
		return answer{}, refuse("610", "Requested resource not found")
	}
}

func between(path, prefix string) string {
	return strings.TrimSuffix(strings.TrimPrefix(path, prefix), ".json")
}

// write sends an answer, as the fault in force has it.
func (s *Server) write(w http.ResponseWriter, c *call, a answer, err error) {
	a.RequestID = fmt.Sprintf("%x#%x", uint16(s.requests.Add(1)*40503), s.cfg.Clock.Now().UnixMilli())
	a.Success = err == nil
	var failed *apiError
	switch {
	case errors.As(err, &failed):
		a.Result, a.Errors = nil, []apiError{*failed}
		s.limits.failed(failed.Code)
	case err != nil:
		a.Result, a.Errors = nil, []apiError{{"611", "System error"}}
	}
	raw := s.after(c, a)
	if raw == nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Write(raw)
}

// chance is a number below n.
func (s *Server) chance(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}
