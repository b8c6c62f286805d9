package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// The parts of an OpenAPI 3.1 document that ours uses (OpenAPI Specification 3.1.0).
type (
	rawDocument struct {
		Info struct {
			Title       string `json:"title"`
			Description string `json:"description"`
		} `json:"info"`
		Tags []struct {
			Name string `json:"name"`
		} `json:"tags"`
		Paths      map[string]map[string]rawOperation `json:"paths"`
		Components struct {
			Parameters map[string]rawParameter `json:"parameters"`
			Responses  map[string]rawContent   `json:"responses"`
			Schemas    map[string]rawSchema    `json:"schemas"`
		} `json:"components"`
	}

	rawOperation struct {
		OperationID string                `json:"operationId"`
		Summary     string                `json:"summary"`
		Description string                `json:"description"`
		Tags        []string              `json:"tags"`
		Security    []map[string][]string `json:"security"`
		Parameters  []rawParameter        `json:"parameters"`
		RequestBody *rawContent           `json:"requestBody"`
		Responses   map[string]rawContent `json:"responses"`
	}

	rawParameter struct {
		Ref         string    `json:"$ref"`
		Name        string    `json:"name"`
		Description string    `json:"description"`
		Required    bool      `json:"required"`
		Schema      rawSchema `json:"schema"`
	}

	// rawContent is a body of a request or of an answer.
	rawContent struct {
		Ref         string `json:"$ref"`
		Description string `json:"description"`
		Content     map[string]struct {
			Schema rawSchema `json:"schema"`
		} `json:"content"`
	}

	rawSchema struct {
		Ref         string               `json:"$ref"`
		Type        json.RawMessage      `json:"type"` // a name or a list of names
		Description string               `json:"description"`
		Enum        []any                `json:"enum"`
		Format      string               `json:"format"`
		Items       *rawSchema           `json:"items"`
		AnyOf       []rawSchema          `json:"anyOf"`
		Required    []string             `json:"required"`
		Properties  map[string]rawSchema `json:"properties"`
		Examples    []json.RawMessage    `json:"examples"`
	}
)

// referred is the last part of a reference: "#/components/schemas/Person".
func referred(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

func (d *rawDocument) operation(method, path string, raw rawOperation) Operation {
	o := Operation{
		ID: raw.OperationID, Method: strings.ToUpper(method), Path: Prefix + path,
		Summary: raw.Summary, Description: raw.Description, Access: access(raw.Security),
	}
	if len(raw.Tags) > 0 {
		o.Group = raw.Tags[0]
	}
	for _, p := range raw.Parameters {
		if p.Ref != "" {
			p = d.Components.Parameters[referred(p.Ref)]
		}
		o.Parameters = append(o.Parameters, Member{Name: p.Name, Type: p.Schema.text(), Description: p.Description, Required: p.Required})
	}
	if raw.RequestBody != nil {
		o.Body = raw.RequestBody.schema()
	}
	for _, status := range slices.Sorted(maps.Keys(raw.Responses)) {
		answer := raw.Responses[status]
		if answer.Ref != "" {
			answer = d.Components.Responses[referred(answer.Ref)]
		}
		o.Answers = append(o.Answers, Answer{Status: status, Description: answer.Description, Schema: answer.schema()})
	}
	return o
}

// access puts a security requirement into the words of the route table; the roles
// of a token are its scopes (OpenAPI 3.1: Security Requirement Object).
func access(security []map[string][]string) string {
	for _, requirement := range security {
		if scopes := requirement["token"]; len(scopes) > 0 {
			return "token:" + scopes[0]
		}
		if _, webhook := requirement["webhookSecret"]; webhook {
			return "webhook"
		}
	}
	return "public"
}

// compare orders operations by group, then path, reading before writing.
func (d *rawDocument) compare(a, b Operation) int {
	group := func(o Operation) int {
		for i, tag := range d.Tags {
			if tag.Name == o.Group {
				return i
			}
		}
		return len(d.Tags)
	}
	return cmp.Or(
		cmp.Compare(group(a), group(b)), cmp.Compare(a.Path, b.Path),
		cmp.Compare(methodRank(a.Method), methodRank(b.Method)))
}

func methodRank(method string) int {
	return slices.Index([]string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete}, method)
}

// schema is the name of the content's schema; media types of one body share it.
func (c rawContent) schema() string {
	for _, media := range c.Content {
		return referred(media.Schema.Ref)
	}
	return ""
}

// text says in words what values the schema allows.
func (s rawSchema) text() string {
	if s.Ref != "" {
		return referred(s.Ref)
	}
	var words []string
	for _, alternative := range s.AnyOf {
		words = append(words, alternative.text())
	}
	for _, name := range s.types() {
		switch {
		case name == "array" && s.Items != nil:
			name = "list of " + s.Items.text()
		case name == "string" && s.Format == "date-time":
			name = "time"
		case name == "string" && len(s.Enum) > 0:
			name = s.values()
		}
		words = append(words, name)
	}
	return strings.Join(words, " or ")
}

func (s rawSchema) types() []string {
	var one string
	if json.Unmarshal(s.Type, &one) == nil {
		return []string{one}
	}
	var several []string
	if json.Unmarshal(s.Type, &several) == nil {
		return several
	}
	return nil
}

// values lists the texts of an enum; null is one of the types.
func (s rawSchema) values() string {
	var texts []string
	for _, value := range s.Enum {
		if text, ok := value.(string); ok {
			texts = append(texts, `"`+text+`"`)
		}
	}
	return strings.Join(texts, ", ")
}

// members are the properties in the order in which "required" lists them, then the
// optional ones by name.
func (s rawSchema) members() []Member {
	names := slices.Clone(s.Required)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	members := make([]Member, 0, len(names))
	for i, name := range names {
		property := s.Properties[name]
		members = append(members, Member{
			Name: name, Type: property.text(), Description: property.Description, Required: i < len(s.Required),
		})
	}
	return members
}

func (s rawSchema) example() string {
	if len(s.Examples) == 0 {
		return ""
	}
	var b bytes.Buffer
	if err := json.Indent(&b, s.Examples[0], "", "  "); err != nil {
		return ""
	}
	return b.String()
}
