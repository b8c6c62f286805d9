package api

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestTextThatTheDatabaseCannotHoldSpoilsOnlyItsOwnActivity(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	results := b.record(
		activity("good", "call_received", `"person_id":"1001"`),
		activity("address", "call_received", `"email":"a\u0000@acme.example"`),
		activity("record", "call_received", `"salesforce_id":"003\u0000"`),
		activity("email", "email_opened", `"person_id":"1001","email_key":"\u0000"`),
		activity("rep", "call_received", `"person_id":"1001","rep":"\u0000@acme.example"`),
		`{"key":"\u0000","type":"call_received","occurred_at":"2026-05-04T09:30:00Z","person_id":"1001"}`,
		activity("half", "call_received", `"person_id":"1001","subject":"a\ud800b"`),
	)
	var pointers []any
	for _, r := range results {
		if wrong, is := r["error"].(map[string]any); is {
			pointers = append(pointers, wrong["pointer"])
		}
	}
	require.Equal(t, []any{"#/activities/1/email", "#/activities/2/salesforce_id", "#/activities/3/email_key", "#/activities/4/rep", "#/activities/5/key"}, pointers)
	require.Equal(t, "created", results[0]["status"])
	require.Equal(t, "a\uFFFDb", b.get("/activities/" + results[6]["id"].(string))["subject"], "half a character is replaced, as JSON decoders do")
}

func TestBatchesWithTheSameKeysDoNotBlockEachOther(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	var batch []string
	for i := range 1000 {
		batch = append(batch, activity(fmt.Sprint("k", i), "email_sent", `"person_id":"1001"`))
	}
	backwards := slices.Clone(batch)
	slices.Reverse(backwards)
	created, ids := 0, map[any]any{}
	for _, r := range b.together(batch, backwards, batch, backwards, batch, backwards) {
		if r["status"] == "created" {
			created++
		}
		if first, known := ids[r["key"]]; known {
			require.Equal(t, first, r["id"])
		}
		ids[r["key"]] = r["id"]
	}
	require.Equal(t, 1000, created)
	require.Equal(t, 1000, b.count(`SELECT count(*) FROM activities`))
	require.Equal(t, 2000, b.count(`SELECT count(*) FROM deliveries`))
}

func TestAKeyBelongsToItsToken(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	b.exec(`INSERT INTO api_tokens (name, scope, token_hash, hint, created_by) VALUES ('Mailer', 'record', '\x02', '', 'test')`)
	b.exec(`INSERT INTO activities (id, token_id, key, kind, occurred_at, person_id)
		SELECT gen_random_uuid(), id, 'k', 'email_sent', now(), 1001 FROM api_tokens WHERE name = 'Mailer'`)
	require.Equal(t, "created", b.record(activity("k", "email_opened", `"person_id":"1001","email_key":"k"`))[0]["status"])
	for _, item := range b.get("/activities?type=email_opened")["items"].([]any) {
		require.Nil(t, item.(map[string]any)["email_activity_id"], "an email_key means the token's own keys")
	}
	require.Len(t, b.get("/activities")["items"], 2, "a token reads what all recorded")
}

func TestAFullBatchIsTakenAndALargerBodyIsNot(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	var batch []string
	for i := range 1000 {
		batch = append(batch, activity(fmt.Sprint(i), "email_sent", `"marketo_id":1001,"body_preview":"`+strings.Repeat("x", 6000)+`"`))
	}
	for _, r := range b.record(batch...) {
		require.Equal(t, "created", r["status"])
	}
	require.Equal(t, 1000, b.count(`SELECT count(*) FROM activities WHERE length(attributes->>'body_preview') = 6000`))
	p := b.refuse(http.StatusRequestEntityTooLarge, http.MethodPost, "/activities", `{"activities":["`+strings.Repeat("x", maxBatch)+`"]}`)
	require.Contains(t, p.Detail, "8388608 bytes")
}

func TestADeliveryTellsWhatWentWrong(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	id := b.record(activity("mail-4711", "email_sent", `"email":"ada@acme.example","rep":"rita@example.com","subject":"Quick question",
		"body_preview":"Hello Ada,\r\n","template_name":"Intro","campaign_name":"Q1 outreach","campaign_day":"3","campaign_step":"2"`))[0]["id"].(string)
	fail := func(state string) {
		b.exec(`UPDATE deliveries SET state = $2, attempts = 2, error_code = '1004', error_class = 'access', error_text = 'Marketo has no such person.',
			error_remedy = 'Record the activity for another person.' WHERE activity_id = $1 AND destination = 'marketo'`, id, state)
	}
	fail("failed")
	require.Len(t, b.get("/activities?state=failed")["items"], 1)
	golden(t, "activity.json", b.get("/activities/"+id))

	fail("delivered")
	delivery := b.get("/activities/" + id)["deliveries"].([]any)[0].(map[string]any)
	require.Nil(t, delivery["error"], "what was overcome is no error any more")
	require.EqualValues(t, 2, delivery["attempts"])
}

// golden holds an activity that was read against a file, where what differs each time
// has a fixed value.
func golden(t *testing.T, name string, read map[string]any) {
	t.Helper()
	raw, err := json.Marshal(read)
	require.NoError(t, err)
	var told Activity
	require.NoError(t, json.Unmarshal(raw, &told))
	told.ID, told.RecordedAt = "019dea5e-a540-7000-8000-000000000001", noon
	for i := range told.Deliveries {
		told.Deliveries[i].UpdatedAt = noon
	}
	raw, err = json.MarshalIndent(told, "", "  ")
	require.NoError(t, err)
	path := "testdata/" + name
	if *update {
		require.NoError(t, os.WriteFile(path, append(raw, '\n'), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(raw)+"\n")
}
