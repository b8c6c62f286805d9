package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// openAPI is written by hand; tests hold it against the routes and the answers.
//
//go:embed openapi.json
var openAPI []byte

// OpenAPI answers GET /openapi.json.
func (h *Handlers) OpenAPI(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-cache")
	return c.JSONBlob(http.StatusOK, openAPI)
}

// Document is the description of the API, for a page that people read.
type Document struct {
	Title       string
	Description string
	Operations  []Operation // grouped, in the order of reading
	Schemas     []Schema    // by name
}

// Operation is one call.
type Operation struct {
	ID          string // the handler's name, with a small first letter
	Group       string
	Method      string // in capitals
	Path        string // with Prefix; a parameter is {id}
	Summary     string
	Description string
	Access      string // "public", "token:read", "token:record", "token:admin" or "webhook"
	Parameters  []Member
	Body        string   // the name of a schema, empty without a body
	Answers     []Answer // by status
}

// Answer is one of the answers of a call.
type Answer struct {
	Status      string
	Description string
	Schema      string // the name of a schema, empty for anything
}

// Schema is an object that is sent or answered.
type Schema struct {
	Name        string
	Description string
	Members     []Member
	Example     string // JSON, empty without one
}

// Member is a parameter, or a member of an object.
type Member struct {
	Name        string
	Type        string // "string or null", "list of Person"
	Description string
	Required    bool
}

// ReadDocument returns the description of the API in types.
func ReadDocument() (Document, error) {
	var raw rawDocument
	if err := json.Unmarshal(openAPI, &raw); err != nil {
		return Document{}, fmt.Errorf("read the API's description: %w", err)
	}
	d := Document{Title: raw.Info.Title, Description: raw.Info.Description}
	for path, methods := range raw.Paths {
		for method, operation := range methods {
			d.Operations = append(d.Operations, raw.operation(method, path, operation))
		}
	}
	slices.SortFunc(d.Operations, raw.compare)
	for name, schema := range raw.Components.Schemas {
		d.Schemas = append(d.Schemas, Schema{
			Name: name, Description: schema.Description, Members: schema.members(), Example: schema.example(),
		})
	}
	slices.SortFunc(d.Schemas, func(a, b Schema) int { return strings.Compare(a.Name, b.Name) })
	return d, nil
}
