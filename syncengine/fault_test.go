package syncengine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/sandbox/fault"
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

func TestAMarketoThatMisbehaves(t *testing.T) {
	t.Parallel()

	// How likely each is. A token that expires again before it is used is refused
	// twice, which counts as wrong credentials.
	kinds := map[fault.Kind]float64{fault.DropBefore: 0.03, fault.DropAfter: 0.03, fault.HTML: 0.03, fault.Truncate: 0.03,
		fault.WrongType: 0.03, fault.SuccessWithErrors: 0.03, fault.ExpireToken: 0.002, fault.Latency: 0.05}
	for kind, probability := range kinds {
		t.Run("the_workspace_is_right_all_the_same_"+string(kind), func(t *testing.T) {
			t.Parallel()
			b := enginetest.Setup(t, enginetest.CrowdConfig(), enginetest.EngineConfig())
			b.Sandbox.Fault(fault.Rule{Path: "v1", Kind: kind, Probability: probability, Delay: 50 * time.Millisecond})
			b.Copied()
			require.NoError(t, b.Sandbox.Change(ada, map[string]string{"title": "In spite of it all"}))
			require.NoError(t, b.Sandbox.Delete(zoe))
			equal(b)
			b.Innocent()
		})
	}

	t.Run("errors_that_pass_are_tried_again", func(t *testing.T) {
		t.Parallel()
		b := enginetest.Setup(t, enginetest.CrowdConfig(), enginetest.EngineConfig())
		for _, code := range []string{"604", "611", "713", "719", "502"} {
			b.Sandbox.Fault(fault.Rule{Path: "v1", Kind: fault.Code, Code: code, Probability: 0.01})
		}
		b.Copied()
		equal(b)
		b.Innocent()
	})

	for _, kind := range []fault.Kind{fault.CutFile, fault.CorruptFile} {
		t.Run("a_bulk_file_that_is_not_whole_is_read_again_"+string(kind), func(t *testing.T) {
			t.Parallel()
			b := enginetest.Setup(t, enginetest.CrowdConfig(), enginetest.EngineConfig())
			b.Sandbox.Fault(fault.Rule{Path: "file.json", Kind: kind, Count: 5})
			b.Copied()
			require.Empty(t, differenceOf(b))
			b.Innocent()
		})
	}
}

func TestTroubleIsShownAndHeals(t *testing.T) {
	t.Parallel()

	t.Run("a_permission_that_lacks_stops_the_sync_and_says_which", func(t *testing.T) {
		t.Parallel()
		b := enginetest.Setup(t, enginetest.CrowdConfig(), enginetest.EngineConfig())
		b.Sandbox.Fault(fault.Rule{Path: "export", Kind: fault.Code, Code: "603", Message: "Access denied"})
		require.NoError(t, b.Engine.StartSync(t.Context(), "test"))
		st := b.Until("the trouble", func(st syncengine.Status) bool { return st.State == syncengine.StateFailed })
		require.Equal(t, "603", st.Trouble.Code)
		require.Contains(t, st.Trouble.Remedy, "Read-Only Lead")
		b.Sandbox.ClearFaults()
		if err := b.Engine.ResumeSync(t.Context(), "test"); !errors.Is(err, syncengine.ErrNotPaused) { // it may have tried again by itself
			require.NoError(t, err)
		}
		equal(b)
	})

	t.Run("a_spent_quota_waits_and_says_until_when", func(t *testing.T) {
		t.Parallel()
		b := enginetest.Setup(t, enginetest.CrowdConfig(), enginetest.EngineConfig())
		b.Sandbox.SpendQuota()
		require.NoError(t, b.Engine.StartSync(t.Context(), "test"))
		st := b.Until("the trouble", func(st syncengine.Status) bool { return st.Trouble != nil })
		require.Equal(t, "limit", st.Trouble.Class)
		require.NotNil(t, st.Trouble.RetryAt)
		require.Equal(t, syncengine.StateCopying, st.State, "it goes on by itself")
		b.Sandbox.RefillQuota()
		require.NoError(t, b.Engine.ResumeSync(t.Context(), "test"))
		equal(b)
	})

	t.Run("wrong_credentials_stop_the_sync_until_they_are_mended", func(t *testing.T) {
		t.Parallel()
		b := enginetest.Setup(t, enginetest.CrowdConfig(), enginetest.EngineConfig())
		b.Copied()
		require.NoError(t, b.Engine.SaveMarketo(t.Context(), b.Server.URL, "sandbox-client", "wrong", "test"))
		st := b.Until("the trouble", func(st syncengine.Status) bool { return st.State == syncengine.StateFailed })
		require.Equal(t, "authentication", st.Trouble.Class)
		require.NoError(t, b.Sandbox.Change(ada, map[string]string{"title": "Changed meanwhile"}))
		require.NoError(t, b.Engine.SaveMarketo(t.Context(), b.Server.URL, "sandbox-client", "sandbox-secret", "test"))
		equal(b)
	})

	t.Run("a_pause_stops_at_a_checkpoint_and_resuming_goes_on", func(t *testing.T) {
		t.Parallel()
		config := enginetest.CrowdConfig()
		config.BulkDelay = 100 * time.Millisecond
		b := enginetest.Setup(t, config, enginetest.EngineConfig())
		require.NoError(t, b.Engine.StartSync(t.Context(), "test"))
		b.Until("the first people", func(st syncengine.Status) bool { return st.People > 0 })
		require.NoError(t, b.Engine.PauseSync(t.Context(), "test"))
		st := b.Until("the pause", func(st syncengine.Status) bool { return st.State == syncengine.StatePaused })
		require.Equal(t, "test", st.PausedBy)
		require.ErrorIs(t, b.Engine.PauseSync(t.Context(), "test"), syncengine.ErrNotRunning)
		require.NoError(t, b.Engine.ResumeSync(t.Context(), "test"))
		equal(b)
		b.Innocent()
	})
}

func TestReconciliation(t *testing.T) {
	t.Parallel()
	b := enginetest.Setup(t, enginetest.CrowdConfig(), enginetest.EngineConfig())
	require.ErrorIs(t, b.Engine.StartReconcile(t.Context(), "test"), syncengine.ErrNeverCopied)
	b.Copied()
	reconcile := func() *syncengine.Report {
		require.NoError(t, b.Engine.StartReconcile(t.Context(), "test"))
		b.Until("the reconciliation", func(st syncengine.Status) bool { return st.Reconcile == nil })
		report, err := b.Engine.Report(t.Context())
		require.NoError(t, err)
		return report
	}

	t.Run("equal_worlds_have_equal_counts_and_checksums", func(t *testing.T) {
		report := reconcile()
		require.True(t, report.Equal, "%+v", report.Differences)
		require.Equal(t, int64(len(marketoOf(b))), report.MarketoCount)
		for _, slice := range report.Slices {
			require.True(t, slice.Equal(), slice.Label)
		}
	})

	t.Run("each_difference_is_listed_and_healed", func(t *testing.T) {
		_, err := b.DB.Pool.Exec(t.Context(), `UPDATE people SET company = 'Tampered' WHERE id = $1`, ada)
		require.NoError(t, err)
		_, err = b.DB.Pool.Exec(t.Context(), `WITH gone AS (DELETE FROM people WHERE id = $1) UPDATE people_totals SET live = live - 1`, zoe)
		require.NoError(t, err)
		_, err = b.DB.Pool.Exec(t.Context(), `WITH one AS (INSERT INTO people (id, name_key, company_key, title_key, email_key, source_key, search, read_at, created_run_id, owner_id)
			VALUES (999999999, '', '', '', '', '', '', now() - interval '1 day', 1, 'x')) UPDATE people_totals SET live = live + 1`)
		require.NoError(t, err)
		report := reconcile()
		kinds := map[int64]string{}
		for _, d := range report.Differences {
			kinds[d.PersonID] = d.Kind
			require.True(t, d.Healed)
		}
		require.Equal(t, map[int64]string{ada: "differs", zoe: "missing", 999999999: "extra"}, kinds)
		equal(b)
	})
}
