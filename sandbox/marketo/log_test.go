package marketo

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	changes = "/rest/v1/activities/leadchanges.json"
	deleted = "/rest/v1/activities/deletedleads.json"
	any10   = "/rest/v1/activities.json"
)

// since is the paging token of a time.
func (b *bundle) since(at time.Time) string {
	b.t.Helper()
	return b.succeeded(b.get("/rest/v1/activities/pagingtoken.json", "sinceDatetime", at.UTC().Format(time.RFC3339))).NextPageToken
}

// drain reads a stream to its end, and returns its items and the place to resume at.
func (b *bundle) drain(token, path string, params ...string) ([]map[string]any, string) {
	b.t.Helper()
	items := []map[string]any{}
	for {
		got := b.succeeded(b.get(path, append(params, "nextPageToken", token)...))
		items = append(items, got.Result...)
		require.NotEmpty(b.t, got.NextPageToken)
		if token = got.NextPageToken; !got.MoreResult {
			return items, token
		}
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	prompt := Config{CommitLag: -1, QuotaOff: true}
	t.Run("a change is told once to who resumes", func(t *testing.T) {
		t.Parallel()
		b := setup(t, prompt)
		token := b.since(b.clock.Now())
		require.NoError(t, b.Change(1001, map[string]string{"title": "First", "phone": "1"}))
		require.NoError(t, b.Change(1001, map[string]string{"title": "Second"})) // in the same second
		items, token := b.drain(token, changes, "fields", "title")
		require.Len(t, items, 2)
		require.EqualValues(t, 1001, items[0]["leadId"])
		require.EqualValues(t, 13, items[0]["activityTypeId"])
		require.Len(t, items[0]["fields"], 1, "only the fields asked for")
		require.NotEmpty(t, items[0]["marketoGUID"])
		items, token = b.drain(token, changes, "fields", "title")
		require.Empty(t, items)
		b.clock.Advance(time.Second)
		require.NoError(t, b.Change(1002, map[string]string{"title": "Third"}))
		items, _ = b.drain(token, changes, "fields", "title")
		require.Len(t, items, 1)
	})
	t.Run("changes of other fields leave empty pages before the end", func(t *testing.T) {
		t.Parallel()
		b := setup(t, prompt)
		b.clock.Advance(time.Second)
		token := b.since(b.clock.Now())
		for i := range examined + 10 {
			require.NoError(t, b.Change(1001, map[string]string{"phone": fmt.Sprint(i)}))
		}
		require.NoError(t, b.Change(1001, map[string]string{"title": "Last"}))
		first := b.succeeded(b.get(changes, "fields", "title", "nextPageToken", token))
		require.Empty(t, first.Result)
		require.True(t, first.MoreResult)
		items, _ := b.drain(token, changes, "fields", "title")
		require.Len(t, items, 1)
	})
	t.Run("late rows are dated before rows that were told already", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{CommitLag: 2 * time.Minute, QuotaOff: true, Seed: 4})
		start := b.clock.Now()
		token := b.since(start)
		for i := range 100 {
			require.NoError(t, b.Change(1001, map[string]string{"title": fmt.Sprint(i)}))
			b.clock.Advance(time.Second)
		}
		early, resume := b.drain(token, changes, "fields", "title")
		require.Less(t, len(early), 100)
		b.clock.Advance(2 * time.Minute)
		late, _ := b.drain(resume, changes, "fields", "title")
		require.Less(t, len(early)+len(late), 100, "stepping by date alone loses rows")
		all, _ := b.drain(token, changes, "fields", "title")
		require.Len(t, all, 100, "reading again from earlier finds them")
	})
	t.Run("a merge is told on the winner, and a deletion by its own call", func(t *testing.T) {
		t.Parallel()
		b := setup(t, prompt)
		token := b.since(b.clock.Now())
		require.NoError(t, b.Merge(1001, 1006))
		require.NoError(t, b.Delete(1002))
		items, _ := b.drain(token, any10, "activityTypeIds", "32")
		require.Len(t, items, 1)
		require.EqualValues(t, 1001, items[0]["leadId"])
		require.Contains(t, fmt.Sprint(items[0]["attributes"]), "1006")
		items, _ = b.drain(token, deleted)
		require.Len(t, items, 1)
		require.EqualValues(t, 1002, items[0]["leadId"])
		require.Empty(t, b.succeeded(b.get(leads, "filterType", "id", "filterValues", "1002,1006")).Result)
		require.Error(t, b.Merge(1001, 1001))
	})
	t.Run("deletions are told for 14 days and changes for 90", func(t *testing.T) {
		t.Parallel()
		b := setup(t, prompt)
		token := b.since(b.clock.Now())
		require.NoError(t, b.Delete(1002))
		require.NoError(t, b.Change(1001, map[string]string{"title": "Old"}))
		b.clock.Advance(15 * 24 * time.Hour)
		b.login()
		gone, _ := b.drain(token, deleted)
		require.Empty(t, gone)
		kept, _ := b.drain(token, changes, "fields", "title")
		require.Len(t, kept, 1)
		b.clock.Advance(76 * 24 * time.Hour)
		b.login()
		kept, _ = b.drain(token, changes, "fields", "title")
		require.Empty(t, kept)
	})
	t.Run("tokens can be refused, and too much asked", func(t *testing.T) {
		t.Parallel()
		b := setup(t, prompt)
		token := b.since(b.clock.Now())
		b.RefuseTokens()
		b.refused(b.get(changes, "fields", "title", "nextPageToken", token), "1003")
		token = b.since(b.clock.Now())
		b.refused(b.get(changes, "nextPageToken", token), "1002")
		b.refused(b.get(changes, "fields", "title", "leadIds", many(31), "nextPageToken", token), "1003")
		b.refused(b.get(any10, "activityTypeIds", many(11), "nextPageToken", token), "1003")
		b.refused(b.get("/rest/v1/activities/pagingtoken.json", "sinceDatetime", "yesterday"), "704")
	})
}
