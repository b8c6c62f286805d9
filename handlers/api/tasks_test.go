package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// newTask creates a task and returns it as it was answered.
func (b *bundle) newTask(body string) map[string]any {
	b.t.Helper()
	status, task := b.call(http.MethodPost, "/tasks", body)
	require.Equal(b.t, http.StatusCreated, status, task)
	return task
}

func TestATaskIsCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	task := b.newTask(`{"kind":"call","name":" Call  Ada ","priority":"high","due_on":"2026-12-01","details":"About the pilot","rep":"Rep@Example.com","salesforce_id":"003000000000001"}`)
	require.Equal(t, []any{"call", "Call Ada", "open", "high", "2026-12-01", "About the pilot", "rep@example.com", "1001", "here", nil, nil}, []any{
		task["kind"], task["name"], task["status"], task["priority"], task["due_on"], task["details"], task["rep"], task["person_id"], task["origin"], task["sync"], task["salesforce_id"]})
	path := "/tasks/" + task["id"].(string)
	require.Equal(t, task, b.get(path))

	t.Run("absent members stay, null empties", func(t *testing.T) {
		status, changed := b.call(http.MethodPatch, path, `{"status":"complete","due_on":null}`, "Content-Type", "application/merge-patch+json")
		require.Equal(t, http.StatusOK, status, changed)
		require.Equal(t, []any{"complete", nil, "Call Ada", "About the pilot"}, []any{changed["status"], changed["due_on"], changed["name"], changed["details"]})
		require.NotNil(t, changed["completed_at"])
		_, changed = b.call(http.MethodPatch, path, `{"status":"open","details":null,"rep":null,"kind":"email","priority":"normal"}`)
		require.Equal(t, []any{"open", nil, nil, nil, "email", "normal"}, []any{
			changed["status"], changed["completed_at"], changed["details"], changed["rep"], changed["kind"], changed["priority"]})
		_, same := b.call(http.MethodPatch, path, `{}`)
		require.Equal(t, changed, same)
	})

	t.Run("a deleted task is not there", func(t *testing.T) {
		status, _ := b.call(http.MethodDelete, path, "")
		require.Equal(t, http.StatusNoContent, status)
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			b.refuse(http.StatusNotFound, method, path, "")
		}
		b.refuse(http.StatusNotFound, http.MethodPatch, path, `{"name":"x"}`)
		require.Empty(t, b.get("/tasks")["items"])
	})
	require.Equal(t, 2, b.count(`SELECT count(*) FROM task_history WHERE actor = 'token:Dialer' AND event IN ('created', 'deleted')`), "its history stays")
}

func TestTaskOfNobodyIsRefusedWhereTheFaultStands(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	for body, pointer := range map[string]string{
		`{"name":"x"}`:                                              "#/kind",
		`{"kind":"call"}`:                                           "#/name",
		`{"kind":"call","name":" "}`:                                "#/name",
		`{"kind":"fax","name":"x"}`:                                 "#/kind",
		`{"kind":"call","name":7}`:                                  "#/name",
		`{"kind":"call","name":null}`:                               "#/name",
		`{"kind":"call","name":"x","status":"done"}`:                "#/status",
		`{"kind":"call","name":"x","priority":"low"}`:               "#/priority",
		`{"kind":"call","name":"x","due_on":"tomorrow"}`:            "#/due_on",
		`{"kind":"call","name":"x","due_on":"2026-02-30"}`:          "#/due_on",
		`{"kind":"call","name":"x","rep":"nobody"}`:                 "#/rep",
		`{"kind":"call","name":"x","person_id":"7"}`:                "#/person_id",
		`{"kind":"call","name":"x","person_id":"seven"}`:            "#/person_id",
		`{"kind":"call","name":"x","salesforce_id":"003"}`:          "#/salesforce_id",
		`{"kind":"call","name":"x","email":"no\u0000"}`:             "#/email",
		`{"kind":"call","name":"x","subject":"y"}`:                  "#/subject",
		`{"kind":"call","name":"x","details":"a\u0000b"}`:           "#/details",
		`{"kind":"call","name":"` + strings.Repeat("n", 256) + `"}`: "#/name",
	} {
		p := b.refuse(http.StatusBadRequest, http.MethodPost, "/tasks", body)
		require.Equal(t, pointer, p.Errors[0].Pointer, body)
	}
	require.Zero(t, b.count(`SELECT count(*) FROM tasks`))
	for _, id := range []string{"7", uuid.NewString()} {
		p := b.refuse(http.StatusNotFound, http.MethodGet, "/tasks/"+id, "")
		require.Equal(t, "There is no task with this id.", p.Detail)
	}
}

func TestTasksAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()
	for i, task := range []string{
		`{"kind":"call","name":"0","due_on":"2026-12-01","rep":"rep@example.com","person_id":1001}`,
		`{"kind":"email","name":"1","status":"complete","rep":"rep@example.com"}`,
		`{"kind":"custom","name":"2","due_on":"2026-12-02"}`,
	} {
		require.Equal(t, fmt.Sprint(i), b.newTask(task)["name"])
	}
	names := func(query string) (names []string) {
		for target := "/tasks?limit=1" + query; ; {
			page := b.get(target)
			for _, item := range page["items"].([]any) {
				names = append(names, item.(map[string]any)["name"].(string))
			}
			if page["next_cursor"] == nil {
				return names
			}
			target = "/tasks?limit=1" + query + "&cursor=" + page["next_cursor"].(string)
		}
	}
	for query, want := range map[string][]string{
		"":                                    {"0", "1", "2"},
		"&status=open":                        {"0", "2"},
		"&status=complete":                    {"1"},
		"&kind=custom":                        {"2"},
		"&rep=REP@example.com":                {"0", "1"},
		"&person_id=1001":                     {"0"},
		"&due_before=2026-12-02":              {"0"},
		"&updated_since=2020-01-01T00:00:00Z": {"0", "1", "2"},
		"&updated_since=2120-01-01T00:00:00Z": nil,
	} {
		require.ElementsMatch(t, want, names(query), query)
	}
	for query, pointer := range map[string]string{"?status=done": "?status", "?kind=fax": "?kind", "?person_id=x": "?person_id",
		"?due_before=soon": "?due_before", "?updated_since=2026-12-01": "?updated_since", "?cursor=made-up": "?cursor", "?state=open": "?state"} {
		require.Equal(t, pointer, b.refuse(http.StatusBadRequest, http.MethodGet, "/tasks"+query, "").Errors[0].Pointer, query)
	}
}
