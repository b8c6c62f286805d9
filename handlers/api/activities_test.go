package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

// cast puts the named people into the workspace.
func (b *bundle) cast() *bundle {
	b.t.Helper()
	gone := noon
	merged := models.ArchivedMerged
	into := int64(1001)
	b.settle(
		models.Person{ID: 1001, FirstName: text("Ada"), Email: text("ada@acme.example"), SalesforceContactID: text("003000000000001AAA")},
		models.Person{ID: 1002, FirstName: text("Ben"), Email: text("shared@acme.example")},
		models.Person{ID: 1003, FirstName: text("Cyd"), Email: text("Shared@acme.example"), SalesforceContactID: text("003000000000003")},
		models.Person{ID: 1004, FirstName: text("Old Ada"), ArchivedAt: &gone, ArchiveReason: &merged, MergedInto: &into},
	)
	return b
}

// record sends a batch and returns its results.
func (b *bundle) record(activities ...string) []map[string]any {
	b.t.Helper()
	return b.recorded(b.send(http.MethodPost, "/activities", batch(activities)), len(activities))
}

func batch(activities []string) string {
	return `{"activities":[` + strings.Join(activities, ",") + `]}`
}

// recorded returns the results of a batch that was taken.
func (b *bundle) recorded(answer func() (int, map[string]any), n int) []map[string]any {
	b.t.Helper()
	status, answered := answer()
	require.Equal(b.t, http.StatusAccepted, status, answered)
	var results []map[string]any
	for _, r := range answered["results"].([]any) {
		results = append(results, r.(map[string]any))
	}
	require.Len(b.t, results, n)
	return results
}

// together sends batches at one moment and returns all results.
func (b *bundle) together(batches ...[]string) []map[string]any {
	b.t.Helper()
	var wait sync.WaitGroup
	answers := make([]func() (int, map[string]any), len(batches))
	for i, activities := range batches {
		wait.Go(func() { answers[i] = b.send(http.MethodPost, "/activities", batch(activities)) })
	}
	wait.Wait()
	var results []map[string]any
	for i, answer := range answers {
		results = append(results, b.recorded(answer, len(batches[i]))...)
	}
	return results
}

func activity(key, kind, rest string) string {
	return fmt.Sprintf(`{"key":%q,"type":%q,"occurred_at":"2026-05-04T09:30:00Z",%s}`, key, kind, rest)
}

func TestAnActivityIsRecordedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	sent := activity("a", "call_received", `"person_id":"1001","subject":"Hello"`)
	results := b.record(sent, sent, activity("b", "call_received", `"marketo_id":1001`))
	require.Equal(t, "created", results[0]["status"])
	require.Equal(t, "duplicate", results[1]["status"])
	require.Equal(t, results[0]["id"], results[1]["id"])
	require.Equal(t, "created", results[2]["status"])

	again := []string{activity("c", "call_received", `"person_id":1001`)}
	results = b.together(again, again, again, again, again, again, again, again)
	for _, r := range results {
		require.Equal(t, results[0]["id"], r["id"])
	}
	require.Equal(t, 3, b.count(`SELECT count(*) FROM activities`))
	require.Equal(t, 6, b.count(`SELECT count(*) FROM deliveries`))
}

func TestWhomAnActivityIsAbout(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reference string
		person    any
		wrong     string
	}{
		"by_our_id":                           {`"person_id":"1001"`, "1001", ""},
		"by_marketos_id_as_a_number":          {`"marketo_id":1001`, "1001", ""},
		"by_15_characters":                    {`"salesforce_id":"003000000000001"`, "1001", ""},
		"by_18_where_marketo_has_15":          {`"salesforce_id":"` + models.SalesforceIDForms("003000000000003")[1] + `"`, "1003", ""},
		"by_address_in_any_case":              {`"email":"ADA@acme.example"`, "1001", ""},
		"who_was_merged":                      {`"person_id":"1004"`, "1001", ""},
		"not_here_yet":                        {`"marketo_id":"777"`, nil, ""},
		"an_unknown_id_is_not_guessed_around": {`"marketo_id":"777","email":"ada@acme.example"`, nil, ""},
		"an_unknown_address":                  {`"email":"new@acme.example"`, nil, ""},
		"an_id_decides_a_shared_address":      {`"email":"shared@acme.example","marketo_id":"1003"`, "1003", ""},
		"a_shared_address":                    {`"email":"shared@acme.example"`, nil, "#/activities/0/email"},
		"an_unknown_id_of_ours":               {`"person_id":"777"`, nil, "#/activities/0/person_id"},
		"two_people":                          {`"person_id":"1001","marketo_id":"1002"`, nil, "#/activities/0/person_id"},
		"nobody":                              {`"subject":"x"`, nil, "#/activities/0/person_id"},
	}
	b := setup(t, false).cast()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			result := b.record(activity(name, "call_received", c.reference))[0]
			if c.wrong != "" {
				require.Equal(t, "invalid", result["status"])
				require.Nil(t, result["id"])
				require.Equal(t, c.wrong, result["error"].(map[string]any)["pointer"])
				return
			}
			require.Equal(t, "created", result["status"], result)
			read := b.get("/activities/" + result["id"].(string))
			require.Equal(t, c.person, read["person_id"])
			if c.person == nil {
				require.Equal(t, "waiting_for_person", read["deliveries"].([]any)[0].(map[string]any)["reason"])
			}
		})
	}
	require.Len(t, b.get("/activities?waiting=true")["items"], 3)
}

func TestABadActivityDoesNotKeepTheOthers(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	good := activity("good", "email_sent", `"person_id":"1001"`)
	for name, c := range map[string]struct{ sent, pointer string }{
		"a_misspelt_member":    {activity("x", "email_sent", `"person_id":"1001","subjekt":"x"`), "#/activities/1/subjekt"},
		"a_wrong_type_of_JSON": {activity("x", "email_sent", `"person_id":"1001","subject":7`), "#/activities/1/subject"},
		"an_unknown_type":      {activity("x", "email_lost", `"person_id":"1001"`), "#/activities/1/type"},
		"no_key":               {activity("", "email_sent", `"person_id":"1001"`), "#/activities/1/key"},
		"a_key_too_long":       {activity(strings.Repeat("k", 201), "email_sent", `"person_id":"1001"`), "#/activities/1/key"},
		"no_time":              {`{"key":"x","type":"email_sent","person_id":"1001"}`, "#/activities/1/occurred_at"},
		"no_such_time":         {`{"key":"x","type":"email_sent","person_id":"1001","occurred_at":"yesterday"}`, "#/activities/1/occurred_at"},
		"the_future":           {`{"key":"x","type":"email_sent","person_id":"1001","occurred_at":"2099-01-01T00:00:00Z"}`, "#/activities/1/occurred_at"},
		"an_id_that_is_none":   {activity("x", "email_sent", `"person_id":"one"`), "#/activities/1/person_id"},
		"an_address_of_a_site": {activity("x", "email_clicked", `"person_id":"1001","link_url":"javascript:alert(1)"`), "#/activities/1/link_url"},
		"an_email_of_a_call":   {activity("x", "call_received", `"person_id":"1001","email_key":"e"`), "#/activities/1/email_key"},
		"an_account":           {activity("x", "email_sent", `"salesforce_id":"001000000000001AAA"`), "#/activities/1/salesforce_id"},
		"no_activity":          {`7`, "#/activities/1"},
	} {
		t.Run(name, func(t *testing.T) {
			results := b.record(good, c.sent)
			require.NotEqual(t, "invalid", results[0]["status"])
			require.Equal(t, "invalid", results[1]["status"])
			wrong := results[1]["error"].(map[string]any)
			require.Equal(t, c.pointer, wrong["pointer"])
			require.NotEmpty(t, wrong["detail"])
		})
	}
}

func TestABatchThatIsNone(t *testing.T) {
	t.Parallel()
	b := setup(t, false)
	for name, body := range map[string]string{"nothing": `{"activities":[]}`, "too_many": `{"activities":[` + strings.Repeat("1,", 1000) + `1]}`,
		"no_list": `{"activities":{}}`, "another_member": `{"activity":{}}`, "no_JSON": `{`} {
		t.Run(name, func(t *testing.T) { b.refuse(http.StatusBadRequest, http.MethodPost, "/activities", body) })
	}
	b.refuse(http.StatusUnsupportedMediaType, http.MethodPost, "/activities", "x", "Content-Type", "text/plain")
}

func TestAnActivityReadsBackAsItWasSent(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	sent := `{"key":"k 1","type":"email_replied","occurred_at":"2026-05-04T11:30:00+02:00","person_id":"1001","marketo_id":"1001","salesforce_id":"003000000000001AAA",
		"email":"Ada@acme.example","rep":"Rita@example.com","email_key":"mail","subject":"Grüße 👋","body_preview":"one\r\ntwo\u0000\n three ","link_url":"https://a.example/x","template_name":"T",
		"template_url":"https://a.example/t","details_url":"https://a.example/d","campaign_name":"C","campaign_url":"https://a.example/c","campaign_day":"3","campaign_step":"2",
		"call_outcome":"o","call_reason":"r","call_duration_seconds":0,"call_recording_url":"https://a.example/r","local_presence_id":"p","bounce_type":"b","attachment_viewed":false}`
	id := b.record(sent)[0]["id"].(string)
	read := b.get("/activities/" + id)
	var want map[string]any
	require.NoError(t, json.Unmarshal([]byte(sent), &want))
	want["occurred_at"], want["rep"], want["body_preview"] = "2026-05-04T09:30:00Z", "rita@example.com", "one\r\ntwo\n three "
	for name, value := range want {
		require.Equal(t, value, read[name], name)
	}
	require.Equal(t, id, read["id"])
	b.refuse(http.StatusNotFound, http.MethodGet, "/activities/nothing", "")
	b.refuse(http.StatusNotFound, http.MethodGet, "/activities/00000000-0000-7000-8000-000000000000", "")
}

func TestEngagementBelongsToItsEmailInWhicheverOrderTheyCome(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	early := b.record(activity("open", "email_opened", `"person_id":"1001","email_key":"mail"`))[0]["id"].(string)
	require.Nil(t, b.get("/activities/" + early)["email_activity_id"])
	email := b.record(activity("mail", "email_sent", `"person_id":"1001"`), activity("click", "email_clicked", `"person_id":"1001","email_key":"mail"`))
	require.Equal(t, email[0]["id"], b.get("/activities/" + early)["email_activity_id"])
	require.Equal(t, email[0]["id"], b.get("/activities/" + email[1]["id"].(string))["email_activity_id"])
	deliveries := b.get("/activities/" + early)["deliveries"].([]any)
	require.Equal(t, "email_not_logged", deliveries[1].(map[string]any)["reason"], "nothing is logged by default")
}

func TestActivitiesAreListedInPages(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	for i := range 25 {
		b.record(activity(fmt.Sprint(i), []string{"call_received", "email_sent"}[i%2], fmt.Sprintf(`"person_id":"%d"`, 1001+i%3))) // all at one moment
	}
	seen, cursor := map[any]bool{}, ""
	for {
		page := b.get("/activities?limit=4&cursor=" + cursor)
		for _, item := range page["items"].([]any) {
			id := item.(map[string]any)["id"]
			require.False(t, seen[id])
			seen[id] = true
		}
		if page["next_cursor"] == nil {
			break
		}
		cursor = page["next_cursor"].(string)
	}
	require.Len(t, seen, 25)
	for query, n := range map[string]int{"type=email_sent": 12, "person_id=1001": 9, "person_id=1001&type=call_received": 5, "state=pending": 25,
		"state=pending&destination=salesforce": 0, "state=skipped&type=call_received": 13, "state=failed": 0, "since=2026-05-04T09:30:00Z": 25, "since=2026-05-04T09:30:01Z": 0} {
		require.Len(t, b.get("/activities?" + query)["items"], n, query)
	}
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE people SET archived_at = now(), archive_reason = 'merged', merged_into = id + 1 WHERE id IN (1001, 1002)`)
	require.NoError(t, err)
	for person, n := range map[string]int{"1003": 25, "1002": 17, "1001": 9} {
		require.Len(t, b.get("/activities?person_id=" + person)["items"], n, "with those who were merged into %s", person)
	}
	for _, query := range []string{"type=x", "state=x", "destination=x", "since=x", "cursor=x", "kind=email_sent"} {
		b.refuse(http.StatusBadRequest, http.MethodGet, "/activities?"+query, "")
	}
}
