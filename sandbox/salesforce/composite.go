package salesforce

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Limits of a composite call (Salesforce REST: composite).
const (
	maxParts = 25
	maxHeavy = 5 // queries and Collections
)

// composite is several calls that count as one.
type composite struct {
	server *Server
	call   *call
	parts  []*part
}

// part is one of a composite call's calls, and its answer.
type part struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Name    string            `json:"referenceId"`
	Body    json.RawMessage   `json:"body"`
	Headers map[string]string `json:"httpHeaders"`

	place    int      // in the call
	mentions []string // parts that it refers to
	answered bool
	status   int
	result   any
	location string
}

func (s *Server) composite(c *call) (int, any, error) {
	var in struct {
		AllOrNone bool    `json:"allOrNone"`
		Collate   *bool   `json:"collateSubrequests"`
		Parts     []*part `json:"compositeRequest"`
	}
	if json.Unmarshal(c.body, &in) != nil || len(in.Parts) == 0 || slices.Contains(in.Parts, nil) {
		return 0, nil, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "The HTTP entity body cannot be read.")
	}
	m := &composite{s, c, in.Parts}
	if err := m.check(); err != nil {
		return 0, nil, err
	}
	order := in.Parts
	if in.Collate == nil || *in.Collate {
		order = collated(in.Parts)
	}
	if in.AllOrNone {
		m.together(order)
	} else {
		m.apart(order)
	}
	return http.StatusOK, map[string]any{"compositeResponse": m.answers()}, nil
}

var partName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// check refuses what spoils the whole call.
func (m *composite) check() error {
	heavy, names := 0, map[string]bool{}
	for i, p := range m.parts {
		if !partName.MatchString(p.Name) || names[p.Name] {
			return fail(http.StatusBadRequest, "INVALID_INPUT", "Each subrequest needs a referenceId of its own, of letters, digits and underscores")
		}
		names[p.Name] = true
		p.place, p.mentions = i, mentioned(p)
		switch operationOf(p.path()) {
		case "/query", "/queryAll", "/composite/sobjects":
			heavy++
		}
	}
	if len(m.parts) > maxParts || heavy > maxHeavy {
		m.server.limits.violate("too many parts of a composite call")
		return fail(http.StatusBadRequest, "INVALID_INPUT", "Too many subrequests")
	}
	return nil
}

// path is a part's path after the version.
func (p *part) path() string {
	path, _, _ := strings.Cut(p.URL, "?")
	_, rest, _ := strings.Cut(strings.TrimPrefix(path, "/services/data/v"), "/")
	return "/" + rest
}

// collated is the order in which parts run unless told to keep theirs: alike ones
// together, each after those before it that it refers to.
func collated(parts []*part) []*part {
	var order []*part
	left := slices.Clone(parts)
	for len(left) > 0 {
		kind := left[0].Method + operationOf(left[0].path())
		left = slices.DeleteFunc(left, func(p *part) bool {
			waits := slices.ContainsFunc(parts[:p.place], func(before *part) bool {
				return slices.Contains(p.mentions, before.Name) && !slices.Contains(order, before)
			})
			runs := !waits && p.Method+operationOf(p.path()) == kind
			if runs {
				order = append(order, p)
			}
			return runs
		})
	}
	return order
}

// plan plans a part's call. Of the composite call it has the user alone: headers are
// its own.
func (m *composite) plan(p *part) (*call, *plan, error) {
	address, body, err := m.filled(p)
	if err != nil {
		return nil, nil, err
	}
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(u.Path, "/services/data/v") {
		return nil, nil, fail(http.StatusBadRequest, "INVALID_INPUT", "Invalid url")
	}
	if len(address) > maxURI {
		m.server.limits.violate("address over 16,384 bytes")
		return nil, nil, fail(http.StatusRequestURITooLong, "URI_TOO_LONG", "URI too long")
	}
	inner := *m.call
	inner.Request = m.call.Clone(m.call.Context())
	inner.Method, inner.URL, inner.Header = p.Method, u, http.Header{}
	for name, value := range p.Headers {
		inner.Header.Set(name, value)
	}
	inner.body, inner.part = body, true
	version, rest, _ := strings.Cut(strings.TrimPrefix(u.Path, "/services/data/v"), "/")
	if inner.version, inner.rest = version, "/"+rest; !supported(version) {
		return nil, nil, errNotThere
	}
	planned, err := m.server.route(&inner)
	return &inner, planned, err
}

// known are the changes of parts that refer to no others, for their locks.
func (m *composite) known() []*change {
	var changes []*change
	for _, p := range m.parts {
		if len(p.mentions) > 0 {
			continue
		}
		if _, planned, err := m.plan(p); err == nil {
			changes = append(changes, planned.changes...)
		}
	}
	return changes
}

// apart makes each part a transaction of its own.
func (m *composite) apart(order []*part) {
	s := m.server
	if d := m.call.held(); d > 0 { // all have the stamp of now, and their locks
		cover := s.open(m.call.user, m.call.waits)
		cover.lock(m.known())
		s.cfg.Clock.Sleep(d)
		m.call.cover = cover
		defer cover.Rollback()
	}
	for _, p := range order {
		inner, planned, err := m.plan(p)
		if err != nil {
			p.answer(inner, 0, nil, err)
			continue
		}
		status, result, err := s.perform(inner, planned)
		p.answer(inner, status, result, err)
	}
}

// answer notes what a part came to.
func (p *part) answer(inner *call, status int, result any, err error) {
	p.answered, p.status, p.result = true, status, result
	if err != nil {
		p.status, p.result = asAnswer(err)
		return
	}
	p.location = inner.location
}

func (m *composite) answers() []any {
	list := []any{}
	for _, p := range m.parts {
		headers := map[string]string{}
		if p.location != "" {
			headers["Location"] = p.location
		}
		list = append(list, map[string]any{"body": p.result, "httpHeaders": headers, "httpStatusCode": p.status, "referenceId": p.Name})
	}
	return list
}
