package people

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
	"salesactions/syncengine/marketo"
)

// at reads a time.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(t, err)
	return v
}

func ptr[T any](v T) *T { return &v }

// allFields are those of an instance that has everything we ask for.
func allFields() []string {
	names := []string{"sfdcLeadOwnerId", "externalSalesPersonId", fieldType, fieldUnsubscribed, fieldCreated, fieldUpdated}
	for _, f := range Fields(Rule{}) {
		names = append(names, f.Candidates...)
	}
	return names
}

func fieldsNamed(names ...string) []marketo.Field {
	fields := make([]marketo.Field, len(names))
	for i, name := range names {
		fields[i] = marketo.Field{Name: name}
	}
	return fields
}

// instance is a Marketo with just the people, log pages and bulk files of a test. The
// sandbox has a whole world in it; here a test says what is where.
type instance struct {
	mu     sync.Mutex
	fields []string
	leads  map[int64]map[string]string
	pages  map[string]logPage // by log and token, "activities/T1"
	files  []bulkFile         // of the jobs, in the order in which they are made
	made   int                // jobs
	calls  map[string]int     // by operation
	asked  []string           // times of paging tokens, places in logs, filters of jobs
	types  string             // of activities that were asked for last
	refuse func(operation string) (code, message string)
	during func(operation string) // runs before the answer
}

// logPage is a page of a log; a token without one leads to an empty last page.
type logPage struct {
	rows string // JSON
	next string
	more bool
}

// bulkFile is what came of a bulk job.
type bulkFile struct {
	status   marketo.ExportStatus
	content  string
	checksum string
}

func newInstance(ids ...int64) *instance {
	in := &instance{fields: allFields(), leads: map[int64]map[string]string{}, pages: map[string]logPage{}, calls: map[string]int{}}
	for _, id := range ids {
		in.leads[id] = map[string]string{"sfdcLeadOwnerId": "005A"}
	}
	return in
}

// called returns how often an operation was called, or all together for "".
func (in *instance) called(operation string) int {
	in.mu.Lock()
	defer in.mu.Unlock()
	if operation != "" {
		return in.calls[operation]
	}
	total := 0
	for _, n := range in.calls {
		total += n
	}
	return total
}

// operations are the paths that the instance knows.
var operations = map[string]string{
	"/rest/v1/leads.json": "leads", "/rest/v1/leads/describe2.json": "describe2", "/rest/v1/leads/describe.json": "describe",
	"/rest/v1/activities/pagingtoken.json": "token", "/rest/v1/activities.json": "activities",
	"/rest/v1/activities/leadchanges.json": "lead_changes", "/rest/v1/activities/deletedleads.json": "deleted_leads",
	"/bulk/v1/leads/export/create.json": "create",
}

// ServeHTTP implements http.Handler.
func (in *instance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/identity/") {
		fmt.Fprint(w, `{"access_token":"T","token_type":"bearer","expires_in":3599,"scope":"apis@acme.com"}`)
		return
	}
	operation := operations[r.URL.Path]
	if operation == "" { // /bulk/v1/leads/export/{id}/{operation}.json
		operation = strings.TrimSuffix(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], ".json")
	}
	if in.during != nil {
		in.during(operation)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.calls[operation]++
	w.Header().Set("Content-Type", "application/json")
	if in.refuse != nil {
		if code, message := in.refuse(operation); code != "" {
			fmt.Fprintf(w, `{"requestId":"r","success":false,"errors":[{"code":%q,"message":%q}]}`, code, message)
			return
		}
	}
	if operation == "file" {
		in.serveFile(w, r)
		return
	}
	answer := map[string]any{"requestId": "r", "success": true}
	maps.Copy(answer, in.answer(operation, r))
	_ = json.NewEncoder(w).Encode(answer)
}

func (in *instance) answer(operation string, r *http.Request) map[string]any {
	switch operation {
	case "leads":
		return map[string]any{"result": in.found(r)}
	case "describe2":
		fields := make([]map[string]any, len(in.fields))
		for i, name := range in.fields {
			fields[i] = map[string]any{"name": name}
		}
		return map[string]any{"result": []any{map[string]any{"fields": fields}}}
	case "token":
		in.asked = append(in.asked, r.FormValue("sinceDatetime"))
		return map[string]any{"nextPageToken": "since " + r.FormValue("sinceDatetime")}
	case "activities", "lead_changes", "deleted_leads":
		place := operation + "/" + r.FormValue("nextPageToken")
		in.asked = append(in.asked, place)
		in.types = r.FormValue("activityTypeIds")
		page := in.pages[place]
		if page.next == "" {
			page.next = "end"
		}
		if page.rows == "" {
			page.rows = "[]"
		}
		return map[string]any{"result": json.RawMessage(page.rows), "nextPageToken": page.next, "moreResult": page.more}
	case "create":
		var body struct {
			Filter json.RawMessage `json:"filter"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		in.asked = append(in.asked, string(body.Filter))
		in.made++
		return job(in.made, "Created", bulkFile{})
	case "enqueue", "status":
		number := jobNumber(r)
		return job(number, in.files[number-1].status, in.files[number-1])
	}
	return nil // a describe that adds nothing
}

func job(number int, status marketo.ExportStatus, file bulkFile) map[string]any {
	return map[string]any{"result": []any{map[string]any{"exportId": strconv.Itoa(number), "status": status,
		"numberOfRecords": max(strings.Count(file.content, "\n")-1, 0), "fileSize": len(file.content), "fileChecksum": file.checksum}}}
}

func jobNumber(r *http.Request) int {
	parts := strings.Split(r.URL.Path, "/")
	number, _ := strconv.Atoi(parts[len(parts)-2])
	return number
}

func (in *instance) serveFile(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/csv")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(in.files[jobNumber(r)-1].content))
}

// found answers a call for people by their ids.
func (in *instance) found(r *http.Request) []map[string]any {
	result := []map[string]any{}
	fields := strings.Split(r.FormValue("fields"), ",")
	for value := range strings.SplitSeq(r.FormValue("filterValues"), ",") {
		id, _ := strconv.ParseInt(value, 10, 64)
		values, there := in.leads[id]
		if !there {
			continue
		}
		lead := map[string]any{"id": id}
		for name, v := range values {
			if slices.Contains(fields, name) {
				lead[name] = v
			}
		}
		result = append(result, lead)
	}
	return result
}

// source is what the engine is to the sync.
type source struct {
	client *marketo.Client
	rule   Rule
}

func (s source) Marketo(context.Context) (*marketo.Client, error) { return s.client, nil }
func (s source) Rule(context.Context) (Rule, error)               { return s.rule, nil }

// bundle is a sync between a database and an instance; either may be missing.
type bundle struct {
	*Sync
	t  *testing.T
	db *postgres.DB
	in *instance
}

// setup is the one place that makes a sync.
func setup(t *testing.T, db *postgres.DB, in *instance, rule Rule, clock clockwork.Clock, cfg Config) *bundle {
	t.Helper()
	b := &bundle{t: t, db: db, in: in}
	cfg.Clock = clock
	cfg.RetryBase, cfg.ExportPoll = time.Millisecond, time.Millisecond
	from := source{rule: rule}
	if in != nil {
		server := httptest.NewServer(in)
		t.Cleanup(server.Close)
		var err error
		from.client, err = marketo.New(marketo.Config{Endpoint: server.URL, ClientID: "id", ClientSecret: "secret", Clock: clock}, server.Client())
		require.NoError(t, err)
	}
	b.Sync = New(nil, from, cfg)
	if db != nil {
		b.pool = db.Pool
	}
	return b
}

// syncOf is a sync that keeps people with an owner, by the real clock.
func syncOf(t *testing.T, db *postgres.DB, in *instance) *bundle {
	t.Helper()
	return setup(t, db, in, Rule{Mode: ModeOwnerField}, clockwork.NewRealClock(), Config{})
}

func newDB(t *testing.T) *postgres.DB { return postgrestest.New(t) }

// clean empties a database for the next case of a table.
func clean(t *testing.T, db *postgres.DB) *postgres.DB {
	t.Helper()
	for _, table := range []string{"person_changes", "people", "touched_people", "seen_changes", "sync_cursors", "sync_slices", "sync_samples",
		"reconcile_rows", "reconcile_differences", "reconcile_slices", "sync_runs", "leases"} {
		_, err := db.Pool.Exec(t.Context(), `DELETE FROM `+table)
		require.NoError(t, err)
	}
	_, err := db.Pool.Exec(t.Context(), `WITH totals AS (UPDATE people_totals SET live = 0, archived = 0)
		UPDATE people_sync SET state = 'idle', paused_at = NULL, preview = NULL`)
	require.NoError(t, err)
	return db
}

// opened is the session of a test's sync.
func (b *bundle) opened() session {
	b.t.Helper()
	ses, err := b.session(b.t.Context())
	require.NoError(b.t, err)
	return ses
}

// run begins a run.
func (b *bundle) run(kind models.RunKind) models.SyncRun {
	b.t.Helper()
	run := models.SyncRun{Kind: kind}
	b.one(`INSERT INTO sync_runs (kind, started_by) VALUES ($1, 'test') RETURNING id`, &run.ID, kind)
	return run
}

// inTx runs fn in a transaction, which must succeed.
func (b *bundle) inTx(fn func(tx pgx.Tx) error) {
	b.t.Helper()
	require.NoError(b.t, pgx.BeginFunc(b.t.Context(), b.db.Pool, fn))
}

// store stores a batch in a transaction of its own.
func (b *bundle) store(o storeOptions, rows ...Row) Stored {
	b.t.Helper()
	var stored Stored
	b.inTx(func(tx pgx.Tx) (err error) {
		stored, err = store(b.t.Context(), tx, rows, o)
		return err
	})
	return stored
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.db.Pool.Exec(b.t.Context(), sql, args...)
	require.NoError(b.t, err)
}

// one reads one value.
func (b *bundle) one(sql string, into any, args ...any) {
	b.t.Helper()
	require.NoError(b.t, b.db.Pool.QueryRow(b.t.Context(), sql, args...).Scan(into))
}

// lines reads rows of one text each.
func (b *bundle) lines(sql string, args ...any) []string {
	b.t.Helper()
	rows, err := b.db.Pool.Query(b.t.Context(), sql, args...)
	require.NoError(b.t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.t, err)
	return lines
}

// totals checks the kept counts of people against the table.
func (b *bundle) totals(live, archived int64) {
	b.t.Helper()
	lines := b.lines(`SELECT concat_ws(' ', live, archived, (SELECT count(*) FROM people WHERE archived_at IS NULL),
		(SELECT count(*) FROM people WHERE archived_at IS NOT NULL)) FROM people_totals`)
	require.Equal(b.t, []string{fmt.Sprint(live, archived, live, archived)}, lines)
}

// owned is a person with an owner, as a read at some time saw them.
func owned(id int64, readAt time.Time) Row {
	return Row{ID: id, FirstName: ptr("Ada"), LastName: ptr("Lovelace"), OwnerID: ptr("005A"), ReadAt: readAt, Qualifies: true}
}
