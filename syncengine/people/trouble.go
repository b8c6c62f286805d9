package people

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/syncengine/failure"
	"salesactions/syncengine/pauses"
)

// NoteTrouble writes what is wrong for Settings to show, and when to try again: the
// longer it lasts, the later.
func (s *Sync) NoteTrouble(ctx context.Context, cause error) error {
	what := failure.Classify(cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := s.tx(ctx, func(tx pgx.Tx) error {
		before, err := loadTrouble(ctx, tx, ` FOR UPDATE`)
		if err != nil {
			return err
		}
		p := pauses.Next(what, before, s.now())
		_, err = tx.Exec(ctx, `UPDATE people_sync SET trouble_class = $1, trouble_code = $2, trouble_text = $3, trouble_remedy = $4,
			trouble_since = $5, retry_at = $6, failed = $7`, p.Class, p.Code, p.Text, p.Remedy, p.Since, p.RetryAt, what.Halts())
		return err
	})
	if err != nil {
		return fmt.Errorf("note what is wrong: %w", err)
	}
	return nil
}

// InTrouble says that something was wrong and the next try is not due.
func (s *Sync) InTrouble(ctx context.Context) (bool, error) {
	p, err := loadTrouble(ctx, s.pool, ``)
	if err != nil {
		return false, fmt.Errorf("look whether the sync waits: %w", err)
	}
	return p.Waits(s.now()), nil
}

// ForgetTrouble lets the work try again at once.
func (s *Sync) ForgetTrouble(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `UPDATE people_sync SET trouble_class = NULL, trouble_code = NULL, trouble_text = NULL,
		trouble_remedy = NULL, trouble_since = NULL, retry_at = NULL, failed = false`)
	if err != nil {
		return fmt.Errorf("forget what was wrong: %w", err)
	}
	return nil
}

// querier is the pool or a transaction of it.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// loadTrouble reads the pause in force, nil where nothing is wrong.
func loadTrouble(ctx context.Context, db querier, lock string) (*pauses.Pause, error) {
	var class, code *string
	var since, retryAt *time.Time
	err := db.QueryRow(ctx, `SELECT trouble_class, trouble_code, trouble_since, retry_at FROM people_sync`+lock).Scan(&class, &code, &since, &retryAt)
	if err != nil || class == nil || code == nil || since == nil || retryAt == nil {
		return nil, err
	}
	return &pauses.Pause{Class: failure.Class(*class), Code: *code, Since: *since, RetryAt: *retryAt}, nil
}
