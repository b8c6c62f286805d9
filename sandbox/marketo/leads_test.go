package marketo

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const leads = "/rest/v1/leads.json"

// many are the numbers from 1 to n with commas.
func many(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint(i + 1)
	}
	return strings.Join(ids, ",")
}

func TestLeadsRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{People: 2000, QuotaOff: true})
	for name, c := range map[string]struct {
		params []string
		code   string
	}{
		"without a filter":              {nil, "1002"},
		"a field that nobody knows":     {[]string{"filterType", "id", "filterValues", "1001", "fields", "id,shoeSize"}, "1006"},
		"a field hidden from this org":  {[]string{"filterType", "id", "filterValues", "1001", "fields", "sfdcOpptyId"}, "1006"},
		"a filter that is not allowed":  {[]string{"filterType", "firstName", "filterValues", "Ada"}, "1011"},
		"301 values":                    {[]string{"filterType", "id", "filterValues", many(301)}, "1003"},
		"more than 1,000 matches":       {[]string{"filterType", "sfdcLeadOwnerId", "filterValues", owners(b)}, "1003"},
		"a paging token of another age": {[]string{"filterType", "id", "filterValues", "1001", "nextPageToken", "GIYDAOBN"}, "1003"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bundle{Server: b.Server, t: t, url: b.url, token: b.token}
			b.refused(b.get(leads, c.params...), c.code)
		})
	}
}

// owners are all owners with commas.
func owners(b *bundle) string {
	seen := map[string]bool{}
	for p := range b.People() {
		if owner := p.Fields["sfdcLeadOwnerId"]; owner != "" {
			seen[owner] = true
		}
	}
	ids := []string{}
	for owner := range seen {
		ids = append(ids, owner)
	}
	return strings.Join(ids, ",")
}

func TestLeads(t *testing.T) {
	t.Parallel()
	t.Run("absent ids are silently missing and the default fields come", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		got := b.succeeded(b.get(leads, "filterType", "id", "filterValues", "1001,999999999"))
		require.Len(t, got.Result, 1)
		require.Regexp(t, `^[0-9a-f]+#[0-9a-f]+$`, got.RequestID)
		require.Equal(t, map[string]any{"id": 1001.0, "firstName": "Ada", "lastName": "Lovelace", "email": "ada@acme.example",
			"createdAt": got.Result[0]["createdAt"], "updatedAt": got.Result[0]["createdAt"]}, got.Result[0])
	})
	t.Run("two people may share an address", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		got := b.succeeded(b.get(leads, "filterType", "email", "filterValues", "ADA@acme.example"))
		require.Len(t, got.Result, 2)
	})
	t.Run("pages follow one another without a gap", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		seen := map[any]bool{}
		params := []string{"filterType", "id", "filterValues", "1001,1002,1003,1004,1005", "batchSize", "2"}
		for token := ""; ; {
			got := b.succeeded(b.get(leads, append(params, "nextPageToken", token)...))
			for _, item := range got.Result {
				seen[item["id"]] = true
			}
			if token = got.NextPageToken; token == "" {
				require.False(t, got.MoreResult)
				break
			}
		}
		require.Len(t, seen, 5)
	})
	t.Run("a POST with _method=GET has its parameters in the form", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		form := url.Values{"filterType": {"id"}, "filterValues": {"1002"}}.Encode()
		got := b.succeeded(b.call(http.MethodPost, leads+"?_method=GET", form, "Content-Type", "application/x-www-form-urlencoded"))
		require.Equal(t, "王", got.Result[0]["lastName"])
	})
	t.Run("an address over 8 KB and a body over 1 MB are refused by HTTP", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		require.Equal(t, http.StatusRequestURITooLong, b.get(leads, "filterType", "id", "x", strings.Repeat("y", 9<<10)).status)
		require.Equal(t, http.StatusRequestEntityTooLarge, b.call(http.MethodPost, leads+"?_method=GET", strings.Repeat("y", 1<<20+1)).status)
		require.Len(t, b.Violations(), 2)
	})
	t.Run("nobody by that id is 1004", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		b.refused(b.get("/rest/v1/lead/999999999.json"), "1004")
		require.Equal(t, "Ada", b.succeeded(b.get("/rest/v1/lead/1001.json")).Result[0]["firstName"])
	})
	t.Run("describe2 lists what may be asked for", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		got := b.succeeded(b.get("/rest/v1/leads/describe2.json")).Result[0]
		require.Contains(t, got["searchableFields"], []any{"sfdcLeadOwnerId"})
		for _, field := range got["fields"].([]any) {
			name := field.(map[string]any)["name"].(string)
			require.NotEqual(t, "sfdcOpptyId", name)
			b.succeeded(b.get(leads, "filterType", "id", "filterValues", "1001", "fields", name))
		}
	})
}
