// Package models holds the rows of the database and the questions asked of them.
//
// Functions take a context and a handle first, so that callers decide the
// transaction. GORM's and pgx's errors are translated here (see errors.go) and go
// no further. The package knows nobody above it.
package models
