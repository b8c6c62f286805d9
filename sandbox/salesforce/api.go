package salesforce

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"salesactions/sandbox/fault"
	"salesactions/sandbox/salesforce/oauth"
)

const (
	maxURI  = 16_384
	maxBody = 50 << 20
)

func itoa(n int) string { return strconv.Itoa(n) }

func lower(s string) string { return strings.ToLower(s) }

// call is a request being answered.
type call struct {
	*http.Request
	user    string
	version string
	rest    string // the path after the version
	body    []byte
	rule    *fault.Rule

	part     bool         // of a composite call
	cover    *Transaction // of a composite call that is held
	location string       // of a row that was made
}

// waits says whether the client still waits for its answer.
func (c *call) waits() bool { return c.Context().Err() == nil }

// held is how long a fault holds the call's transaction.
func (c *call) held() time.Duration {
	if c.rule == nil || c.rule.Kind != fault.HoldTransaction {
		return 0
	}
	return c.rule.Delay
}

// api answers a call of the REST API: what misbehaves, who calls, whether calls are
// left, then the resource.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	var spared []fault.Kind
	if r.Method == http.MethodGet { // it has no transaction
		spared = append(spared, fault.HoldTransaction)
	}
	c := &call{Request: r, rule: s.faults.Next(r.URL.Path, spared...)}
	version, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/services/data/v"), "/")
	c.version, c.rest = version, "/"+rest
	operation := r.Method + " " + operationOf(c.rest)
	s.limits.count(operation)
	s.limits.used.Add(1)
	w.Header().Set("Sforce-Limit-Info", fmt.Sprintf("api-usage=%d/%d", s.limits.used.Load(), s.cfg.DailyRequests))
	if s.before(w, c) {
		return
	}
	if !s.pause(c, s.cfg.Latency) {
		return
	}
	s.tidy()
	status, result, err := s.answer(c)
	s.write(w, c, status, result, err)
}

// operationOf is the resource without ids.
func operationOf(rest string) string {
	for _, resource := range []string{"/composite/sobjects", "/composite", "/queryAll", "/query", "/limits"} {
		if strings.HasPrefix(rest, resource) {
			return resource
		}
	}
	parts := strings.SplitN(rest, "/", 5)
	return strings.Join(parts[:min(len(parts), 3)], "/")
}

func (s *Server) answer(c *call) (int, any, error) {
	if len(c.URL.RequestURI()) > maxURI {
		s.limits.violate("address over 16,384 bytes")
		return 0, nil, fail(http.StatusRequestURITooLong, "URI_TOO_LONG", "URI too long")
	}
	token, found := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer ")
	if !found {
		return 0, nil, fail(http.StatusUnauthorized, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
	}
	user, err := s.oauth.Check(token)
	if err != nil {
		words := "Session expired or invalid"
		var refused *oauth.Error
		if errors.As(err, &refused) {
			words = refused.Description
		}
		return 0, nil, fail(http.StatusUnauthorized, "INVALID_SESSION_ID", words)
	}
	c.user = user
	if err := s.quota(); err != nil {
		return 0, nil, err
	}
	if !supported(c.version) {
		return 0, nil, errNotThere
	}
	if c.body, err = io.ReadAll(io.LimitReader(c.Body, maxBody+1)); err != nil || len(c.body) > maxBody {
		return 0, nil, fail(http.StatusRequestEntityTooLarge, "EXCEEDED_MAX_SIZE_REQUEST", "Request size exceeded")
	}
	if c.Method == http.MethodPost && strings.TrimSuffix(c.rest, "/") == "/composite" {
		return s.composite(c)
	}
	p, err := s.route(c)
	if err != nil {
		return 0, nil, err
	}
	return s.perform(c, p)
}

func (s *Server) quota() error {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	if s.limits.spent || !s.cfg.QuotaOff && s.limits.used.Load() > int64(s.cfg.DailyRequests) {
		return fail(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
	}
	return nil
}

// route plans what a call does, as its headers ask.
func (s *Server) route(c *call) (*plan, error) {
	p, err := s.resource(c)
	if err != nil {
		return nil, err
	}
	for _, ch := range p.changes {
		ch.asks = asked(c.Header, !p.many)
	}
	return p, nil
}

// resource finds what a call is about, and plans what to do with it.
func (s *Server) resource(c *call) (*plan, error) {
	told := func(what func() any) (*plan, error) {
		return reading(func() (int, any, error) { return http.StatusOK, what(), nil }), nil
	}
	path := strings.TrimSuffix(c.rest, "/")
	switch {
	case path == "":
		return told(func() any { return s.resources(c) })
	case path == "/limits":
		return told(func() any { return s.allLimits() })
	case path == "/query" || path == "/queryAll":
		return s.query(c, path == "/queryAll")
	case strings.HasPrefix(path, "/query/"):
		return reading(func() (int, any, error) { return s.more(c, strings.TrimPrefix(path, "/query/")) }), nil
	case path == "/composite/sobjects" || strings.HasPrefix(path, "/composite/sobjects/"):
		return s.collections(c, strings.TrimPrefix(strings.TrimPrefix(path, "/composite/sobjects"), "/"))
	case path == "/sobjects":
		return told(func() any { return s.globalDescribe() })
	case strings.HasPrefix(path, "/sobjects/"):
		return s.rows(c, strings.Split(strings.TrimPrefix(path, "/sobjects/"), "/"))
	}
	return nil, errNotThere
}

func (s *Server) resources(c *call) map[string]string {
	base := "/services/data/v" + c.version
	return map[string]string{"sobjects": base + "/sobjects", "query": base + "/query", "queryAll": base + "/queryAll", "limits": base + "/limits",
		"composite": base + "/composite", "identity": "http://" + c.Host + "/id/" + s.orgID + "/" + c.user}
}

func (s *Server) allLimits() map[string]any {
	left := max(int64(s.cfg.DailyRequests)-s.limits.used.Load(), 0)
	return map[string]any{"DailyApiRequests": map[string]int64{"Max": int64(s.cfg.DailyRequests), "Remaining": left},
		"DailyBulkApiBatches":  map[string]int64{"Max": 15_000, "Remaining": 15_000},
		"DailyBulkV2QueryJobs": map[string]int64{"Max": 10_000, "Remaining": 10_000}, "DataStorageMB": map[string]int64{"Max": 10_240, "Remaining": 9_000}}
}

func (s *Server) globalDescribe() map[string]any {
	list := []any{}
	for _, o := range s.visible {
		d := o.describe()
		delete(d, "fields")
		list = append(list, d)
	}
	return map[string]any{"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": list}
}

// before misbehaves before anything is done; it says whether the call is over.
func (s *Server) before(w http.ResponseWriter, c *call) bool {
	if c.rule == nil {
		return false
	}
	switch c.rule.Kind {
	case fault.DropBefore:
		panic(http.ErrAbortHandler)
	case fault.Latency:
		return !s.pause(c, c.rule.Delay)
	case fault.DelayCommit: // the client may leave; the work is done all the same
		s.cfg.Clock.Sleep(c.rule.Delay)
	case fault.HTML:
		gatewayPage(w)
		return true
	case fault.Code:
		status := c.rule.Status
		if status == 0 {
			status = http.StatusBadRequest
		}
		s.write(w, &call{Request: c.Request}, 0, nil, fail(status, c.rule.Code, c.rule.Message))
		return true
	case fault.ExpireToken:
		s.ExpireSessions()
	}
	return false
}

// pause waits unless the client leaves.
func (s *Server) pause(c *call, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := s.cfg.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.Context().Done():
		return false
	case <-timer.Chan():
		return true
	}
}

func gatewayPage(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusBadGateway)
	_, _ = io.WriteString(w, "<html><body><h1>502 Bad Gateway</h1></body></html>")
}

// write sends an answer, as the fault in force has it.
func (s *Server) write(w http.ResponseWriter, c *call, status int, result any, err error) {
	if c.rule != nil {
		switch c.rule.Kind {
		case fault.DropAfter:
			panic(http.ErrAbortHandler)
		case fault.CommitThen503:
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
	}
	if err != nil {
		status, result = asAnswer(err)
	}
	if status == http.StatusNoContent || status == http.StatusNotModified {
		w.WriteHeader(status)
		return
	}
	raw, err := json.Marshal(result)
	if err != nil {
		raw = []byte("[]")
	}
	if c.rule != nil && c.rule.Kind == fault.Truncate {
		raw = bytes.TrimRight(raw[:len(raw)/2], "]}")
	}
	if c.location != "" {
		w.Header().Set("Location", c.location)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

// asAnswer is how a call is told of its error.
func asAnswer(err error) (int, any) {
	var failed *restError
	if !errors.As(err, &failed) {
		return http.StatusInternalServerError, []any{map[string]any{"message": "An unexpected error occurred", "errorCode": "UNKNOWN_EXCEPTION"}}
	}
	told := map[string]any{"message": failed.message, "errorCode": failed.code}
	if failed.fields != nil {
		told["fields"] = failed.fields
	}
	return failed.status, []any{told}
}

func writeJSON(w http.ResponseWriter, status int, result any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(result) // a caller that went away needs no answer
}
