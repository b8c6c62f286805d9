package syncengine

import (
	"context"
	"fmt"
	"time"

	"salesactions/syncengine/failure"
)

const (
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	// quotaProbe is how long a spent quota is believed before it is asked again:
	// an admin may have raised it.
	quotaProbe = 15 * time.Minute
)

// Trouble is what is wrong, in plain words.
type Trouble struct {
	Class   string // of package failure
	Code    string
	Text    string
	Remedy  string
	Since   time.Time
	RetryAt *time.Time // when it is tried again by itself
	Halted  bool       // somebody must act; it is tried now and then all the same
}

func troubleOf(err error) *Trouble {
	what := failure.Classify(err)
	return &Trouble{Class: string(what.Class), Code: what.Code, Text: what.Text, Remedy: what.Remedy, Since: time.Now(), Halted: what.Halts()}
}

// noteTrouble writes what is wrong for Settings to show, and when to try again:
// the longer it lasts, the later.
func (e *Engine) noteTrouble(ctx context.Context, err error) error {
	what := failure.Classify(err)
	var until *time.Time
	if !what.Until.IsZero() {
		until = &what.Until
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err = e.pool.Exec(ctx, `
		WITH told AS (SELECT pg_notify('salesactions_live', 'sync'))
		UPDATE people_sync SET trouble_class = $1, trouble_code = $2, trouble_text = $3, trouble_remedy = $4, failed = $5,
			trouble_since = CASE WHEN trouble_class = $1 AND trouble_code = $2 THEN trouble_since ELSE clock_timestamp() END,
			retry_at = coalesce(CASE WHEN $6::timestamptz IS NOT NULL THEN least($6, clock_timestamp() + $9::interval) END, clock_timestamp() + least(greatest(
				CASE WHEN trouble_class = $1 THEN (clock_timestamp() - trouble_since) / 2 ELSE '0' END, $7::interval), $8::interval))
		FROM told`,
		what.Class, what.Code, what.Text, what.Remedy, what.Halts(), until, firstRetry, lastRetry, quotaProbe)
	if err != nil {
		return fmt.Errorf("note what is wrong: %w", err)
	}
	return nil
}

// waiting says that the work is in trouble and its next try is not due.
func (e *Engine) waiting(ctx context.Context) (bool, error) {
	var waiting bool
	err := e.pool.QueryRow(ctx, `SELECT retry_at > clock_timestamp() IS TRUE FROM people_sync`).Scan(&waiting)
	if err != nil {
		return false, fmt.Errorf("look whether the sync waits: %w", err)
	}
	return waiting, nil
}

// forgetTrouble lets the work try again at once.
func (e *Engine) forgetTrouble(ctx context.Context) error {
	if err := e.budget.Reset(ctx); err != nil {
		return err
	}
	_, err := e.pool.Exec(ctx, `UPDATE people_sync SET trouble_class = NULL, trouble_code = NULL, trouble_text = NULL,
		trouble_remedy = NULL, trouble_since = NULL, retry_at = NULL, failed = false`)
	if err != nil {
		return fmt.Errorf("forget what was wrong: %w", err)
	}
	return nil
}
