package postgres

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// slowQueries tells of slow queries, reading their rows included, by their text
// without the values. It listens to pgx rather than GORM: that covers everybody, and
// GORM's own log fills the values in after all where a query ends in Scan. An error is
// returned to its caller, who decides whether to log it, so it is not logged here.
type slowQueries struct {
	log  *slog.Logger
	slow time.Duration
}

type startedKey struct{}

type startedQuery struct {
	sql string
	at  time.Time
}

// TraceQueryStart is called by pgx.
func (s slowQueries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, query pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, startedKey{}, startedQuery{query.SQL, time.Now()})
}

// TraceQueryEnd is called by pgx.
func (s slowQueries) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, end pgx.TraceQueryEndData) {
	query, ok := ctx.Value(startedKey{}).(startedQuery)
	if !ok {
		return
	}
	if took := time.Since(query.at); took >= s.slow {
		s.log.WarnContext(ctx, "slow query", "sql", beginning(query.sql), "duration", took, "rows", end.CommandTag.RowsAffected())
	}
}

var _ pgx.QueryTracer = slowQueries{}

// beginning is enough of a statement to know which it is.
func beginning(sql string) string {
	sql = strings.Join(strings.Fields(sql), " ")
	if len(sql) > 200 {
		return strings.ToValidUTF8(sql[:200], "") + "…"
	}
	return sql
}
