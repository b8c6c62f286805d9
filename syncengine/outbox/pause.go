package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/pauses"
)

// Paused says that a destination is paused and its next try is not due.
func (o *Outbox) Paused(ctx context.Context, to models.Destination) (bool, error) {
	var waits bool
	err := o.pool.QueryRow(ctx, `SELECT paused_class IS NOT NULL AND retry_at > $2 FROM destinations WHERE name = $1`, to, o.clock.Now()).Scan(&waits)
	if err != nil {
		return false, fmt.Errorf("look whether %s is paused: %w", to.Name(), err)
	}
	return waits, nil
}

// Pause notes why nothing is delivered and when it is tried again. It ends with the
// first delivery, or with a run that found nothing wrong; until then a cause that
// lasts keeps its beginning.
func (o *Outbox) Pause(ctx context.Context, to models.Destination, cause error) error {
	err := pgx.BeginFunc(ctx, o.pool, func(tx pgx.Tx) error {
		before, err := readPause(ctx, tx, to)
		if err != nil {
			return err
		}
		p := pauses.Next(failure.Classify(cause), before, o.clock.Now())
		_, err = tx.Exec(ctx, `UPDATE destinations SET paused_class = $2, paused_code = $3, paused_text = $4, paused_remedy = $5,
			paused_since = $6, retry_at = $7 WHERE name = $1`, to, p.Class, p.Code, clean(p.Text), p.Remedy, p.Since, p.RetryAt)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, models.Tell(models.TopicActivity))
		return err
	})
	if err != nil {
		return fmt.Errorf("note why %s is paused: %w", to.Name(), err)
	}
	return nil
}

// readPause locks a destination and returns its pause, or nil.
func readPause(ctx context.Context, tx pgx.Tx, to models.Destination) (*pauses.Pause, error) {
	var p pauses.Pause
	var paused bool
	err := tx.QueryRow(ctx, `SELECT paused_class IS NOT NULL, coalesce(paused_class, ''), coalesce(paused_code, ''), coalesce(paused_since, $2)
		FROM destinations WHERE name = $1 FOR UPDATE`, to, time.Time{}).Scan(&paused, &p.Class, &p.Code, &p.Since)
	if err != nil || !paused {
		return nil, err
	}
	return &p, nil
}

// unpauseSQL is to be narrowed to destinations by their names.
const unpauseSQL = `
	UPDATE destinations SET paused_class = NULL, paused_code = NULL, paused_text = NULL, paused_remedy = NULL, paused_since = NULL, retry_at = NULL
	WHERE paused_class IS NOT NULL`

// Unpause ends the pause of a destination, after a person mended its cause, or after a
// run that met none.
func (o *Outbox) Unpause(ctx context.Context, to models.Destination) error {
	_, err := o.pool.Exec(ctx, `WITH mended AS (`+unpauseSQL+` AND name = $1 RETURNING name)
		SELECT pg_notify('`+models.LiveChannel+`', 'activity') FROM mended`, to)
	if err != nil {
		return fmt.Errorf("let deliveries to %s begin: %w", to.Name(), err)
	}
	return nil
}

// KeepSetup keeps what was found of a destination, for Settings and the next run.
func (o *Outbox) KeepSetup(ctx context.Context, to models.Destination, setup any) error {
	raw, err := json.Marshal(setup)
	if err == nil {
		_, err = o.pool.Exec(context.WithoutCancel(ctx), `UPDATE destinations SET setup = $2, setup_at = $3 WHERE name = $1`, to, raw, o.clock.Now())
	}
	if err != nil {
		return fmt.Errorf("keep what was found in %s: %w", to.Name(), err)
	}
	return nil
}
