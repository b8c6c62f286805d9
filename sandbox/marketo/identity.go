package marketo

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// tokenLife is how long a token lives.
const tokenLife = time.Hour

// tokens gives the same token until it dies.
type tokens struct {
	cfg Config

	mu      sync.Mutex
	value   string
	dies    time.Time
	made    int
	expired map[string]bool // said once that it expired, invalid afterwards
}

func (s *Server) identity(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	if rule := s.faults.Next(r.URL.Path); rule != nil && s.before(w, &call{Request: r, rule: rule}) {
		return
	}
	if err := r.ParseForm(); err != nil || r.Form.Get("grant_type") != "client_credentials" ||
		r.Form.Get("client_id") != s.cfg.ClientID || r.Form.Get("client_secret") != s.cfg.ClientSecret {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client","error_description":"Bad client credentials"}`)
		return
	}
	value, left := s.tokens.give()
	fmt.Fprintf(w, `{"access_token":%q,"token_type":"bearer","expires_in":%d,"scope":"apis@acme.com"}`, value, int(left.Seconds()))
}

func (t *tokens) give() (string, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.cfg.Clock.Now()
	if t.value == "" || !now.Before(t.dies) {
		t.made++
		t.value, t.dies = fmt.Sprintf("%08x-2222-4333-8444-555555555555:int", t.made), now.Add(tokenLife)
	}
	return t.value, t.dies.Sub(now)
}

// check takes the header only; the address is no place for a token any more.
func (t *tokens) check(c *call) error {
	given, ok := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer ")
	if !ok || given == "" {
		return refuse("600", "Access token not specified")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if given != t.value {
		return refuse("601", "Access token invalid")
	}
	if t.cfg.Clock.Now().Before(t.dies) {
		return nil
	}
	if t.expired == nil {
		t.expired = map[string]bool{}
	}
	if t.expired[given] {
		return refuse("601", "Access token invalid")
	}
	t.expired[given] = true
	return refuse("602", "Access token expired")
}

func (t *tokens) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dies = t.cfg.Clock.Now()
}

// ExpireToken lets the token die now.
func (s *Server) ExpireToken() { s.tokens.expire() }
