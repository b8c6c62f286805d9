package models

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// What callers decide on. Compare with errors.Is.
var (
	// ErrNotFound says that no such row exists.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that a row with that unique value exists already, or that
	// somebody else changed the row since it was read.
	ErrConflict = errors.New("conflict")
	// ErrLastAdmin says that nobody would be left who can sign in and configure.
	ErrLastAdmin = errors.New("the last admin must stay one")
	// ErrBadCursor says that a page cursor is not one that this program made for
	// this order.
	ErrBadCursor = errors.New("the page cursor is not valid for this order")
)

// translate wraps an error of the database with what was being done, as one of
// the sentinels where callers decide on it. nil stays nil.
func translate(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gorm.ErrRecordNotFound):
		return fmt.Errorf("%s: %w", doing, ErrNotFound)
	case errors.Is(err, gorm.ErrDuplicatedKey), isUniqueViolation(err):
		return fmt.Errorf("%s: %w", doing, ErrConflict)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}

// isUniqueViolation knows the error that GORM leaves as it is where a row that a
// statement returns is scanned.
func isUniqueViolation(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "23505" // PostgreSQL: error codes, unique_violation
}
