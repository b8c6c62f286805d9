package marketo

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Limits of custom activity types (Marketo REST: custom activity types).
const (
	maxTypes      = 10
	maxAttributes = 20
	firstTypeID   = 100001
)

// attribute is an attribute of a custom type.
type attribute struct {
	APIName   string `json:"apiName"`
	Name      string `json:"name"`
	DataType  string `json:"dataType"`
	IsPrimary *bool  `json:"isPrimary,omitempty"`
}

// version is a custom type as its draft or its approval has it.
type version struct {
	Name, Description, TriggerName, FilterName string
	Primary                                    attribute
	Attributes                                 []attribute
}

// customType is a custom activity type.
type customType struct {
	apiName  string
	id       int // from the first approval on
	approved *version
	draft    *version
}

func (t *customType) status() string {
	switch {
	case t.approved != nil && t.draft != nil:
		return "approved with draft"
	case t.approved != nil:
		return "approved"
	default:
		return "draft"
	}
}

// shown is the version that lists show.
func (t *customType) shown() *version {
	if t.approved != nil {
		return t.approved
	}
	return t.draft
}

func (t *customType) json(v *version, whole bool) map[string]any {
	m := map[string]any{"apiName": t.apiName, "name": v.Name, "description": v.Description, "triggerName": v.TriggerName,
		"filterName": v.FilterName, "status": t.status()}
	if whole {
		m["primaryAttribute"], m["attributes"] = v.Primary, v.Attributes
	}
	return m
}

const typesPath = "/rest/v1/activities/external/type"

var (
	apiNamePattern = regexp.MustCompile(`^[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*$`)
	namePattern    = regexp.MustCompile(`^[A-Za-z0-9_ ]*[A-Za-z][A-Za-z0-9_ ]*$`)
	dataTypes      = map[string]bool{"string": true, "boolean": true, "integer": true, "float": true, "link": true, "email": true,
		"currency": true, "date": true, "datetime": true, "phone": true, "text": true}
)

// customTypes answers all calls below the custom types' path.
func (s *Server) customTypes(c *call) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, get := c.URL.Path, c.Method == "GET"
	if path == typesPath+"s.json" && get {
		list := []any{}
		for _, t := range s.types {
			list = append(list, t.json(t.shown(), false))
		}
		return answer{Result: list}, nil
	}
	if s.cfg.NoTypeWrites && !get {
		return answer{}, refuse("603", "Access denied")
	}
	if path == typesPath+".json" && !get {
		return s.createType(c)
	}
	name, action, found := strings.Cut(between(path, typesPath+"/"), "/")
	if !found {
		action = "update"
	}
	t := s.typeNamed(name)
	if t == nil {
		return answer{}, refuse("1013", fmt.Sprintf("Custom activity type '%s' not found", name))
	}
	if get {
		return s.describeType(c, t, action)
	}
	return s.changeType(c, t, action)
}

func (s *Server) typeNamed(apiName string) *customType {
	for _, t := range s.types {
		if t.apiName == apiName {
			return t
		}
	}
	return nil
}

func (s *Server) describeType(c *call, t *customType, action string) (answer, error) {
	if action != "describe" {
		return answer{}, refuse("610", "Requested resource not found")
	}
	v := t.approved
	if c.params.Get("draft") == "true" {
		v = t.draft
	}
	if v == nil {
		return answer{}, refuse("1013", "Custom activity type not found")
	}
	return answer{Result: []any{t.json(v, true)}}, nil
}

func (s *Server) createType(c *call) (answer, error) {
	var in struct {
		APIName     string     `json:"apiName"`
		Name        string     `json:"name"`
		Description string     `json:"description"`
		TriggerName string     `json:"triggerName"`
		FilterName  string     `json:"filterName"`
		Primary     *attribute `json:"primaryAttribute"`
	}
	if json.Unmarshal(c.body, &in) != nil {
		return answer{}, refuse("609", "Invalid JSON")
	}
	for member, text := range map[string]string{"apiName": in.APIName, "name": in.Name, "triggerName": in.TriggerName, "filterName": in.FilterName} {
		if text == "" {
			return answer{}, refuse("1002", "Missing required parameter "+member)
		}
	}
	switch {
	case in.Primary == nil || in.Primary.APIName == "" || in.Primary.Name == "" || !dataTypes[in.Primary.DataType]:
		return answer{}, refuse("1003", "Invalid primaryAttribute")
	case !apiNamePattern.MatchString(in.APIName) || len(in.APIName) > 255:
		return answer{}, refuse("1003", "Invalid apiName")
	case !namePattern.MatchString(in.Name):
		return answer{}, refuse("1003", "Invalid name")
	case s.typeNamed(in.APIName) != nil:
		return answer{}, refuse("1017", "Object already exists")
	}
	for _, t := range s.types {
		v := t.shown()
		if v.Name == in.Name || v.TriggerName == in.TriggerName || v.FilterName == in.FilterName {
			return answer{}, refuse("1003", "Name, trigger name and filter name must be unique")
		}
	}
	if len(s.types) >= maxTypes {
		return answer{}, refuse("1027", "Max number of custom activity types reached")
	}
	t := &customType{apiName: in.APIName, draft: &version{Name: in.Name, Description: in.Description, TriggerName: in.TriggerName,
		FilterName: in.FilterName, Primary: *in.Primary, Attributes: []attribute{}}}
	s.types = append(s.types, t)
	m := t.json(t.draft, false)
	m["primaryAttribute"] = t.draft.Primary
	return answer{Result: []any{m}}, nil
}

// changeType carries out what is done to a type. Changes go to its draft.
func (s *Server) changeType(c *call, t *customType, action string) (answer, error) {
	switch action {
	case "approve":
		if t.draft == nil {
			return answer{}, refuse("1003", "There is no draft to approve")
		}
		if t.id == 0 {
			s.lastType++
			t.id = firstTypeID - 1 + s.lastType
		}
		t.approved, t.draft = t.draft, nil
	case "discardDraft":
		if t.draft == nil || t.approved == nil {
			return answer{}, refuse("1003", "There is no draft to discard")
		}
		t.draft = nil
	case "delete":
		for i, other := range s.types {
			if other == t {
				s.types = append(s.types[:i], s.types[i+1:]...)
				break
			}
		}
		return answer{Result: []any{map[string]any{"apiName": t.apiName, "status": "deleted"}}}, nil
	case "update":
		if err := t.update(c.body); err != nil {
			return answer{}, err
		}
	case "attributes/create":
		if err := s.addAttributes(c, t); err != nil {
			return answer{}, err
		}
	case "attributes/update", "attributes/delete":
		if err := t.changeAttributes(c.body, action == "attributes/delete"); err != nil {
			return answer{}, err
		}
	default:
		return answer{}, refuse("610", "Requested resource not found")
	}
	v := t.draft
	if v == nil {
		v = t.approved
	}
	return answer{Result: []any{t.json(v, true)}}, nil
}

// edited is the draft to change; a new one begins as what was approved.
func (t *customType) edited() *version {
	if t.draft != nil {
		return t.draft
	}
	v := *t.approved
	v.Attributes = slices.Clone(t.approved.Attributes)
	return &v
}

// update changes the words of a type in its draft; what is absent stays.
func (t *customType) update(body []byte) error {
	v := t.edited()
	in := map[string]*string{"name": &v.Name, "description": &v.Description, "triggerName": &v.TriggerName, "filterName": &v.FilterName}
	var given map[string]any
	if json.Unmarshal(body, &given) != nil {
		return refuse("609", "Invalid JSON")
	}
	for member, value := range given {
		text, ok := value.(string)
		if to := in[member]; to != nil && ok {
			*to = text
		}
	}
	if !namePattern.MatchString(v.Name) {
		return refuse("1003", "Invalid name")
	}
	t.draft = v
	return nil
}

// changeAttributes changes or deletes attributes in the draft.
func (t *customType) changeAttributes(body []byte, remove bool) error {
	var in struct {
		Attributes []attribute `json:"attributes"`
	}
	if json.Unmarshal(body, &in) != nil {
		return refuse("609", "Invalid JSON")
	}
	v := t.edited()
	for _, a := range in.Attributes {
		at := slices.IndexFunc(v.Attributes, func(other attribute) bool { return other.APIName == a.APIName })
		switch {
		case at < 0:
			return refuse("1006", "Attribute not found: "+a.APIName)
		case remove:
			v.Attributes = slices.Delete(v.Attributes, at, at+1)
		default:
			if a.Name != "" {
				v.Attributes[at].Name = a.Name
			}
			if dataTypes[a.DataType] {
				v.Attributes[at].DataType = a.DataType
			}
		}
	}
	t.draft = v
	return nil
}

func (s *Server) addAttributes(c *call, t *customType) error {
	var in struct {
		Attributes []attribute `json:"attributes"`
	}
	if json.Unmarshal(c.body, &in) != nil {
		return refuse("609", "Invalid JSON")
	}
	v := t.edited()
	added := append([]attribute{}, v.Attributes...)
	for _, a := range in.Attributes {
		if !apiNamePattern.MatchString(a.APIName) || a.Name == "" || !dataTypes[a.DataType] {
			return refuse("1003", "Invalid attribute "+a.APIName)
		}
		for _, other := range append([]attribute{v.Primary}, added...) {
			if other.APIName == a.APIName || other.Name == a.Name {
				return refuse("1003", "Attribute exists already: "+a.APIName)
			}
		}
		added = append(added, a)
	}
	if len(added) > maxAttributes {
		return refuse("1028", "Max number of custom activity attributes reached")
	}
	v.Attributes, t.draft = added, v
	return nil
}

// takeTypes fills slots with the customer's own types.
func (s *Server) takeTypes(n int) {
	for i := range n {
		s.lastType++
		name := fmt.Sprintf("Own Type %d", i+1)
		v := &version{Name: name, TriggerName: "Does " + name, FilterName: "Did " + name,
			Primary: attribute{APIName: "what", Name: "What", DataType: "string"}, Attributes: []attribute{}}
		s.types = append(s.types, &customType{apiName: fmt.Sprintf("ownType%d", i+1), id: firstTypeID - 1 + s.lastType, approved: v})
	}
}

// allTypes are the native and the approved custom types, unmarked.
func (s *Server) allTypes() []map[string]any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := append([]map[string]any{}, s.activityTypes()...)
	for _, t := range s.types {
		if t.approved == nil {
			continue
		}
		attributes := []map[string]any{}
		for i, a := range t.approved.Attributes {
			m := map[string]any{"name": a.Name, "dataType": a.DataType}
			if i%2 == 0 { // not all tell it
				m["apiName"] = a.APIName
			}
			attributes = append(attributes, m)
		}
		all = append(all, map[string]any{"id": t.id, "name": t.approved.Name, "description": t.approved.Description,
			"primaryAttribute": map[string]any{"name": t.approved.Primary.Name, "dataType": t.approved.Primary.DataType}, "attributes": attributes})
	}
	return all
}
