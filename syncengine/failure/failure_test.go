package failure_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
)

// documented has every code that Marketo documents, by what it asks for
// (Marketo REST: error codes).
var documented = map[failure.Class]string{
	failure.Authentication: "600 601 602",
	failure.Access: "603 605 609 610 612 613 701 704 709 710 711 712 714 718 1000 1001 1002 1003 1004 1005 1006 1007 1008 1009 1010 1011 1012 1013 1014 " +
		"1017 1021 1022 1025 1036 1042 1048 1049 1076 1077 1078 1079 1080",
	failure.Intermittent: "500 502 604 608 611 614 713 719",
	failure.Limit:        "606 607 615 1016 1019 1020 1029",
	failure.Setup:        "616 703 1018 1026 1027 1028 1035",
	failure.Other:        "702 1015 1037",
}

func TestEveryDocumentedCodeHasItsMeaning(t *testing.T) {
	t.Parallel()
	for class, codes := range documented {
		for code := range strings.FieldsSeq(codes) {
			what := failure.Classify(fmt.Errorf("read people: %w", &marketo.Error{Operation: "leads by filter", Kind: marketo.KindAPI, Code: code, Message: "In Marketo's words."}))
			require.Equal(t, class, what.Class, code)
			require.Equal(t, code, what.Code)
			require.Contains(t, what.Text, "In Marketo's words", code)
			require.NotContains(t, what.Text, "does not list", code)
			require.NotEmpty(t, what.Remedy, code)
		}
	}
}

func TestUnknownCodes(t *testing.T) {
	t.Parallel()
	require.Equal(t, failure.Intermittent, failure.Classify(&marketo.Error{Kind: marketo.KindAPI, Code: "699"}).Class)
	require.Equal(t, failure.Access, failure.Classify(&marketo.Error{Kind: marketo.KindAPI, Code: "1999"}).Class)
}

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
