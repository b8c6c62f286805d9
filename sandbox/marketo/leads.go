package marketo

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"salesactions/sandbox/world"
)

// maxValues and maxMatches limit a lead filter.
const (
	maxValues  = 300
	maxMatches = 1000
)

// column is a field of people as the API names it.
type column struct {
	name       string
	display    string
	kind       string
	searchable bool
	field      world.Field
	standard   bool // moves updatedAt
}

// columns are the stored fields, apart from id and dates.
var columns = []column{
	{"firstName", "First Name", "string", false, world.FirstName, true},
	{"lastName", "Last Name", "string", false, world.LastName, true},
	{"email", "Email Address", "email", true, world.Email, true},
	{"company", "Company Name", "string", false, world.Company, true},
	{"title", "Job Title", "string", false, world.Title, true},
	{"phone", "Phone Number", "phone", false, world.Phone, true},
	{"linkedInProfileURL", "LinkedIn URL", "string", false, world.LinkedIn, true},
	{"leadSource", "Lead Source", "string", false, world.Source, true},
	{"sfdcContactId", "SFDC Contact Id", "string", true, world.ContactID, true},
	{"sfdcLeadId", "SFDC Lead Id", "string", true, world.LeadID, true},
	{"sfdcAccountId", "SFDC Account Id", "string", true, world.AccountID, true},
	{"sfdcOpptyId", "SFDC Oppty Id", "string", true, world.OpportunityID, true},
	{"sfdcLeadOwnerId", "SFDC Lead Owner Id", "string", true, world.OwnerID, true},
	{"sfdcType", "SFDC Type", "string", false, world.Type, true},
	{"unsubscribed", "Unsubscribed", "boolean", false, world.Unsubscribed, true},
	{"salesNote", "Sales Note", "string", true, world.Note, false},
}

// has says whether this instance shows a field.
func (s *Server) has(name string) bool {
	switch name {
	case "id", "createdAt", "updatedAt":
		return true
	case "linkedInProfileURL":
		return !s.cfg.NoLinkedIn
	case "sfdcOpptyId":
		return s.cfg.HasOpportunity
	}
	return slices.ContainsFunc(columns, func(c column) bool { return c.name == name })
}

// value is a field's value for JSON and CSV; false when there is none.
func value(l *lead, name string) (any, bool) {
	switch name {
	case "id":
		return l.ID, true
	case "createdAt":
		return l.Created.Format(time.RFC3339), true
	case "updatedAt":
		return l.Updated.Format(time.RFC3339), true
	case "unsubscribed":
		return l.Values[world.Unsubscribed] == "true", true
	}
	for _, c := range columns {
		if c.name == name {
			v := l.Values[c.field]
			return v, v != ""
		}
	}
	return nil, false
}

var defaultFields = []string{"id", "email", "firstName", "lastName", "createdAt", "updatedAt"}

// fields are those asked for; one that the instance does not know fails the call.
func (s *Server) fields(c *call) ([]string, error) {
	names := c.list("fields")
	if len(names) == 0 {
		return defaultFields, nil
	}
	for _, name := range names {
		if !s.has(name) {
			s.limits.violate("unknown field")
			return nil, refuse("1006", fmt.Sprintf("Field '%s' not found", name))
		}
	}
	if !slices.Contains(names, "id") {
		names = append([]string{"id"}, names...)
	}
	return names, nil
}

// object is a person in an answer: a value that is missing is left out, or null.
func object(l *lead, names []string) json.RawMessage {
	raw := []byte{'{'}
	for i, name := range names {
		v, ok := value(l, name)
		if !ok && (l.ID+int64(i))%3 != 0 {
			continue
		}
		if !ok {
			v = nil
		}
		encoded, err := json.Marshal(v)
		if err != nil {
			continue
		}
		if len(raw) > 1 {
			raw = append(raw, ',')
		}
		raw = strconv.AppendQuote(raw, name)
		raw = append(append(raw, ':'), encoded...)
	}
	return append(raw, '}')
}

func (s *Server) leadsByFilter(c *call) (answer, error) {
	kind, values := c.params.Get("filterType"), c.list("filterValues")
	if kind == "" || len(values) == 0 {
		return answer{}, refuse("1002", "Missing required parameter filterType or filterValues")
	}
	if len(values) > maxValues {
		s.limits.violate("more than 300 filter values")
		return answer{}, refuse("1003", "Too many filter values: the maximum is 300")
	}
	names, err := s.fields(c)
	if err != nil {
		return answer{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, err := s.match(kind, values)
	if err != nil {
		return answer{}, err
	}
	return page(c, found, names)
}

func (s *Server) match(kind string, values []string) ([]*lead, error) {
	var found []*lead
	if kind == "id" {
		seen := map[int64]bool{}
		for _, v := range values {
			id, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return nil, refuse("1003", "Invalid value for id")
			}
			if l := s.people[id]; l != nil && !l.deleted && !seen[id] {
				seen[id] = true
				found = append(found, l)
			}
		}
		// No order is promised.
		slices.SortFunc(found, func(a, b *lead) int { return int((a.ID*2654435761)%1009 - (b.ID*2654435761)%1009) })
		return found, nil
	}
	i := slices.IndexFunc(columns, func(c column) bool { return c.name == kind && c.searchable })
	if i < 0 {
		return nil, refuse("1011", fmt.Sprintf("Field '%s' is not supported as filterType", kind))
	}
	wanted := map[string]bool{}
	for _, v := range values {
		wanted[strings.ToLower(v)] = true
	}
	for _, id := range s.order {
		if l := s.people[id]; !l.deleted && wanted[strings.ToLower(l.Values[columns[i].field])] {
			if found = append(found, l); len(found) > maxMatches {
				return nil, refuse("1003", "Too many results match the filter")
			}
		}
	}
	return found, nil
}

// page cuts one page; the position token says where the next begins.
func page(c *call, found []*lead, names []string) (answer, error) {
	size := batchSize(c)
	from := 0
	if token := c.params.Get("nextPageToken"); token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err == nil {
			_, err = fmt.Sscanf(string(raw), "position %d", &from)
		}
		if err != nil || from < 0 || from > len(found) {
			return answer{}, refuse("1003", "Invalid nextPageToken")
		}
	}
	a := answer{}
	last := min(from+size, len(found))
	people := make([]json.RawMessage, 0, last-from)
	for _, l := range found[from:last] {
		people = append(people, object(l, names))
	}
	a.Result = people
	if last < len(found) {
		more := true
		a.NextPageToken, a.MoreResult = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "position %d", last)), &more
	}
	return a, nil
}

func batchSize(c *call) int {
	size, err := strconv.Atoi(c.params.Get("batchSize"))
	if err != nil || size < 1 || size > 300 {
		return 300
	}
	return size
}

func (s *Server) leadByID(c *call, text string) (answer, error) {
	names, err := s.fields(c)
	if err != nil {
		return answer{}, err
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return answer{}, refuse("610", "Requested resource not found")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	l := s.people[id]
	if l == nil || l.deleted {
		return answer{}, refuse("1004", fmt.Sprintf("Lead '%d' not found", id))
	}
	return answer{Result: []json.RawMessage{object(l, names)}}, nil
}

func (s *Server) describe2() (answer, error) {
	type field struct {
		Name       string `json:"name"`
		Display    string `json:"displayName"`
		Kind       string `json:"dataType"`
		Length     int    `json:"length,omitempty"`
		Updateable bool   `json:"updateable"`
		CRM        bool   `json:"crmManaged"`
	}
	fields := []field{{Name: "id", Display: "Marketo Unique Code", Kind: "integer"}, {Name: "createdAt", Display: "Created At", Kind: "datetime"}, {Name: "updatedAt", Display: "Updated At", Kind: "datetime"}}
	searchable := [][]string{{"id"}}
	for _, c := range columns {
		if !s.has(c.name) {
			continue
		}
		fields = append(fields, field{Name: c.name, Display: c.display, Kind: c.kind, Length: 255, Updateable: !strings.HasPrefix(c.name, "sfdc")})
		if c.searchable {
			searchable = append(searchable, []string{c.name})
		}
	}
	return answer{Result: []map[string]any{{"name": "API Lead", "searchableFields": searchable, "fields": fields}}}, nil
}

func (s *Server) describe() (answer, error) {
	fields := []map[string]any{}
	for i, c := range columns {
		if s.has(c.name) {
			fields = append(fields, map[string]any{"id": i + 1, "displayName": c.display, "dataType": c.kind, "length": 255,
				"rest": map[string]any{"name": c.name, "readOnly": false}})
		}
	}
	fields = append(fields, map[string]any{"id": 999, "displayName": "Hidden", "dataType": "string", "soap": map[string]any{"name": "Hidden"}})
	return answer{Result: fields}, nil
}
