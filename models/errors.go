package models

import (
	"errors"
	"fmt"

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
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return fmt.Errorf("%s: %w", doing, ErrConflict)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}
