package failure_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
)

func TestBulkQueue(t *testing.T) {
	t.Parallel()
	classify := func(words string) failure.Failure {
		return failure.Classify(&marketo.Error{Operation: "enqueue export", Kind: marketo.KindAPI, Code: "1029", Message: words})
	}
	require.True(t, classify("Too many jobs (10) in queue").QueueFull)
	require.True(t, classify("Export daily quota 500MB exceeded").NoBulk)
	require.True(t, classify("Export e is already queued").AlreadyQueued)
	for _, code := range []string{"703", "616", "1035"} {
		require.True(t, failure.Classify(&marketo.Error{Operation: "create export", Kind: marketo.KindAPI, Code: code}).NoBulk, code)
	}
}

func TestWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	spent := &budget.SpentError{System: "marketo", Ours: true, Until: time.Now().Add(time.Hour)}
	cases := map[string]struct {
		err    error
		class  failure.Class
		passes bool
	}{
		"a_gateway's_page":          {&marketo.Error{Kind: marketo.KindBadAnswer}, failure.Intermittent, true},
		"a_broken_connection":       {&marketo.Error{Kind: marketo.KindTransport, Err: io.ErrUnexpectedEOF}, failure.Intermittent, true},
		"a_file_not_there_yet":      {&marketo.Error{Kind: marketo.KindNotFound}, failure.Intermittent, true},
		"bad_credentials":           {&marketo.Error{Kind: marketo.KindAuth}, failure.Authentication, false},
		"a_spent_budget":            {&marketo.Error{Kind: marketo.KindTransport, Err: spent}, failure.Limit, false},
		"an_interrupted_call":       {&marketo.Error{Kind: marketo.KindTransport, Err: context.Canceled}, failure.Intermittent, true},
		"something_else_altogether": {errors.New("surprise"), failure.Other, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			what := failure.Classify(fmt.Errorf("work: %w", c.err))
			require.Equal(t, c.class, what.Class)
			require.Equal(t, c.passes, what.Passing())
			require.NotEmpty(t, what.Text)
			require.NotEmpty(t, what.Remedy)
		})
	}
	require.Equal(t, spent.Until, failure.Classify(spent).Until)
	require.Equal(t, failure.Failure{}, failure.Classify(nil))
}

func TestSignals(t *testing.T) {
	t.Parallel()
	for code, signal := range map[string]budget.Signal{"606": budget.RateLimited, "615": budget.Crowded, "607": budget.QuotaSpent,
		"608": budget.Down, "611": budget.Broken, "1003": budget.Unclear} {
		require.Equal(t, signal, failure.Signal(&marketo.Error{Kind: marketo.KindAPI, Code: code}), code)
	}
	require.Equal(t, budget.Healthy, failure.Signal(nil))
	require.Equal(t, budget.Unclear, failure.Signal(&marketo.Error{Kind: marketo.KindTransport, Err: context.Canceled}))
}
