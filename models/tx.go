package models

import (
	"context"

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
