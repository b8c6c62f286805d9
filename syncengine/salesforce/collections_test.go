package salesforce_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/salesforce"
)

// sent is a request as it arrived.
type sent struct{ method, address, body string }

// recorder answers everything alike and keeps what was asked.
func recorder(t *testing.T, status int, body string) (*salesforce.Client, *[]sent) {
	t.Helper()
	var requests []sent
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		assertThat(t, err == nil, "read the body: %v", err)
		requests = append(requests, sent{r.Method, r.URL.RequestURI(), string(raw)})
		answer(status, body)(w, r)
	})
	return b.client, &requests
}

func TestCollections(t *testing.T) {
	t.Parallel()
	const mixed = `[{"id":"00T000000000001AAA","success":true,"errors":[]},
		{"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","message":"duplicate value found: MSE_Activity_Key__c duplicates value on record with id: 00T000000000009AAA","fields":[]}]}]`
	want := []salesforce.SaveResult{{ID: "00T000000000001AAA", Success: true, Errors: []salesforce.CodeMessage{}},
		{Errors: []salesforce.CodeMessage{{Code: salesforce.CodeDuplicateValue, Fields: []string{},
			Message: "duplicate value found: MSE_Activity_Key__c duplicates value on record with id: 00T000000000009AAA"}}}}

	t.Run("results_stand_by_position_and_one_that_fails_fails_alone", func(t *testing.T) {
		t.Parallel()
		client, requests := recorder(t, http.StatusOK, mixed)
		records := []map[string]any{{"Subject": "Call", "WhoId": nil}, {"Subject": "Email"}}
		got, err := client.CreateMany(t.Context(), "Task", records)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, got))
		require.Equal(t, []sent{{"POST", "/services/data/v66.0/composite/sobjects",
			`{"allOrNone":false,"records":[{"Subject":"Call","WhoId":null,"attributes":{"type":"Task"}},{"Subject":"Email","attributes":{"type":"Task"}}]}`}}, *requests)
		require.NotContains(t, records[0], "attributes", "what was given is not changed")
	})

	t.Run("an_update_names_the_id", func(t *testing.T) {
		t.Parallel()
		client, requests := recorder(t, http.StatusOK, `[{"id":"00T000000000001AAA","success":true,"errors":[]}]`)
		_, err := client.UpdateMany(t.Context(), "Task", []map[string]any{{"Id": "00T000000000001AAA", "Status": "Completed"}})
		require.NoError(t, err)
		require.Equal(t, []sent{{"PATCH", "/services/data/v66.0/composite/sobjects",
			`{"allOrNone":false,"records":[{"Status":"Completed","attributes":{"type":"Task"},"id":"00T000000000001AAA"}]}`}}, *requests)
	})

	t.Run("a_deletion_has_its_ids_in_the_address", func(t *testing.T) {
		t.Parallel()
		client, requests := recorder(t, http.StatusOK, mixed)
		_, err := client.DeleteMany(t.Context(), []string{"00T1", "00T2"})
		require.NoError(t, err)
		require.Equal(t, []sent{{"DELETE", "/services/data/v66.0/composite/sobjects?allOrNone=false&ids=00T1%2C00T2", ""}}, *requests)
	})

	t.Run("none_and_too_many_are_not_sent", func(t *testing.T) {
		t.Parallel()
		client, requests := recorder(t, http.StatusOK, `[]`)
		got, err := client.CreateMany(t.Context(), "Task", nil)
		require.NoError(t, err)
		require.Empty(t, got)
		_, err = client.CreateMany(t.Context(), "Task", make([]map[string]any, salesforce.MaxCollection+1))
		require.Error(t, err)
		_, err = client.DeleteMany(t.Context(), make([]string, salesforce.MaxCollection+1))
		require.Error(t, err)
		require.Empty(t, *requests)
	})
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	modified := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		assertThat(t, r.URL.Path == "/services/data/v66.0/sobjects/Task/describe", "%s", r.URL.Path)
		if r.Header.Get("If-Modified-Since") == "Mon, 23 Nov 2026 10:00:00 GMT" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Last-Modified", "Mon, 23 Nov 2026 10:00:00 GMT")
		fmt.Fprint(w, `{"name":"Task","createable":true,"fields":[{"name":"Type","label":"Type","type":"picklist","length":255,
			"picklistValues":[{"value":"Call","active":true},{"value":"Fax","active":false}]},
			{"name":"MSE_Activity_Key__c","label":"Key","length":64,"externalId":true,"unique":true,"createable":true,"filterable":true}]}`)
	})
	task, changed, err := b.client.Describe(t.Context(), "Task", time.Time{})
	require.NoError(t, err)
	require.True(t, changed && task.Createable)
	require.Equal(t, modified, task.ModifiedAt)
	kind, there := task.Field("type")
	require.True(t, there && kind.HasValue("Call"))
	require.False(t, kind.HasValue("Fax") || kind.HasValue("call"))
	key, there := task.Field("MSE_Activity_Key__c")
	require.True(t, there && key.ExternalID && key.Unique && key.Createable && key.Filterable && key.Length == 64)
	_, there = task.Field("Hidden__c")
	require.False(t, there)

	task, changed, err = b.client.Describe(t.Context(), "Task", modified)
	require.NoError(t, err)
	require.True(t, !changed && task == nil)
}

func TestOrg(t *testing.T) {
	t.Parallel()
	client, requests := recorder(t, http.StatusOK, `[{"label":"Spring '26","url":"/services/data/v66.0","version":"66.0"}]`)
	versions, err := client.Versions(t.Context())
	require.NoError(t, err)
	require.Equal(t, []salesforce.APIVersion{{Label: "Spring '26", Version: "66.0"}}, versions)
	require.Equal(t, "/services/data/", (*requests)[0].address)
}

func TestChanges(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	end := start.Add(time.Hour)

	client, requests := recorder(t, http.StatusOK, `{"deletedRecords":[{"id":"00T000000000001AAA","deletedDate":"2026-11-23T10:15:00.000+0000"}],
		"earliestDateAvailable":"2026-11-08T09:00:00.000+0000","latestDateCovered":"2026-11-23T10:58:00.000+0000"}`)
	deleted, err := client.Deleted(t.Context(), "Task", start, end)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(salesforce.DeletedPage{
		Records:           []salesforce.DeletedRecord{{ID: "00T000000000001AAA", At: start.Add(15 * time.Minute)}},
		EarliestAvailable: time.Date(2026, 11, 8, 9, 0, 0, 0, time.UTC), LatestCovered: end.Add(-2 * time.Minute)}, deleted))
	require.Equal(t, "/services/data/v66.0/sobjects/Task/deleted?end=2026-11-23T11%3A00%3A00Z&start=2026-11-23T10%3A00%3A00Z", (*requests)[0].address)

	client, _ = recorder(t, http.StatusOK, `{"deletedRecords":[]}`)
	_, err = client.Deleted(t.Context(), "Task", start, end)
	require.Equal(t, salesforce.KindBadAnswer, asError(t, err).Kind, "without it the next window would begin anywhere")
}

func TestALongAddressIsNotSent(t *testing.T) {
	t.Parallel()
	client, requests := recorder(t, http.StatusOK, `{}`)
	soql := "SELECT Id FROM Task WHERE WhoId IN (" + strings.Repeat("'003000000000001AAA',", 1000) + "'')"
	_, err := client.QueryAllOnce(t.Context(), soql)
	require.ErrorIs(t, err, salesforce.ErrTooLong)
	_, err = client.CompositeQueries(t.Context(), []string{soql})
	require.ErrorIs(t, err, salesforce.ErrTooLong)
	_, err = client.QueryAllOnce(t.Context(), "SELECT Id FROM Task WHERE Key__c = '"+strings.Repeat("x", 15_800)+"'")
	require.ErrorIs(t, err, salesforce.ErrTooLong, "the headers count too")
	require.Empty(t, *requests)

	keys := strings.Repeat("'8f14e45f-ceea-467f-9e39-8a1c6f3b7c11',", 200)
	_, err = client.CompositeQueries(t.Context(), []string{"SELECT Id FROM Task WHERE Key__c IN (" + keys + "'')"})
	require.NotErrorIs(t, err, salesforce.ErrTooLong, "as many as one call writes can be looked up")
	require.Len(t, *requests, 1)
}

// query returns what a request asked for.
func query(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	assertThat(t, err == nil, "%v", err)
	return u.Query().Get("q")
}
