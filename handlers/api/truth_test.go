package api

import (
	"bytes"
	"fmt"
	"mime"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// truth holds answers against openapi.json. It is stricter than the document, which
// lets members be added later: an answer must not have one that is not described.
type truth struct {
	document map[string]any
	compiler *jsonschema.Compiler
}

const documentURL = "urn:salesactions:openapi"

func readTruth(t *testing.T) *truth {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(openAPI))
	require.NoError(t, err)
	document, ok := parsed.(map[string]any)
	require.True(t, ok)
	for _, schema := range child(document, "components", "schemas") {
		closed := schema.(map[string]any)
		if _, decided := closed["additionalProperties"]; !decided && closed["properties"] != nil {
			closed["additionalProperties"] = false
		}
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource(documentURL, document))
	return &truth{document: document, compiler: compiler}
}

// check fails the test when the document does not know the answer.
func (d *truth) check(t *testing.T, method, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	steps := []string{"paths", path, method, "responses", fmt.Sprint(w.Code)}
	answer := child(d.document, steps...)
	require.NotNil(t, answer, "%s %s does not say that it answers %d: %s", method, path, w.Code, w.Body)
	if ref, ok := answer["$ref"].(string); ok {
		steps = strings.Split(strings.TrimPrefix(ref, "#/"), "/")
		answer = child(d.document, steps...)
	}
	if answer["content"] == nil {
		require.Empty(t, w.Body.Bytes(), "%s %s says that %d has no body", method, path, w.Code)
		return
	}
	media, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	require.NoError(t, err)
	require.NotNil(t, child(answer, "content", media), "%s %s does not say that %d is %s", method, path, w.Code, media)
	d.matches(t, append(steps, "content", media, "schema"), w.Body.Bytes())
}

// matches validates JSON against the schema at a place of the document.
func (d *truth) matches(t *testing.T, place []string, body []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	require.NoError(t, err)
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	pointer := "#"
	for _, step := range place {
		pointer += "/" + escape.Replace(step)
	}
	schema, err := d.compiler.Compile(documentURL + pointer)
	require.NoError(t, err)
	require.NoError(t, schema.Validate(value), "%s: %s", pointer, body)
}

// child walks down a document; nil when there is nothing.
func child(node map[string]any, steps ...string) map[string]any {
	for _, step := range steps {
		node, _ = node[step].(map[string]any)
	}
	return node
}
