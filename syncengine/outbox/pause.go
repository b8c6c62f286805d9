package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
)

// PausedError says in plain words why nothing can be delivered, where that is no
// error of a call.
type PausedError struct {
	Class  failure.Class
	Code   string
	Text   string
	Remedy string
}

func (e *PausedError) Error() string { return e.Text }

// Meaning is what an error says to people, whether of a call or of ours.
func Meaning(err error) failure.Failure {
	var said *PausedError
	if errors.As(err, &said) {
		return failure.Failure{Class: said.Class, Code: said.Code, Text: said.Text, Remedy: said.Remedy}
	}
	return failure.Classify(err)
}

const (
	firstPause = 5 * time.Second
	lastPause  = 5 * time.Minute
	// quotaProbe is how long a spent quota is believed before it is asked again: an
	// admin may have raised it.
	quotaProbe = 15 * time.Minute
)

// Paused says that a destination is paused and its next try is not due.
func Paused(ctx context.Context, pool *pgxpool.Pool, to models.Destination) (bool, error) {
	var waits bool
	err := pool.QueryRow(ctx, `SELECT paused_class IS NOT NULL AND retry_at > clock_timestamp() FROM destinations WHERE name = $1`, to).Scan(&waits)
	if err != nil {
		return false, fmt.Errorf("look whether %s is paused: %w", to.Name(), err)
	}
	return waits, nil
}

// Halts says that no other call would fare better, so that the destination pauses.
func Halts(what failure.Failure) bool {
	switch what.Code {
	case "API_CURRENTLY_DISABLED", "API_DISABLED_FOR_ORG", "CLIENT_NOT_ACCESSIBLE_FOR_USER", "INVALID_TYPE", "GONE", "UNSUPPORTED_API_VERSION":
		return true // of Salesforce, about the connected user or the version of the API
	case "STORAGE_LIMIT_EXCEEDED", "EXCEEDED_QUOTA":
		return true // of a whole call: there is room for no record
	case "REQUEST_LIMIT_EXCEEDED", marketo.CodeQuota:
		return what.Retry == failure.Slow // the day's calls are used up, not only those in flight
	}
	if strings.HasPrefix(what.Code, "TXN_SECURITY_") || strings.HasPrefix(what.Code, "OAUTH_APP_") {
		return true // of Salesforce, about the app
	}
	return what.Class == failure.Authentication || what.Class == failure.Setup || what.Class == failure.Limit && !what.Until.IsZero()
}

// pauses are how long to pause at first and at most: the longer it lasts, the later
// it is tried again.
func pauses(what failure.Failure) (first, last time.Duration) {
	switch {
	case what.Retry != failure.Slow:
		return firstPause, lastPause
	case what.Class == failure.Limit || what.Code == "REQUEST_LIMIT_EXCEEDED":
		return quotaProbe, quotaProbe
	}
	return slowRetry, slowRetry
}

// Pause notes why nothing is delivered and when it is tried again. It ends with the
// first delivery, or with a run that found nothing wrong; until then a cause that
// lasts keeps its beginning.
func Pause(ctx context.Context, pool *pgxpool.Pool, to models.Destination, cause error) error {
	what := Meaning(cause)
	first, last := pauses(what)
	var until *time.Time
	if !what.Until.IsZero() {
		until = &what.Until
	}
	_, err := pool.Exec(ctx, `
		WITH told AS (SELECT pg_notify('salesactions_live', 'activity'))
		UPDATE destinations SET paused_class = $2, paused_code = $3, paused_text = $4, paused_remedy = $5,
			paused_since = CASE WHEN paused_class = $2 AND paused_code = $3 THEN paused_since ELSE clock_timestamp() END,
			retry_at = CASE WHEN $6::timestamptz IS NOT NULL THEN least($6, clock_timestamp() + $9::interval)
				ELSE clock_timestamp() + least(greatest(CASE WHEN paused_class = $2 THEN (clock_timestamp() - paused_since) / 2 ELSE '0' END,
					$7::interval), $8::interval) END
		FROM told WHERE name = $1`,
		to, what.Class, what.Code, what.Text, what.Remedy, until, first, last, quotaProbe)
	if err != nil {
		return fmt.Errorf("note why %s is paused: %w", to.Name(), err)
	}
	return nil
}

// unpauseSQL is to be narrowed to destinations by their names.
const unpauseSQL = `
	UPDATE destinations SET paused_class = NULL, paused_code = NULL, paused_text = NULL, paused_remedy = NULL, paused_since = NULL, retry_at = NULL
	WHERE paused_class IS NOT NULL`

// Unpause lets deliveries to a destination begin at once, after somebody mended what
// kept them, or after a run that nothing kept.
func Unpause(ctx context.Context, pool *pgxpool.Pool, to models.Destination) error {
	_, err := pool.Exec(ctx, `WITH mended AS (`+unpauseSQL+` AND name = $1 RETURNING name)
		SELECT pg_notify('salesactions_live', 'activity') FROM mended`, to)
	if err != nil {
		return fmt.Errorf("let deliveries to %s begin: %w", to.Name(), err)
	}
	return nil
}

// KeepSetup keeps what was found of a destination, for Settings and the next run.
func KeepSetup(ctx context.Context, pool *pgxpool.Pool, to models.Destination, setup any) error {
	raw, err := json.Marshal(setup)
	if err == nil {
		_, err = pool.Exec(context.WithoutCancel(ctx), `UPDATE destinations SET setup = $2, setup_at = now() WHERE name = $1`, to, raw)
	}
	if err != nil {
		return fmt.Errorf("keep what was found in %s: %w", to.Name(), err)
	}
	return nil
}

// orphans takes over what a run left that is over: nobody knows what became of it.
func orphans(ctx context.Context, pool *pgxpool.Pool, to models.Destination, run uuid.UUID) error {
	_, err := pool.Exec(ctx, `UPDATE deliveries SET sender = NULL, due_at = least(due_at, clock_timestamp()), updated_at = clock_timestamp()
		WHERE destination = $1 AND state = 'sending' AND sender IS NOT NULL AND sender <> $2`, to, run)
	if err != nil {
		return fmt.Errorf("take over what another run left: %w", err)
	}
	return nil
}
