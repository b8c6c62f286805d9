package marketo

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/sandbox/fault"
)

const (
	export  = "/bulk/v1/leads/export/"
	january = `{"createdAt":{"startAt":"2026-01-01T00:00:00Z","endAt":"2026-01-31T23:59:59Z"}}`
	owned   = `{"smartListId":1001}`
)

// create makes a job and returns its answer.
func (b *bundle) create(filter string, fields ...string) reply {
	b.t.Helper()
	body := fmt.Sprintf(`{"fields":["%s"],"format":"CSV","filter":%s}`, strings.Join(fields, `","`), filter)
	return b.call(http.MethodPost, export+"create.json", body, "Content-Type", "application/json")
}

// created is the id of a new job.
func (b *bundle) created(filter string, fields ...string) string {
	b.t.Helper()
	return b.succeeded(b.create(filter, fields...)).Result[0]["exportId"].(string)
}

func (b *bundle) enqueue(id string) reply {
	return b.call(http.MethodPost, export+id+"/enqueue.json", "")
}

func (b *bundle) status(id string) map[string]any {
	b.t.Helper()
	return b.succeeded(b.get(export + id + "/status.json")).Result[0]
}

// finish runs a job to its end and returns its last status. The clock passes the
// processing time; the file itself is written meanwhile.
func (b *bundle) finish(id string) map[string]any {
	b.t.Helper()
	b.succeeded(b.enqueue(id))
	b.Server.bulk.mu.Lock()
	done := b.Server.bulk.jobs[id].done
	b.Server.bulk.mu.Unlock()
	<-done
	b.clock.Advance(2 * time.Minute)
	return b.status(id)
}

func TestBulkFile(t *testing.T) {
	t.Parallel()
	t.Run("a file holds the people of its time, whole and proven", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{People: 1500, Seed: 3})
		id := b.created(owned, "id", "lastName", "title", "company")
		status := b.finish(id)
		require.Equal(t, "Completed", status["status"])
		file := b.get(export + id + "/file.json")
		require.Equal(t, http.StatusOK, file.status)
		sum := sha256.Sum256([]byte(file.body))
		require.Equal(t, "sha256:"+hex.EncodeToString(sum[:]), status["fileChecksum"])
		require.EqualValues(t, len(file.body), status["fileSize"])
		rows, err := csv.NewReader(strings.NewReader(strings.ReplaceAll(file.body, "\x00", ""))).ReadAll()
		require.NoError(t, err)
		require.Equal(t, []string{"id", "lastName", "title", "company"}, rows[0])
		require.EqualValues(t, len(rows)-1, status["numberOfRecords"])
		i := 1
		for p := range b.People() {
			if p.Fields["sfdcLeadOwnerId"] == "" {
				continue
			}
			for j, name := range rows[0] {
				value := strings.ReplaceAll(p.Fields[name], "\r\n", "\n") // as encoding/csv reads
				if value == "" {
					value = "null"
				}
				require.Equal(t, value, rows[i][j])
			}
			i++
		}
		require.Equal(t, len(rows), i)
	})
	t.Run("a range is a part of the file", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		id := b.created(owned, "id", "email")
		b.finish(id)
		whole := b.get(export + id + "/file.json").body
		part := b.call(http.MethodGet, export+id+"/file.json", "", "Range", "bytes=10-29")
		require.Equal(t, http.StatusPartialContent, part.status)
		require.Equal(t, whole[10:30], part.body)
		require.Equal(t, fmt.Sprintf("bytes 10-29/%d", len(whole)), part.header.Get("Content-Range"))
		rest := b.call(http.MethodGet, export+id+"/file.json", "", "Range", "bytes=30-")
		require.Equal(t, whole[30:], rest.body)
	})
	t.Run("a spoilt file fails its checksum only", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		id := b.created(owned, "id", "email")
		status := b.finish(id)
		b.Fault(fault.Rule{Path: "file.json", Kind: fault.CorruptFile, Count: 1})
		sum := sha256.Sum256([]byte(b.get(export + id + "/file.json").body))
		require.NotEqual(t, "sha256:"+hex.EncodeToString(sum[:]), status["fileChecksum"])
	})
}

func TestBulkJobs(t *testing.T) {
	t.Parallel()
	t.Run("a status is frozen for a minute, and asking sooner is a breach", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{BulkDelay: time.Second})
		id := b.created(owned, "id")
		require.Equal(t, "Processing", b.succeeded(b.enqueue(id)).Result[0]["status"])
		require.Equal(t, "Processing", b.status(id)["status"])
		b.clock.Advance(30 * time.Second)
		require.Equal(t, "Processing", b.status(id)["status"])
		require.Equal(t, 1, b.Violations()["status asked more often than it is refreshed"])
	})
	t.Run("what is not there is plain text with 404", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		id := b.created(owned, "id")
		for _, path := range []string{id, "unknown"} {
			r := b.get(export + path + "/file.json")
			require.Equal(t, http.StatusNotFound, r.status)
			require.Contains(t, r.header.Get("Content-Type"), "text/plain")
		}
		b.finish(id)
		b.clock.Advance(7 * 24 * time.Hour)
		b.login()
		require.Equal(t, http.StatusNotFound, b.get(export+id+"/file.json").status)
	})
	t.Run("two jobs run, ten wait, the next is refused", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		states := map[any]int{}
		for range 10 {
			states[b.succeeded(b.enqueue(b.created(owned, "id"))).Result[0]["status"]]++
		}
		require.Equal(t, map[any]int{"Processing": 2, "Queued": 8}, states)
		b.refused(b.enqueue(b.created(owned, "id")), "1029")
		last := b.created(owned, "id")
		require.Equal(t, "Cancelled", b.succeeded(b.call(http.MethodPost, export+last+"/cancel.json", "")).Result[0]["status"])
	})
	t.Run("a job twice queued and a day's bytes spent are 1029", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{BulkDailySize: 1})
		id := b.created(owned, "id")
		b.finish(id)
		b.refused(b.enqueue(id), "1029")
		b.refused(b.enqueue(b.created(owned, "id")), "1029")
		b.clock.Advance(24 * time.Hour)
		b.login()
		b.succeeded(b.enqueue(b.created(owned, "id")))
	})
}

func TestBulkFilters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg    Config
		filter string
		code   string // empty: accepted
	}{
		"a month":                       {filter: january},
		"32 days":                       {filter: `{"createdAt":{"startAt":"2026-01-01T00:00:00Z","endAt":"2026-02-02T00:00:00Z"}}`, code: "1003"},
		"milliseconds":                  {filter: `{"createdAt":{"startAt":"2026-01-01T00:00:00.000Z","endAt":"2026-01-02T00:00:00Z"}}`, code: "1003"},
		"no filter":                     {filter: `{}`, code: "1003"},
		"two filters":                   {filter: `{"smartListId":1001,"staticListId":2001}`, code: "1003"},
		"updatedAt, where not offered":  {filter: strings.Replace(january, "created", "updated", 1), code: "1035"},
		"updatedAt, where offered":      {cfg: Config{HasUpdatedAt: true}, filter: strings.Replace(january, "created", "updated", 1)},
		"smart list, where not offered": {cfg: Config{NoSmartList: true}, filter: owned, code: "1035"},
		"smart list by name":            {filter: `{"smartListName":"People with owner"}`},
		"smart list without rules":      {filter: `{"smartListId":1002}`, code: "1003"},
		"static list":                   {filter: `{"staticListId":2001}`},
		"unknown list":                  {filter: `{"staticListId":7}`, code: "1013"},
		"bulk extract not enabled":      {cfg: Config{NoBulk: true}, filter: january, code: "703"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, c.cfg)
			r := b.create(c.filter, "id")
			if c.code == "" {
				b.succeeded(r)
				return
			}
			b.refused(r, c.code)
		})
	}
	t.Run("a field that nobody knows is refused", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		b.refused(b.create(january, "shoeSize"), "1003")
	})
	t.Run("the last change of any field selects, also where updatedAt stood still", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{HasUpdatedAt: true})
		before, _ := b.Person(1001)
		require.NoError(t, b.Change(1001, map[string]string{"salesNote": "call back"}))
		after := b.succeeded(b.get(leads, "filterType", "id", "filterValues", "1001")).Result[0]
		require.Equal(t, after["createdAt"], after["updatedAt"])
		require.NotEqual(t, before.Fields["salesNote"], "call back")
		id := b.created(`{"updatedAt":{"startAt":"2026-01-20T12:00:00Z","endAt":"2026-01-20T12:00:00Z"}}`, "id")
		b.finish(id)
		require.Equal(t, "id\n1001\n", b.get(export+id+"/file.json").body)
	})
}
