package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
)

const (
	// lookBack is how far behind its end a stream is read again each time: the log
	// commits late, and a row that appears behind the cursor would be missed.
	lookBack = 150 * time.Second
	// lookBackPages is how many pages that may cost; a busier stream is read from
	// its end, and the sweep covers what was late.
	lookBackPages = 3
	// sweepOverlap is how far before the sweep before it a sweep starts.
	sweepOverlap = 10 * time.Minute
	// markMargin is how long before now the first cursors start.
	markMargin = 5 * time.Minute
	// seenFor is how long a change that was taken is remembered; longer than any
	// overlap that is read again.
	seenFor = 6 * time.Hour
)

// Activities that say that a person is worth a look (Marketo REST: activity
// types): sync to Salesforce, convert, change owner, merges there and here, added
// to and removed from an opportunity.
var touchingTypes = []int{19, 21, 23, 31, typeMergeLeads, 34, 35}

// Activities of a static list, which tell of joins and leaves.
var listTypes = []int{24, 25}

const typeMergeLeads = 32

// touch is a hint that somebody should be read again.
type touch struct {
	guid       string
	id         int64
	deleted    bool
	mergedInto int64
}

// stream is one of Marketo's logs of changes.
type stream struct {
	name string
	page func(ctx context.Context, token string) (touches []touch, next string, more bool, err error)
}

func (s *Sync) streams(ses session) []stream {
	types := touchingTypes
	if ses.rule.Mode == ModeStaticList {
		types = append(slices.Clone(types), listTypes...)
	}
	watch := ses.mapping.Watch()
	return []stream{
		{"lead_changes", func(ctx context.Context, token string) ([]touch, string, bool, error) {
			page, err := ses.client.LeadChanges(ctx, token, watch)
			return changeTouches(page.Items, watch), page.Next, page.More, err
		}},
		{"activities", func(ctx context.Context, token string) ([]touch, string, bool, error) {
			page, err := ses.client.Activities(ctx, token, types, nil)
			return activityTouches(page.Items), page.Next, page.More, err
		}},
		{"deleted_leads", func(ctx context.Context, token string) ([]touch, string, bool, error) {
			page, err := ses.client.DeletedLeads(ctx, token)
			touches := make([]touch, len(page.Items))
			for i, a := range page.Items {
				touches[i] = touch{guid: a.GUID, id: a.LeadID, deleted: true}
			}
			return touches, page.Next, page.More, err
		}},
	}
}

// changeTouches takes new people, and changes of the fields that concern us: a
// misspelt name in the request was seen to return everything.
func changeTouches(changes []marketo.LeadChange, watch []string) []touch {
	var touches []touch
	for _, c := range changes {
		concerns := len(c.Fields) == 0 || slices.ContainsFunc(c.Fields, func(f marketo.FieldChange) bool {
			return f.Name == "" || slices.Contains(watch, f.Name)
		})
		if concerns {
			touches = append(touches, touch{guid: c.GUID, id: c.LeadID})
		}
	}
	return touches
}

// activityTouches looks at the losers of a merge too: the log names them on the
// winner only.
func activityTouches(activities []marketo.Activity) []touch {
	var touches []touch
	for _, a := range activities {
		touches = append(touches, touch{guid: a.GUID, id: a.LeadID})
		if a.TypeID != typeMergeLeads {
			continue
		}
		for _, loser := range a.MergedIDs() {
			if loser != a.LeadID {
				touches = append(touches, touch{guid: fmt.Sprintf("%s/%d", a.GUID, loser), id: loser, mergedInto: a.LeadID})
			}
		}
	}
	return touches
}

// cursor is a place in a stream. Trail holds earlier places, from which the end is
// read again.
type cursor struct {
	Token     string
	Watermark time.Time
	SweptAt   *time.Time
	Trail     []trailed
}

type trailed struct {
	Token string    `json:"token"`
	At    time.Time `json:"at"`
}

// mark takes the cursors for "now", where there are none yet. It comes before
// anything is read, so that the streams tell of all that changes afterwards.
func (s *Sync) mark(ctx context.Context, ses session) error {
	for _, st := range s.streams(ses) {
		_, err := s.loadCursor(ctx, st.name)
		if err == nil {
			continue
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		now := s.now()
		token, err := s.token(ctx, ses, now.Add(-markMargin))
		if err != nil {
			return err
		}
		_, err = s.pool.Exec(ctx, `INSERT INTO sync_cursors (stream, token, watermark, swept_at) VALUES ($1, $2, $3, $3)
			ON CONFLICT DO NOTHING`, st.name, token, now)
		if err != nil {
			return fmt.Errorf("save the cursor of %s: %w", st.name, err)
		}
	}
	return nil
}

func (s *Sync) token(ctx context.Context, ses session, since time.Time) (token string, err error) {
	err = s.retry(ctx, func(ctx context.Context) (err error) {
		token, err = ses.client.PagingToken(ctx, since)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("take a place in the change log: %w", err)
	}
	return token, nil
}

// loadCursor wraps pgx.ErrNoRows while there is none.
func (s *Sync) loadCursor(ctx context.Context, name string) (cursor, error) {
	var (
		c     cursor
		trail []byte
	)
	err := s.pool.QueryRow(ctx, `SELECT token, watermark, swept_at, trail FROM sync_cursors WHERE stream = $1`, name).
		Scan(&c.Token, &c.Watermark, &c.SweptAt, &trail)
	if err == nil {
		err = json.Unmarshal(trail, &c.Trail)
	}
	if err != nil {
		return c, fmt.Errorf("read the cursor of %s: %w", name, err)
	}
	return c, nil
}

// Follow reads the change streams to their ends and then everybody whom they
// touched. It does nothing before the first copy is done, while the sync is
// paused, or while another process follows.
func (s *Sync) Follow(ctx context.Context) error {
	held, err := s.holding(ctx, leaseFollow, func(ctx context.Context) error {
		if following, err := s.following(ctx); err != nil || !following {
			return err
		}
		return s.followOnce(ctx)
	})
	if err != nil || !held {
		return err
	}
	return s.Reread(ctx)
}

func (s *Sync) followOnce(ctx context.Context) error {
	runID, err := s.followRun(ctx)
	if err != nil {
		return err
	}
	calls := &atomic.Int64{}
	ctx = budget.ForRun(ctx, budget.IncrementalSync, calls)
	stop := s.reportCalls(ctx, runID, calls)
	defer stop()
	ses, err := s.session(ctx)
	if err != nil {
		return err
	}
	if err := s.mark(ctx, ses); err != nil { // a stream that is new since the last version
		return err
	}
	for _, st := range s.streams(ses) {
		if err := s.poll(ctx, ses, st); err != nil {
			return fmt.Errorf("follow %s: %w", st.name, err)
		}
	}
	now := s.now()
	_, err = s.pool.Exec(ctx, `WITH forgotten AS (DELETE FROM seen_changes WHERE seen_at < $2)
		UPDATE people_sync SET caught_up_at = $1`, now, now.Add(-seenFor))
	if err != nil {
		return fmt.Errorf("note that the streams were read: %w", err)
	}
	return nil
}

// poll reads a stream to its end, from a little before its cursor.
func (s *Sync) poll(ctx context.Context, ses session, st stream) error {
	c, err := s.loadCursor(ctx, st.name)
	if err != nil {
		return err
	}
	started := s.now()
	from := c.lookBack(started)
	token, pages, err := s.drain(ctx, st, from, &c)
	if failure.Classify(err).BadToken {
		// How long a token lives is not documented: begin again from the time
		// that it surely covered.
		if token, err = s.token(ctx, ses, c.Watermark.Add(-sweepOverlap)); err != nil {
			return err
		}
		c.Trail = nil
		token, pages, err = s.drain(ctx, st, token, &c)
	}
	if err != nil {
		return err
	}
	c.Token, c.Watermark = token, started
	c.Trail = append(c.Trail, trailed{Token: token, At: started})
	if pages > lookBackPages {
		c.Trail = c.Trail[len(c.Trail)-1:]
	}
	if err := s.saveCursor(ctx, s.pool, st.name, c); err != nil {
		return err
	}
	if c.SweptAt == nil || started.Sub(*c.SweptAt) >= s.cfg.SweepEvery {
		return s.sweep(ctx, ses, st, c, started)
	}
	return nil
}

// lookBack returns the newest place that is old enough, else the oldest known, and
// forgets those before it.
func (c *cursor) lookBack(now time.Time) string {
	for len(c.Trail) > 1 && now.Sub(c.Trail[1].At) >= lookBack {
		c.Trail = c.Trail[1:]
	}
	if len(c.Trail) == 0 {
		return c.Token
	}
	return c.Trail[0].Token
}

// sweep reads what the stream logged late, from before the sweep before.
func (s *Sync) sweep(ctx context.Context, ses session, st stream, c cursor, now time.Time) error {
	since := now.Add(-s.cfg.SweepEvery)
	if c.SweptAt != nil && c.SweptAt.Before(since) {
		since = *c.SweptAt
	}
	token, err := s.token(ctx, ses, since.Add(-sweepOverlap))
	if err != nil {
		return err
	}
	if _, _, err := s.drain(ctx, st, token, nil); err != nil {
		return fmt.Errorf("read the overlap: %w", err)
	}
	_, err = s.pool.Exec(ctx, `UPDATE sync_cursors SET swept_at = $2 WHERE stream = $1`, st.name, now)
	if err != nil {
		return fmt.Errorf("note the sweep: %w", err)
	}
	return nil
}

// drain reads pages until the end, and stores the hints of each page in the
// transaction that moves the cursor. A page may be empty and yet not the last.
// Without a cursor (a sweep) only the hints are stored.
func (s *Sync) drain(ctx context.Context, st stream, token string, c *cursor) (end string, pages int, err error) {
	for {
		var (
			touches []touch
			next    string
			more    bool
		)
		err := s.retry(ctx, func(ctx context.Context) (err error) {
			touches, next, more, err = st.page(ctx, token)
			return err
		})
		if err != nil {
			return token, pages, err
		}
		pages++
		err = s.tx(ctx, func(tx pgx.Tx) error {
			if err := touchPeople(ctx, tx, st.name, touches, s.now()); err != nil {
				return err
			}
			if c == nil || pages <= lookBackPages {
				return nil
			}
			return s.saveCursor(ctx, tx, st.name, cursor{Token: next, Watermark: c.Watermark})
		})
		if err != nil {
			return token, pages, err
		}
		if next == "" || next == token && more {
			return token, pages, fmt.Errorf("the log gave no place to go on from after page %d", pages)
		}
		if token = next; !more {
			return token, pages, nil
		}
	}
}

// executor is the pool or a transaction of it.
type executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func (s *Sync) saveCursor(ctx context.Context, db executor, name string, c cursor) error {
	trail, err := json.Marshal(c.Trail)
	if err != nil {
		return fmt.Errorf("write the cursor's trail: %w", err)
	}
	if c.Trail == nil {
		trail = []byte("[]")
	}
	_, err = db.Exec(ctx, `UPDATE sync_cursors SET token = $2, watermark = $3, trail = $4, polled_at = $5
		WHERE stream = $1`, name, c.Token, c.Watermark, trail, s.now())
	if err != nil {
		return fmt.Errorf("save the cursor of %s: %w", name, err)
	}
	return nil
}

// touchPeople puts people into the inbox, unless the change was taken before.
func touchPeople(ctx context.Context, tx pgx.Tx, stream string, touches []touch, now time.Time) error {
	if len(touches) == 0 {
		return nil
	}
	var (
		guids   = make([]string, len(touches))
		ids     = make([]int64, len(touches))
		deleted = make([]bool, len(touches))
		merged  = make([]int64, len(touches))
	)
	for i, t := range touches {
		guids[i], ids[i], deleted[i], merged[i] = t.guid, t.id, t.deleted, t.mergedInto
	}
	_, err := tx.Exec(ctx, `
		WITH hints AS (
			SELECT * FROM unnest($2::text[], $3::bigint[], $4::boolean[], $5::bigint[]) AS h (guid, id, deleted, merged_into)
		), fresh AS (
			INSERT INTO seen_changes (stream, guid, seen_at) SELECT DISTINCT $1, guid, $6::timestamptz FROM hints ON CONFLICT DO NOTHING RETURNING guid
		)
		INSERT INTO touched_people AS t (person_id, deleted, merged_into, touched_at, due_at)
		SELECT id, bool_or(deleted), nullif(max(merged_into), 0), $6, $6 FROM hints JOIN fresh USING (guid) GROUP BY id ORDER BY id
		ON CONFLICT (person_id) DO UPDATE SET `+touchAgain+`,
			deleted = t.deleted OR EXCLUDED.deleted, merged_into = coalesce(EXCLUDED.merged_into, t.merged_into)`,
		stream, guids, ids, deleted, merged, now)
	if err != nil {
		return fmt.Errorf("put touched people into the inbox: %w", err)
	}
	return nil
}
