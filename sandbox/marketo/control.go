package marketo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"salesactions/sandbox/fault"
)

// control is the API by which tests and people make the sandbox do things; the
// README lists it.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	var (
		result any = map[string]bool{"ok": true}
		err    error
	)
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/_sandbox") {
	case "GET /stats":
		result = s.stats()
	case "POST /reset":
		s.ResetCounts()
	case "GET /people":
		s.dump(w, r.URL.Query().Get("id"))
		return
	case "GET /activities":
		s.dumpActivities(w, r.URL.Query().Get("lead"))
		return
	case "POST /faults":
		var rule fault.Rule
		if err = json.NewDecoder(r.Body).Decode(&rule); err == nil {
			err = rule.Check()
		}
		if err == nil {
			s.Fault(rule)
		}
	case "DELETE /faults":
		s.ClearFaults()
	case "POST /act":
		result, err = s.actOn(r)
	case "POST /expire-token":
		s.ExpireToken()
	case "POST /spend-quota":
		s.SpendQuota()
	case "POST /refill-quota":
		s.RefillQuota()
	case "POST /refuse-tokens":
		s.RefuseTokens()
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// A caller that went away needs no answer.
	_ = json.NewEncoder(w).Encode(result)
}

func (s *Server) stats() map[string]any {
	return map[string]any{"violations": s.Violations(), "calls": s.Calls(), "max_in_window": s.MaxInWindow(), "max_concurrency": s.MaxConcurrency()}
}

// dump writes everybody, or one, a line each.
func (s *Server) dump(w http.ResponseWriter, id string) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	for p := range s.People() {
		if id != "" && id != p.Fields["id"] {
			continue
		}
		if encoder.Encode(p) != nil {
			return
		}
	}
}

// dumpActivities writes the activities that were added, or those of one person, a
// line each.
func (s *Server) dumpActivities(w http.ResponseWriter, lead string) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	for a := range s.CustomActivities() {
		if lead != "" && lead != strconv.FormatInt(a.Lead, 10) {
			continue
		}
		if encoder.Encode(a) != nil {
			return
		}
	}
}

// actOn does one thing to somebody.
func (s *Server) actOn(r *http.Request) (any, error) {
	var act struct {
		Do     string            `json:"do"`
		ID     int64             `json:"id"`
		Values map[string]string `json:"values"`
		Owner  string            `json:"owner"`
		Losers []int64           `json:"losers"`
	}
	if err := json.NewDecoder(r.Body).Decode(&act); err != nil {
		return nil, fmt.Errorf("read what to do: %w", err)
	}
	done := map[string]int64{"id": act.ID}
	var err error
	switch act.Do {
	case "change":
		err = s.Change(act.ID, act.Values)
	case "owner":
		err = s.SetOwner(act.ID, act.Owner)
	case "company":
		err = s.RenameCompany(act.ID, act.Values["company"])
	case "create":
		done["id"], err = s.Create(act.Values)
	case "delete":
		err = s.Delete(act.ID)
	case "merge":
		err = s.Merge(act.ID, act.Losers...)
	case "convert":
		err = s.Convert(act.ID)
	default:
		err = fmt.Errorf("%q is nothing that can be done: change, owner, company, create, delete, merge or convert", act.Do)
	}
	return done, err
}

// Fault adds a rule of misbehaviour.
func (s *Server) Fault(r fault.Rule) { s.faults.Add(r) }

// ClearFaults lets the sandbox behave again.
func (s *Server) ClearFaults() { s.faults.Clear() }

// webhook is where a trigger campaign calls.
type webhook struct {
	url, header, secret string
}

// Webhook points the "Call Webhook" step of a trigger campaign at an address: it
// is called for every change of a person, one after the other, once, with
// {"id":…} as its body and the secret in a header.
func (s *Server) Webhook(url, header, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = webhook{url, header, secret}
}

// call queues a webhook call; callers hold the lock. A full queue loses it, as
// Marketo promises nothing.
func (s *Server) call(id int64) {
	if s.hook.url == "" {
		return
	}
	select {
	case s.hooks <- id:
	default:
	}
}

// webhookTimeout is how long Marketo waits for an answer.
const webhookTimeout = 30 * time.Second

// RunWebhooks makes the queued calls until ctx ends.
func (s *Server) RunWebhooks(ctx context.Context) {
	client := &http.Client{Timeout: webhookTimeout}
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-s.hooks:
			s.mu.RLock()
			hook := s.hook
			s.mu.RUnlock()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.url, strings.NewReader(fmt.Sprintf(`{"id":%d}`, id)))
			if err != nil {
				continue
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set(hook.header, hook.secret)
			if resp, err := client.Do(req); err == nil { // there is no second try
				resp.Body.Close()
			}
		}
	}
}
