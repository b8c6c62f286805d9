package marketo

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"salesactions/sandbox/fault"
)

// wait lets time pass, unless the caller leaves.
func (s *Server) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := s.cfg.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return true
	case <-ctx.Done():
		return false
	}
}

// before does what a fault does before the work. It reports whether the request is
// answered.
func (s *Server) before(w http.ResponseWriter, c *call) bool {
	if c.rule == nil {
		return false
	}
	switch c.rule.Kind {
	case fault.Latency:
		return !s.wait(c.Context(), c.rule.Delay)
	case fault.DropBefore:
		panic(http.ErrAbortHandler)
	case fault.HTML:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		io.WriteString(w, "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>")
		return true
	case fault.ExpireToken:
		s.tokens.expire()
	case fault.Code:
		var err error = &apiError{c.rule.Code, cmp.Or(c.rule.Message, "Something went wrong")}
		if !uncounted(c.rule.Code) {
			err = cmp.Or(s.limits.meter(), err)
		}
		s.write(w, c, answer{}, err)
		return true
	}
	return false
}

// after spoils an answer; nil means that the connection closes instead.
func (s *Server) after(c *call, a answer) []byte {
	kind := fault.Kind("")
	if c.rule != nil {
		kind = c.rule.Kind
	}
	switch kind {
	case fault.DropAfter:
		return nil
	case fault.WrongType:
		a.Result = map[string]any{"oops": true}
	case fault.EmptyResult:
		a.Result = []any{}
	case fault.SuccessWithErrors:
		a.Success, a.Result, a.Errors = true, nil, []apiError{{cmp.Or(c.rule.Code, "611"), "System error"}}
	}
	raw, err := json.Marshal(a)
	if err != nil {
		return nil
	}
	if kind == fault.Truncate {
		return raw[:len(raw)/2]
	}
	return raw
}
