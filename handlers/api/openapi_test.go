package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	document, err := ReadDocument()
	require.NoError(t, err)

	t.Run("every handler is described, and nothing else", func(t *testing.T) {
		t.Parallel()
		var described, existing []string
		for _, operation := range document.Operations {
			described = append(described, handlerName(operation.ID))
		}
		handlers := reflect.TypeFor[*Handlers]()
		for i := range handlers.NumMethod() {
			if _, ok := reflect.Zero(handlers).Method(i).Interface().(func(echo.Context) error); ok {
				existing = append(existing, handlers.Method(i).Name)
			}
		}
		slices.Sort(described)
		require.Equal(t, existing, described)
	})

	t.Run("every call has an access, words, and answers with known schemas", func(t *testing.T) {
		t.Parallel()
		known := map[string]bool{}
		for _, schema := range document.Schemas {
			known[schema.Name] = true
			require.NotEmpty(t, schema.Description, schema.Name)
			for _, member := range schema.Members {
				require.NotEmpty(t, member.Type, "%s.%s", schema.Name, member.Name)
			}
		}
		for _, o := range document.Operations {
			require.True(t, strings.HasPrefix(o.Path, Prefix+"/"), o.Path)
			require.NotEmpty(t, o.Summary+o.Description, o.ID)
			require.Contains(t, []string{"public", "token:read", "token:record", "token:admin", "webhook"}, o.Access, o.ID)
			require.True(t, o.Body == "" || known[o.Body], o.Body)
			for _, parameter := range o.Parameters {
				require.NotEmpty(t, parameter.Type+parameter.Description, "%s: %s", o.ID, parameter.Name)
			}
			for _, a := range o.Answers {
				require.NotEmpty(t, a.Description, "%s: %s", o.ID, a.Status)
				require.True(t, a.Schema == "" || known[a.Schema], a.Schema)
				require.Equal(t, a.Status >= "400", a.Schema == "Problem", "%s: %s", o.ID, a.Status)
			}
		}
	})

	t.Run("examples are valid", func(t *testing.T) {
		t.Parallel()
		truth, examples := readTruth(t), 0
		for _, schema := range document.Schemas {
			if schema.Example != "" {
				truth.matches(t, []string{"components", "schemas", schema.Name}, []byte(schema.Example))
				examples++
			}
		}
		require.Positive(t, examples)
	})

	t.Run("every reference leads somewhere", func(t *testing.T) {
		t.Parallel()
		truth := readTruth(t)
		var walk func(node any)
		walk = func(node any) {
			switch node := node.(type) {
			case []any:
				for _, item := range node {
					walk(item)
				}
			case map[string]any:
				if ref, ok := node["$ref"].(string); ok {
					require.NotNil(t, child(truth.document, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...), ref)
				}
				for _, item := range node {
					walk(item)
				}
			}
		}
		walk(truth.document)
	})
}

func TestOpenAPIForReaders(t *testing.T) {
	t.Parallel()
	t.Run("a page finds the calls in reading order, in words", func(t *testing.T) {
		t.Parallel()
		document, err := ReadDocument()
		require.NoError(t, err)
		var calls []string
		for _, o := range document.Operations {
			calls = append(calls, o.Method+" "+o.Path+" "+o.Access)
		}
		require.Equal(t, []string{
			"GET /api/v1/people token:read",
			"GET /api/v1/people/{id} token:read",
			"GET /api/v1/activities token:read",
			"POST /api/v1/activities token:record",
			"GET /api/v1/activities/{id} token:read",
			"GET /api/v1/tasks token:read",
			"POST /api/v1/tasks token:record",
			"GET /api/v1/tasks/{id} token:read",
			"PATCH /api/v1/tasks/{id} token:record",
			"DELETE /api/v1/tasks/{id} token:record",
			"POST /api/v1/emails/check token:read",
			"GET /api/v1/unsubscribes token:read",
			"POST /api/v1/unsubscribes token:record",
			"POST /api/v1/unsubscribes/sync token:admin",
			"GET /api/v1/sync token:read",
			"POST /api/v1/sync token:admin",
			"GET /api/v1/settings token:admin",
			"PATCH /api/v1/settings token:admin",
			"POST /api/v1/webhooks/marketo webhook",
			"GET /api/v1/openapi.json public",
		}, calls)
		list := document.Operations[0]
		require.Equal(t, Member{Name: "archived", Type: "boolean", Description: list.Parameters[5].Description}, list.Parameters[5])
		require.Equal(t, "limit", list.Parameters[6].Name, "a shared parameter is found")
		page := document.Schemas[slices.IndexFunc(document.Schemas, func(s Schema) bool { return s.Name == "PeoplePage" })]
		require.Equal(t, "list of Person", page.Members[0].Type)
		require.Equal(t, "string or null", page.Members[1].Type)
		person := document.Schemas[slices.IndexFunc(document.Schemas, func(s Schema) bool { return s.Name == "Person" })]
		require.Equal(t, "id", person.Members[0].Name, "members stand in the document's order")
		require.Contains(t, person.Example, `"first_name": "Ada"`)
	})

	t.Run("it is served as it is", func(t *testing.T) {
		t.Parallel()
		_, answered := setup(t, false).call(http.MethodGet, "/openapi.json", "")
		var whole map[string]any
		require.NoError(t, json.Unmarshal(openAPI, &whole))
		require.Equal(t, whole, answered)
	})
}
