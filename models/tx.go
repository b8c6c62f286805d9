package models

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"
)

// Tx runs do in one transaction, which is committed when do returns nil. Inside a
// transaction it uses that one.
func Tx(ctx context.Context, db *gorm.DB, do func(tx *gorm.DB) error) error {
	if _, inside := db.Statement.ConnPool.(gorm.TxCommitter); inside {
		return do(db.WithContext(ctx))
	}
	return db.WithContext(ctx).Transaction(do)
}

// Sweep runs do in one transaction, unless the same sweep is running already, here or in
// another process: then it does nothing. A sweep looks at everything that waits, so that
// the next one finds what this one would have; waiting for it would only hold a
// connection.
func Sweep(ctx context.Context, pool *pgxpool.Pool, name string, do func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))`, "sweep:"+name).Scan(&mine); err != nil {
			return fmt.Errorf("begin the sweep %s: %w", name, err)
		}
		if !mine {
			return nil
		}
		return do(tx)
	})
}
