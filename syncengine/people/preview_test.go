package people

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/marketo"
)

// preview is the count that Settings shows.
func (b *bundle) preview() Preview {
	b.t.Helper()
	var p Preview
	for _, line := range b.lines(`SELECT preview::text FROM people_sync`) {
		require.NoError(b.t, json.Unmarshal([]byte(line), &p))
	}
	return p
}

func TestCount(t *testing.T) {
	t.Parallel()
	// Of every ten people, the one whose id ends in 0 has no owner.
	nineOfTen := func(top int64) *instance {
		in := newInstance(ids(1, top)...)
		for id := int64(10); id <= top; id += 10 {
			in.leads[id] = nil
		}
		return in
	}
	sampled := nineOfTen(24_000)
	listed := func(status marketo.ExportStatus) *instance {
		in := newInstance()
		in.files = []bulkFile{{status: status, content: "id\n1\n2\n3\n"}}
		return in
	}
	refused := newInstance(1)
	refused.refuse = func(operation string) (string, string) {
		if operation == "token" {
			return "603", "Access denied"
		}
		return "", ""
	}
	list, db := Rule{Mode: ModeStaticList, ListID: 1}, newDB(t)
	for name, c := range map[string]struct {
		in   *instance
		rule Rule
		want Preview
	}{
		"few_people_are_counted": {nineOfTen(1000), Rule{}, Preview{State: "done", Qualified: 900, Read: 1000, Total: 1000, Exact: true,
			How: "counted by reading all 1000 people"}},
		"nobody": {newInstance(), Rule{}, Preview{State: "done", Exact: true, How: "counted by reading all 0 people"}},
		"as_many_as_a_sample_holds": {nineOfTen(previewBatches * 300), Rule{}, Preview{State: "done", Qualified: 10_800, Read: 12_000, Total: 12_000, Exact: true,
			How: "counted by reading all 12000 people"}},
		"many_are_estimated": {sampled, Rule{}, Preview{State: "done", Qualified: 21_600, Read: 12_000, Total: 24_000,
			How: "estimated from a sample of 12000 people"}},
		"the_rule_counts": {nineOfTen(1000), Rule{Mode: ModeCRMLinked}, Preview{State: "done", Read: 1000, Total: 1000, Exact: true,
			How: "counted by reading all 1000 people"}},
		"a_list_is_counted_by_a_bulk_job": {listed(marketo.ExportCompleted), list, Preview{State: "done", Qualified: 3, Read: 3, Total: 3, Exact: true,
			How: "counted by Marketo's own extract of the list"}},
		"a_list's_job_fails": {listed(marketo.ExportFailed), list, Preview{State: "failed",
			Error: "the list's bulk job ended as Failed"}},
		"access_is_denied": {refused, Rule{}, Preview{State: "failed",
			Error: "Marketo denies access"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, clean(t, db), c.in, c.rule, clockwork.NewRealClock(), Config{})
			require.NoError(t, b.Count(t.Context()))
			got := b.preview()
			require.Empty(t, cmp.Diff(c.want, got, cmpopts.IgnoreFields(Preview{}, "CountedAt", "Error")))
			require.Contains(t, got.Error, c.want.Error)
			require.Equal(t, c.want.Error == "", got.Error == "")
			require.WithinDuration(t, time.Now(), got.CountedAt, time.Hour)
		})
	}
}
