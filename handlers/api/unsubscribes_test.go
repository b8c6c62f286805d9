package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnUnsubscribeIsRecordedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	status, first := b.call(http.MethodPost, "/unsubscribes", `{"email":"ADA@acme.example","source":"preference center","reason":"Too many"}`)
	require.Equal(t, http.StatusCreated, status, first)
	require.Equal(t, []any{"1001", "ADA@acme.example", "preference center", "Too many", "token:Dialer", nil},
		[]any{first["person_id"], first["email"], first["source"], first["reason"], first["by"], first["cleared_at"]})
	require.Equal(t, "pending", first["sync"].(map[string]any)["state"], "Salesforce is to be told")

	status, again := b.call(http.MethodPost, "/unsubscribes", `{"person_id":1001}`)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, first["id"], again["id"])
	require.Equal(t, 1, b.count(`SELECT count(*) FROM unsubscribes`))
}

func TestAnAddressThatSeveralShareUnsubscribesAllOfThem(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	status, _ := b.call(http.MethodPost, "/unsubscribes", `{"email":"shared@acme.example"}`)
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, 2, b.count(`SELECT count(DISTINCT person_id) FROM unsubscribes WHERE person_id IN (1002, 1003)`))
}

func TestWhoeverIsNotHereYetIsRemembered(t *testing.T) {
	t.Parallel()
	b := setup(t, false)
	status, stranger := b.call(http.MethodPost, "/unsubscribes", `{"email":"stranger@acme.example"}`)
	require.Equal(t, http.StatusCreated, status)
	require.Nil(t, stranger["person_id"])
	require.Equal(t, "api", stranger["source"])
}

func TestUnsubscribesAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	for _, body := range []string{`{"person_id":1001,"source":"rep"}`, `{"person_id":1002}`, `{"person_id":1003,"source":"bounce"}`} {
		b.call(http.MethodPost, "/unsubscribes", body)
	}
	b.exec(`UPDATE unsubscribes SET cleared_at = now(), cleared_by = 'test' WHERE person_id = 1002`)
	people := func(query string) (people []string) {
		for target := "/unsubscribes?limit=1" + query; ; {
			page := b.get(target)
			for _, item := range page["items"].([]any) {
				people = append(people, item.(map[string]any)["person_id"].(string))
			}
			if page["next_cursor"] == nil {
				return people
			}
			target = "/unsubscribes?limit=1" + query + "&cursor=" + page["next_cursor"].(string)
		}
	}
	for query, want := range map[string][]string{
		"":                            {"1003", "1001"},
		"&cleared=true":               {"1003", "1002", "1001"},
		"&source=rep":                 {"1001"},
		"&person_id=1003":             {"1003"},
		"&since=2120-01-01T00:00:00Z": nil,
		"&unknown_in_salesforce=true": {"1003", "1001"},
	} {
		require.Equal(t, want, people(query), query)
	}
	for query, pointer := range map[string]string{"?cursor=x": "?cursor", "?since=x": "?since", "?person_id=x": "?person_id", "?cleared=x": "?cleared", "?email=x": "?email"} {
		require.Equal(t, pointer, b.refuse(http.StatusBadRequest, http.MethodGet, "/unsubscribes"+query, "").Errors[0].Pointer, query)
	}
}

func TestUnsubscribesThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	for body, pointer := range map[string]string{
		`{}`:                              "#/person_id",
		`{"email":"nobody"}`:              "#/email",
		`{"person_id":"x"}`:               "#/person_id",
		`{"marketo_id":0}`:                "#/marketo_id",
		`{"person_id":1001,"source":" "}`: "#/source",
		`{"person_id":1001,"source":"salesforce"}`:                        "#/source",
		`{"person_id":1001,"reason":"` + strings.Repeat("r", 2001) + `"}`: "#/reason",
		`{"person_id":1001,"why":"x"}`:                                    "#/why",
	} {
		p := b.refuse(http.StatusBadRequest, http.MethodPost, "/unsubscribes", body)
		require.Equal(t, pointer, p.Errors[0].Pointer, body)
	}
	require.Zero(t, b.count(`SELECT count(*) FROM unsubscribes`))
}

func TestComparingOfUnsubscribesNeedsSalesforce(t *testing.T) {
	t.Parallel()
	b := setup(t, false)
	p := b.refuse(http.StatusConflict, http.MethodPost, "/unsubscribes/sync", "")
	require.Contains(t, p.Detail, "Salesforce")
}
