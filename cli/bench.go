package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"salesactions/models"
	sandboxmarketo "salesactions/sandbox/marketo"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine"
)

func newBench(env *environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "bench",
		Short: "Measure the sync, the list of people, the deliveries, reminder tasks and the check before a send on this machine, each figure beside its limit",
		Args:  cobra.NoArgs,
		RunE:  env.bench,
		// It fills its database and asks its sandbox only.
		Annotations: map[string]string{worldOfItsOwn: ""},
	}
	flags := command.Flags()
	flags.Int("people", 200_000, "how many people")
	flags.Int("activities", 20_000, "how many activities are recorded and delivered in one burst")
	flags.String("addr", "127.0.0.1:0", "where the program listens while activities are recorded")
	flags.Duration("real-quota", 45*time.Second, "how long calls are counted under Marketo's real limits; 0 leaves it out")
	addEngineFlags(command)
	describe(flags)
	return command
}

// benchmark is one run: the same database for all that is measured.
type benchmark struct {
	env     *environment
	command *cobra.Command
	out     io.Writer
	people  int
	dirs    []string // of its workspaces
	store   *store
	failed  bool
}

// bench runs in its own process beside the sandbox's, so that memory is ours alone.
func (e *environment) bench(command *cobra.Command, _ []string) error {
	if err := command.Flags().Set("log-level", "error"); err != nil {
		return fmt.Errorf("set the benchmark up: %w", err)
	}
	b := &benchmark{env: e, command: command, out: command.OutOrStdout()}
	b.people, _ = command.Flags().GetInt("people")
	defer b.end()
	if err := b.begin(command.Context()); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%d people, %d cores, PostgreSQL and sandbox on the same machine\n", b.people, runtime.NumCPU())
	err := b.run(command.Context())
	if b.store != nil {
		err = errors.Join(err, b.store.Close(command.Context()))
	}
	if err == nil && b.failed {
		err = errors.New("a figure is outside its limit")
	}
	return err
}

// begin goes on in an empty workspace, which has a folder of its own: the people of the
// one before are another sandbox's.
func (b *benchmark) begin(ctx context.Context) error {
	if b.store != nil {
		err := b.store.Close(ctx)
		if b.store = nil; err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "salesactions-bench-")
	if err != nil {
		return fmt.Errorf("make a folder for the benchmark's data: %w", err)
	}
	b.dirs = append(b.dirs, dir)
	if err := b.command.Flags().Set("data-dir", dir); err != nil {
		return fmt.Errorf("set the benchmark up: %w", err)
	}
	b.store, err = b.env.openStore(b.command, false)
	return err
}

// end removes the folders.
func (b *benchmark) end() {
	for _, dir := range b.dirs {
		_ = os.RemoveAll(dir) // a benchmark's end
	}
}

func (b *benchmark) run(ctx context.Context) error {
	box, err := startSandboxProcess(ctx, b.people)
	if err != nil {
		return err
	}
	defer box.stop()
	rate, peak, err := b.copy(ctx, box.Endpoint)
	if err != nil {
		return err
	}
	ceiling, err := b.ceiling(ctx)
	if err != nil {
		return err
	}
	b.line("people stored per second, end to end", rate, fmt.Sprintf("at least half of the ceiling of %.0f", ceiling), rate >= ceiling/2)
	b.line("most memory of the program, MB", peak, "under 150", peak < 150)
	if err := b.list(ctx); err != nil {
		return err
	}
	if err := b.activities(ctx, box); err != nil {
		return err
	}
	if err := b.twoWay(ctx); err != nil {
		return err
	}
	return b.realQuota(ctx)
}

// line prints a figure beside its limit.
func (b *benchmark) line(what string, figure float64, limit string, holds bool) {
	verdict := "holds"
	if !holds {
		verdict, b.failed = "DOES NOT HOLD", true
	}
	fmt.Fprintf(b.out, "%-68s %10.1f   limit: %s: %s\n", what, figure, limit, verdict)
}

// copy runs an initial sync and returns people per second, and the most memory.
func (b *benchmark) copy(ctx context.Context, marketo string) (rate, peak float64, err error) {
	engine, err := b.store.newEngine(b.command, syncengine.Config{Work: true, Rate: 1 << 20, DailyBudget: 1 << 40, Concurrency: 10,
		ExportPoll: 200 * time.Millisecond, Copy: syncengine.CopyBulk, Marketo: syncengine.Credentials{Endpoint: marketo, ClientID: sandboxClientID, ClientSecret: sandboxClientSecret}})
	if err == nil {
		err = engine.Start(ctx)
	}
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, stopEngine(ctx, engine)) }()
	began := b.store.clock.Now()
	if err := engine.StartSync(ctx, actor); err != nil {
		return 0, 0, err
	}
	for {
		if err := b.pause(ctx, 100*time.Millisecond); err != nil {
			return 0, 0, err
		}
		peak = max(peak, residentMB())
		st, err := engine.Status(ctx)
		if err != nil {
			return 0, 0, err
		}
		if st.State == syncengine.StateFailed {
			return 0, 0, errors.New(st.Trouble.Text)
		}
		if st.State == syncengine.StateFollowing {
			return float64(st.People) / b.store.clock.Since(began).Seconds(), peak, nil
		}
	}
}

// residentMB is the memory that the system holds for this process, in MB.
func residentMB() float64 {
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.Sys) / (1 << 20)
	}
	pages := strings.Fields(string(raw))
	n, err := strconv.ParseFloat(pages[1], 64)
	if err != nil {
		return 0
	}
	return n * float64(os.Getpagesize()) / (1 << 20)
}

// ceiling is how fast the same rows go into the same table with the same indexes
// without Marketo, HTTP or us: COPY into a temporary table, then one upsert, in
// batches of the sync's own size.
func (b *benchmark) ceiling(ctx context.Context) (float64, error) {
	connection, err := b.store.db.Pool.Acquire(ctx)
	if err != nil {
		return 0, fmt.Errorf("take a connection: %w", err)
	}
	defer connection.Release()
	steps := []string{
		`CREATE TABLE ceiling_rows AS SELECT * FROM people`,
		`CREATE TABLE ceiling (LIKE people INCLUDING ALL)`,
	}
	for _, sql := range steps {
		if _, err := connection.Exec(ctx, sql); err != nil {
			return 0, fmt.Errorf("set the ceiling up: %w", err)
		}
	}
	rows, err := connection.Query(ctx, `SELECT * FROM ceiling_rows ORDER BY id`)
	if err != nil {
		return 0, fmt.Errorf("read the ceiling's rows: %w", err)
	}
	var columns []string
	for _, f := range rows.FieldDescriptions() {
		columns = append(columns, f.Name)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	if err != nil {
		return 0, fmt.Errorf("read the ceiling's rows: %w", err)
	}
	began := b.store.clock.Now()
	for batch := range slices.Chunk(all, 5000) {
		err := pgx.BeginFunc(ctx, connection, func(tx pgx.Tx) error { return ceilingBatch(ctx, tx, columns, batch) })
		if err != nil {
			return 0, fmt.Errorf("measure the ceiling: %w", err)
		}
	}
	rate := float64(len(all)) / b.store.clock.Since(began).Seconds()
	_, err = connection.Exec(ctx, `DROP TABLE ceiling, ceiling_rows`)
	return rate, err
}

func ceilingBatch(ctx context.Context, tx pgx.Tx, columns []string, batch [][]any) error {
	if _, err := tx.Exec(ctx, `CREATE TEMP TABLE ceiling_stage (LIKE people) ON COMMIT DROP`); err != nil {
		return err
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"ceiling_stage"}, columns, pgx.CopyFromRows(batch)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO ceiling SELECT * FROM ceiling_stage ON CONFLICT (id) DO UPDATE SET company = EXCLUDED.company`)
	return err
}

// list measures the list of people, as its page asks for it.
func (b *benchmark) list(ctx context.Context) error {
	if _, err := b.store.db.Pool.Exec(ctx, `VACUUM ANALYZE people`); err != nil {
		return fmt.Errorf("bring the statistics up to date: %w", err)
	}
	deep, err := b.deepCursor(ctx)
	if err != nil {
		return err
	}
	queries := map[string]models.PeopleQuery{"first page": {}, "a page far down": {Cursor: deep}}
	for _, sort := range []models.PeopleSort{models.SortByName, models.SortByCompany, models.SortByTitle, models.SortByEmail, models.SortBySource, models.SortByOwner, models.SortByUpdated} {
		queries["sorted by "+string(sort)] = models.PeopleQuery{Sort: sort}
		queries["sorted by "+string(sort)+", last first"] = models.PeopleQuery{Sort: sort, Desc: true}
	}
	for _, text := range []string{"love", "müll", "stark", "p1234", "corp.example", "a", "ma", "王伟", "王", "example", "zzzznobody", "maria smith", "smith", "müller anna", "acme müll"} {
		queries["search for "+text] = models.PeopleQuery{Text: text}
	}
	for name, q := range map[string]models.PeopleQuery{"owner": {OwnerID: "0055g0000000001AAA"}, "source": {Source: "Web"}, "company": {Company: "Acme Labs"},
		"opportunity": {HasOpportunity: true}, "unsubscribed": {Unsubscribed: true}, "archived": {Archived: true},
		"source, sorted by company": {Source: "Web", Sort: models.SortByCompany}} {
		queries["filter by "+name] = q
	}
	var names []string
	for name := range queries {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := b.query(ctx, name, queries[name]); err != nil {
			return err
		}
	}
	return nil
}

// deepCursor is a place some way down the list by name.
func (b *benchmark) deepCursor(ctx context.Context) (string, error) {
	cursor := ""
	for range min(b.people/1000, 200) {
		page, err := models.ListPeople(ctx, b.store.db.Gorm, models.PeopleQuery{Cursor: cursor, Limit: 500})
		if err != nil {
			return "", err
		}
		if page.Next == "" {
			break
		}
		cursor = page.Next
	}
	return cursor, nil
}

// query measures one list, after a first time that warms it up.
func (b *benchmark) query(ctx context.Context, name string, q models.PeopleQuery) error {
	times := make([]time.Duration, 0, 100)
	for i := range 101 {
		began := b.store.clock.Now()
		if _, err := models.ListPeople(ctx, b.store.db.Gorm, q); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if i > 0 {
			times = append(times, b.store.clock.Since(began))
		}
	}
	slices.Sort(times)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	median, p99 := ms(times[len(times)/2]), ms(times[len(times)*99/100-1])
	b.line("list, "+name+": median ms", median, fmt.Sprintf("10, and p99 %.1f under 30", p99), median < 10 && p99 < 30)
	return nil
}

// realQuota counts how much of the allowed calls the paged copy uses.
func (b *benchmark) realQuota(ctx context.Context) error {
	length, _ := b.command.Flags().GetDuration("real-quota")
	if length == 0 {
		return nil
	}
	boxes, err := startSandboxes(b.store.clock, "127.0.0.1:0", sandboxmarketo.Config{People: 200_000, Seed: 1, ClientID: sandboxClientID, ClientSecret: sandboxClientSecret, Latency: 200 * time.Millisecond},
		"127.0.0.1:0", sandboxsalesforce.Config{People: 1})
	if err != nil {
		return err
	}
	defer func() { _ = boxes.stop(ctx) }() // a benchmark's end
	box := boxes.marketo
	if err := b.begin(ctx); err != nil {
		return err
	}
	const rate = 50
	engine, err := b.store.newEngine(b.command, syncengine.Config{Work: true, Rate: rate, Copy: syncengine.CopyPaged, DailyBudget: 1 << 40,
		Marketo: syncengine.Credentials{Endpoint: boxes.marketoURL, ClientID: sandboxClientID, ClientSecret: sandboxClientSecret}})
	if err == nil {
		err = engine.Start(ctx)
	}
	if err == nil {
		err = engine.StartSync(ctx, actor)
	}
	if err != nil {
		return err
	}
	defer func() { _ = stopEngine(ctx, engine) }() // a benchmark's end
	used, err := b.countCalls(ctx, box, length)
	if err != nil {
		return err
	}
	allowed := rate * length.Seconds() / 20
	b.line("share of the calls that MARKETO_RATE allows, %", 100*used/allowed, "at least 95", used >= 0.95*allowed)
	b.line("most calls in any 20 s", float64(box.MaxInWindow()), fmt.Sprintf("at most %d", rate), box.MaxInWindow() <= rate)
	return nil
}

// countCalls waits for the sync to be under way, then counts.
func (b *benchmark) countCalls(ctx context.Context, box *sandboxmarketo.Server, length time.Duration) (float64, error) {
	count := func() (n int) {
		for _, calls := range box.Calls() {
			n += calls
		}
		return n
	}
	if err := b.pause(ctx, 10*time.Second); err != nil {
		return 0, err
	}
	before := count()
	err := b.pause(ctx, length)
	return float64(count() - before), err
}
