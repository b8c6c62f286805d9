package marketo_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/marketo"
)

// TestCodes has every code of Marketo's documentation, and whether the call counts.
func TestCodes(t *testing.T) {
	t.Parallel()
	unmetered := map[string]bool{"601": true, "602": true, "604": true, "605": true, "608": true, "611": true}
	for _, code := range []string{"500", "502", "600", "601", "602", "603", "604", "605", "606", "607", "608", "609", "610", "611", "612", "613", "614", "615", "616",
		"701", "702", "703", "704", "709", "710", "711", "712", "713", "714", "718", "719", "1000", "1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008",
		"1009", "1010", "1011", "1012", "1013", "1014", "1015", "1016", "1017", "1018", "1019", "1020", "1021", "1022", "1025", "1026", "1027", "1028", "1029",
		"1035", "1036", "1037", "1042", "1048", "1049", "1076", "1077", "1078", "1079", "1080"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			client := setup(t, answer(fmt.Sprintf(`{"requestId":"e42b#14272d07d78","success":false,"errors":[{"code":%q,"message":"words"}]}`, code)))
			_, err := client.Usage(t.Context())
			requireKind(t, err, marketo.KindAPI)
			require.True(t, marketo.IsCode(err, code))
			require.ErrorContains(t, err, "marketo usage: code "+code+": words (request e42b#14272d07d78)")
			var call *marketo.Error
			require.ErrorAs(t, err, &call)
			require.Equal(t, !unmetered[code], call.Metered())
		})
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	client := setup(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/base/rest/v1/leads/describe2.json":
			fmt.Fprint(w, `{"success":true,"result":[{"name":"API Lead","searchableFields":[["id"],["email"],["a","b"]],
				"fields":[{"name":"email","displayName":"Email Address","dataType":"email","length":255,"updateable":true,"crmManaged":false}]}]}`)
		case "/base/rest/v1/leads/describe.json":
			fmt.Fprint(w, `{"success":true,"result":[
				{"id":2,"displayName":"Email Address","dataType":"email","length":255,"rest":{"name":"email","readOnly":false}},
				{"id":3,"displayName":"Account Id","dataType":"string","length":255,"rest":{"name":"sfdcAccountId","readOnly":true},"soap":{"name":"x"}},
				{"id":4,"displayName":"Out of reach","dataType":"string"}]}`)
		}
	})
	fields, err := client.Fields(t.Context())
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]marketo.Field{
		{Name: "email", DisplayName: "Email Address", DataType: "email", Length: 255, Updateable: true, Searchable: true},
		{Name: "sfdcAccountId", DisplayName: "Account Id", DataType: "string", Length: 255},
	}, fields))
}

func TestLists(t *testing.T) {
	t.Parallel()

	t.Run("a_list_is_found", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, "/base/rest/asset/v1/smartList/1093.json", r.URL.Path)
			fmt.Fprint(w, `{"success":true,"errors":[],"requestId":"a#b","warnings":[],"result":[{"id":1093,"name":"With owner","createdAt":"2017-07-27T01:38:33Z+0000"}]}`)
		})
		list, found, err := client.SmartList(t.Context(), 1093)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, marketo.List{ID: 1093, Name: "With owner"}, list)
	})

	for name, body := range map[string]string{
		"a_warning": `{"success":true,"errors":[],"requestId":"a#b","warnings":["No assets found for the given search criteria."]}`,
		"code_702":  `{"success":false,"errors":[{"code":"702","message":"Record not found"}],"requestId":"a#b"}`,
	} {
		t.Run("a_list_that_is_not_there_may_be_told_by_"+name, func(t *testing.T) {
			t.Parallel()
			_, found, err := setup(t, answer(body)).StaticList(t.Context(), 7)
			require.NoError(t, err)
			require.False(t, found)
		})
	}
}

func TestLeadsArePagedByTheTokenAlone(t *testing.T) {
	t.Parallel()
	client := setup(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/base/rest/v1/leads.json", r.URL.Path)
		if r.URL.Query().Get("nextPageToken") == "" {
			fmt.Fprint(w, `{"success":true,"result":[{"id":1}],"nextPageToken":"N"}`)
			return
		}
		fmt.Fprint(w, `{"success":true,"result":[{"id":2}]}`)
	})
	var ids []int64
	for lead, err := range client.Leads(t.Context(), "id", []string{"1", "2"}, []string{"id"}) {
		require.NoError(t, err)
		ids = append(ids, lead.ID())
	}
	require.Equal(t, []int64{1, 2}, ids)
}

func TestPagesThatLeadToThemselvesAreNotFollowed(t *testing.T) {
	t.Parallel()
	client := setup(t, answer(`{"success":true,"result":[],"nextPageToken":"N","moreResult":true}`))
	_, err := client.LeadsByID(t.Context(), []int64{1}, []string{"id"})
	requireKind(t, err, marketo.KindBadAnswer)
	client = setup(t, answer(`{"success":true,"result":[{"exportId":"a","status":"Created"}],"nextPageToken":"N"}`))
	jobs := 0
	for _, err = range client.Exports(t.Context()) {
		jobs++
	}
	requireKind(t, err, marketo.KindBadAnswer)
	require.Equal(t, 3, jobs, "two pages of one job, and the error")
}

func TestUsage(t *testing.T) {
	t.Parallel()
	client := setup(t, answer(`{"success":true,"result":[{"date":"2026-01-31","total":1120,"users":[{"userId":"apis@acme.com","count":720}]}]}`))
	day, err := client.Usage(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(1120), day.Total)
	require.Equal(t, int64(720), day.Users[0].Count)
}

func TestNobodyIsAskedForWithoutACall(t *testing.T) {
	t.Parallel()
	client := setup(t, answer(`{"success":false,"errors":[{"code":"1003","message":"no values"}]}`))
	leads, err := client.LeadsByID(t.Context(), nil, []string{"id"})
	require.NoError(t, err)
	require.Empty(t, leads)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was sent to another server", r.URL.Path)
	}))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	_, err := newClient(t, server).Identity(t.Context())
	requireKind(t, err, marketo.KindBadAnswer)
}

// FuzzEnvelope: whatever a server sends, the client answers with people who have
// ids, or with a typed error.
func FuzzEnvelope(f *testing.F) {
	for _, body := range []string{
		`{"requestId":"e42b#14272d07d78","success":true,"result":[{"id":1}],"moreResult":false,"errors":[],"warnings":["x"]}`,
		`{"success":false,"errors":[{"code":601,"message":"Access token invalid"}]}`, `{"success":true,"result":{"id":1}}`, `<html>`, `null`, `{"errors":[{}]}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		client := bubbleClient(t, transport(func(*http.Request) (*http.Response, error) { return response(body), nil }), nil)
		people := 0
		for lead, err := range client.Leads(t.Context(), "id", []string{"1"}, []string{"id"}) {
			if err != nil {
				var call *marketo.Error
				require.ErrorAs(t, err, &call)
				return
			}
			require.NotZero(t, lead.ID())
			people++
		}
		if people > 2*len(body) {
			t.Fatalf("%d people in two pages of %d bytes", people, len(body))
		}
	})
}
