package postgres

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// queryLog tells of slow queries, never of their values. A query's error is returned
// to its caller, who decides whether to log it, so it is not logged here too.
type queryLog struct{ logger.Interface }

func newQueryLog(log *slog.Logger, slow time.Duration) queryLog {
	return queryLog{logger.NewSlogLogger(log, logger.Config{
		LogLevel:             logger.Warn,
		SlowThreshold:        slow,
		ParameterizedQueries: true,
	})}
}

func (l queryLog) LogMode(level logger.LogLevel) logger.Interface {
	return queryLog{l.Interface.LogMode(level)}
}

func (l queryLog) Trace(ctx context.Context, begin time.Time, query func() (string, int64), _ error) {
	l.Interface.Trace(ctx, begin, query, nil)
}

// ParamsFilter has to be visible on the outermost logger, else GORM writes the values
// into the query that it logs.
func (l queryLog) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) {
	return sql, nil
}

var _ gorm.ParamsFilter = queryLog{}
