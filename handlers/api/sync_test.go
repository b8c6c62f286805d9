package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
)

func TestSync(t *testing.T) {
	t.Parallel()

	t.Run("a new workspace is idle", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, map[string]any{"state": "idle", "run": nil, "runs": []any{}, "lag_seconds": nil, "trouble": nil},
			setup(t, false).get("/sync"))
	})

	t.Run("without Marketo it does not start, and says what to do", func(t *testing.T) {
		t.Parallel()
		b := setup(t, false)
		p := b.refuse(http.StatusConflict, http.MethodPost, "/sync", `{"action":"start"}`)
		require.Contains(t, p.Detail, "Settings → Marketo")
		require.Equal(t, "idle", b.get("/sync")["state"])
	})

	t.Run("it starts, pauses and resumes, once each, and the audit log says who", func(t *testing.T) {
		t.Parallel()
		b := setup(t, true)
		for _, step := range []struct{ action, state, again string }{
			{"start", "copying", "The sync has been started already."},
			{"pause", "paused", "The sync is not running, so there is nothing to pause."},
			{"resume", "copying", "The sync is not paused, so there is nothing to resume."},
		} {
			status, now := b.call(http.MethodPost, "/sync", `{"action":"`+step.action+`"}`)
			require.Equal(t, http.StatusAccepted, status)
			require.Equal(t, step.state, now["state"])
			p := b.refuse(http.StatusConflict, http.MethodPost, "/sync", `{"action":"`+step.action+`"}`)
			require.Equal(t, step.again, p.Detail)
		}
		require.Equal(t, []string{"token:Dialer sync.resume", "token:Dialer sync.pause", "token:Dialer sync.start"}, b.actions())
		run := b.get("/sync")["run"].(map[string]any)
		require.Equal(t, "copy", run["kind"])
		require.Nil(t, run["total"])
	})

	t.Run("requests that make no sense are refused", func(t *testing.T) {
		t.Parallel()
		b := setup(t, true)
		for body, pointer := range map[string]string{
			`{}`:                             "#/action",
			`{"action":"stop"}`:              "#/action",
			`{"action":5}`:                   "#/action",
			`{"action":"start","people":10}`: "#/people",
			`{"action":"start"} {}`:          "#",
			`["start"]`:                      "#",
			`null`:                           "#",
			`action=start`:                   "#",
		} {
			p := b.refuse(http.StatusBadRequest, http.MethodPost, "/sync", body)
			require.Equal(t, pointer, p.Errors[0].Pointer, body)
		}
		b.refuse(http.StatusBadRequest, http.MethodPost, "/sync", "")
		b.refuse(http.StatusBadRequest, http.MethodGet, "/sync?verbose=1", "")
		b.refuse(http.StatusUnsupportedMediaType, http.MethodPost, "/sync", `{"action":"start"}`, "Content-Type", "text/plain")
		b.refuse(http.StatusRequestEntityTooLarge, http.MethodPost, "/sync", `{"action":"`+strings.Repeat("a", maxBody)+`"}`)
		require.Equal(t, "idle", b.get("/sync")["state"])
		require.Empty(t, b.actions())
	})

	t.Run("lag, trouble and runs are told as they are", func(t *testing.T) {
		t.Parallel()
		b := setup(t, true)
		b.exec(`INSERT INTO sync_runs (kind, started_by, finished_at, outcome, processed, total, api_calls)
			VALUES ('copy', 'cli', now(), 'done', 10, 10, 3)`)
		b.exec(`INSERT INTO sync_runs (kind, started_by) VALUES ('follow', 'system')`)
		b.exec(`UPDATE people_sync SET state = 'following', caught_up_at = now() - interval '90 seconds', failed = true,
			trouble_class = 'authentication', trouble_code = '601', trouble_text = 'refused', trouble_since = now()`)
		now := b.get("/sync")
		require.Equal(t, "failed", now["state"])
		require.InDelta(t, 90, now["lag_seconds"], 20)
		require.Nil(t, now["run"])
		require.Len(t, now["runs"], 2)
		first := now["runs"].([]any)[1].(map[string]any)
		require.Equal(t, "done", first["outcome"])
		require.EqualValues(t, 3, first["api_calls"])
		trouble := now["trouble"].(map[string]any)
		require.Equal(t, "601", trouble["code"])
		require.Equal(t, true, trouble["halted"])
	})
}

func TestNewSync(t *testing.T) {
	t.Parallel()
	total, eta, lag := int64(1000), 1500*time.Millisecond, 2340*time.Millisecond
	elsewhere := noon.In(time.FixedZone("CST", -6*60*60))
	running := &syncengine.Progress{
		RunID: 7, Kind: models.RunCopy, StartedAt: elsewhere, Processed: 400, Total: &total, RatePerSecond: 400.04, ETA: &eta, APICalls: 5,
	}
	reconciling := &syncengine.Progress{RunID: 8, Kind: models.RunReconcile, StartedAt: elsewhere}

	now := NewSync(syncengine.Status{State: syncengine.StateCopying, Copy: running, Reconcile: reconciling, Lag: &lag})
	seconds := int64(2)
	require.Equal(t, &Progress{
		ID: "7", Kind: "copy", StartedAt: noon, Processed: 400, Total: &total, RatePerSecond: 400, ETASeconds: &seconds, APICalls: 5,
	}, now.Run, "the copy is told before the reconciliation")
	require.InDelta(t, 2.3, *now.LagSeconds, 0.0001)

	require.Equal(t, "8", NewSync(syncengine.Status{Reconcile: reconciling}).Run.ID)
}
