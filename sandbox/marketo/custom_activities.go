package marketo

import (
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"time"
)

// Limits of adding activities (Marketo REST: add custom activities).
const (
	maxAdded          = 300
	maxAttributeBytes = 65_536
)

// added is an activity that a program added.
type added struct {
	apiType string
	primary string
	values  []ownValue
}

type ownValue struct {
	attribute attribute
	value     any
}

type addJSON struct {
	LeadID     *int64  `json:"leadId"`
	Date       *string `json:"activityDate"`
	TypeID     *int    `json:"activityTypeId"`
	Primary    *string `json:"primaryAttributeValue"`
	Attributes *[]struct {
		APIName string `json:"apiName"`
		Name    string `json:"name"`
		Value   any    `json:"value"`
	} `json:"attributes"`
}

// addActivities adds activities: write-once, without a look whether one is there.
func (s *Server) addActivities(c *call) (answer, error) {
	if s.cfg.NoActivityWrites {
		return answer{}, refuse("603", "Access denied")
	}
	var in struct {
		Input []addJSON `json:"input"`
	}
	if json.Unmarshal(c.body, &in) != nil {
		return answer{}, refuse("609", "Invalid JSON")
	}
	switch {
	case len(in.Input) == 0:
		return answer{}, refuse("1002", "Missing required parameter input")
	case len(in.Input) > maxAdded:
		s.limits.violate("more than 300 activities")
		return answer{}, refuse("1003", "Too many records")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	results := make([]any, len(in.Input))
	for i, a := range in.Input {
		r, err := s.newRow(a)
		if err != nil {
			results[i] = map[string]any{"status": "skipped", "errors": []any{err}}
			continue
		}
		r.visible = s.cfg.Clock.Now()
		if s.cfg.CommitLag > 0 && s.random.IntN(4) == 0 {
			r.visible = r.visible.Add(time.Duration(s.random.Int64N(int64(s.cfg.CommitLag))))
		}
		s.append(r)
		results[i] = map[string]any{"id": s.lastID, "marketoGUID": strconv.FormatInt(s.lastID, 10), "status": "added"}
	}
	return answer{Result: results}, nil
}

// newRow checks one activity; callers hold the lock.
func (s *Server) newRow(a addJSON) (row, error) {
	switch {
	case a.LeadID == nil || a.Date == nil || a.TypeID == nil || a.Primary == nil || a.Attributes == nil:
		return row{}, refuse("1002", "Missing required parameter")
	case *a.Primary == "":
		return row{}, refuse("1003", "primaryAttributeValue cannot be empty")
	}
	if l := s.people[*a.LeadID]; l == nil || l.deleted {
		return row{}, refuse("1004", "Lead not found")
	}
	at, err := time.Parse(time.RFC3339, *a.Date)
	if err != nil {
		return row{}, refuse("1003", "Invalid activityDate")
	}
	t := s.approvedType(*a.TypeID)
	if t == nil {
		return row{}, refuse("1003", fmt.Sprintf("Invalid activityTypeId %d", *a.TypeID))
	}
	own, size := &added{apiType: t.apiName, primary: *a.Primary}, 0
	for _, given := range *a.Attributes {
		known, ok := t.approved.attribute(given.APIName, given.Name)
		if !ok {
			return row{}, refuse("1006", fmt.Sprintf("Attribute '%s%s' not found", given.APIName, given.Name))
		}
		if !fits(known.DataType, given.Value) {
			return row{}, refuse("1001", fmt.Sprintf("Invalid value for %s", known.APIName))
		}
		size += len(fmt.Sprint(given.Value))
		own.values = append(own.values, ownValue{known, given.Value})
	}
	if size > maxAttributeBytes {
		return row{}, refuse("1049", "Attributes too long")
	}
	return row{lead: *a.LeadID, at: at, kind: t.id, primary: *a.Primary, own: own}, nil
}

func (s *Server) approvedType(id int) *customType {
	for _, t := range s.types {
		if t.id == id && t.approved != nil {
			return t
		}
	}
	return nil
}

func (v *version) attribute(apiName, name string) (attribute, bool) {
	for _, a := range v.Attributes {
		if apiName != "" && a.APIName == apiName || apiName == "" && a.Name == name {
			return a, true
		}
	}
	return attribute{}, false
}

func fits(dataType string, v any) bool {
	switch dataType {
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "integer":
		number, ok := v.(float64)
		return ok && number == float64(int64(number))
	case "float", "currency":
		_, ok := v.(float64)
		return ok
	default:
		text, ok := v.(string)
		return ok && (dataType != "string" || len([]rune(text)) <= 255)
	}
}

// shownAttributes are the row's, by display name; empty ones are left out.
func (o *added) shownAttributes() []map[string]any {
	list := []map[string]any{}
	for _, v := range o.values {
		if v.value != "" && v.value != nil {
			list = append(list, map[string]any{"name": v.attribute.Name, "value": v.value})
		}
	}
	return list
}

// CustomActivity is an activity that a program added.
type CustomActivity struct {
	ID         int64          `json:"id"`
	Lead       int64          `json:"lead"`
	Type       string         `json:"type_api_name"`
	TypeID     int            `json:"type_id"`
	Date       time.Time      `json:"date"`
	Primary    string         `json:"primary"`
	Attributes map[string]any `json:"attributes"` // by apiName
}

// CustomActivities yields the activities that were added, also those that are not
// visible yet.
func (s *Server) CustomActivities() iter.Seq[CustomActivity] {
	return func(yield func(CustomActivity) bool) {
		s.mu.RLock()
		defer s.mu.RUnlock()
		for _, r := range s.log {
			if r.own == nil {
				continue
			}
			a := CustomActivity{ID: r.id, Lead: r.lead, Type: r.own.apiType, TypeID: r.kind, Date: r.at, Primary: r.primary, Attributes: map[string]any{}}
			for _, v := range r.own.values {
				a.Attributes[v.attribute.APIName] = v.value
			}
			if !yield(a) {
				return
			}
		}
	}
}
