package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// RunKind is what a run of the people sync does.
type RunKind string

// The kinds, in code; screens call them initial sync, incremental sync and reconciliation.
const (
	RunCopy      RunKind = "copy"
	RunFollow    RunKind = "follow"
	RunReconcile RunKind = "reconcile"
)

// RunOutcome is how a run ended.
type RunOutcome string

// The outcomes.
const (
	RunDone   RunOutcome = "done"
	RunFailed RunOutcome = "failed"
)

// SyncRun is one execution of the people sync. A follow run collects what one
// day's incremental sync did.
type SyncRun struct {
	ID         int64
	Kind       RunKind
	StartedBy  string
	StartedAt  time.Time
	FinishedAt *time.Time
	Outcome    *RunOutcome
	Error      *string
	Total      *int64 // people expected, nil while unknown
	Processed  int64
	Created    int64
	Updated    int64
	Archived   int64
	APICalls   int64 `gorm:"column:api_calls"`
}

// SyncPhase is where the people sync stands, apart from being paused or in trouble.
type SyncPhase string

// The phases.
const (
	PhaseIdle      SyncPhase = "idle"
	PhaseCopying   SyncPhase = "copying"
	PhaseFollowing SyncPhase = "following"
)

// PeopleSync is the one row that says what the people sync is doing, and why it is not.
type PeopleSync struct {
	State         SyncPhase
	PausedAt      *time.Time
	PausedBy      *string
	TroubleClass  *string // a class of syncengine/failure
	TroubleCode   *string
	TroubleText   *string
	TroubleRemedy *string
	TroubleSince  *time.Time
	RetryAt       *time.Time
	Failed        bool // nothing goes on until somebody acts
	CopiedAt      *time.Time
	CaughtUpAt    *time.Time // when the streams were last read to their end
}

// FindPeopleSync returns the state of the people sync.
func FindPeopleSync(ctx context.Context, db *gorm.DB) (PeopleSync, error) {
	var s PeopleSync
	err := db.WithContext(ctx).Raw("SELECT * FROM people_sync").Scan(&s).Error
	return s, translate(err, "read the state of the people sync")
}

// RecentRuns returns the newest runs, newest first.
func RecentRuns(ctx context.Context, db *gorm.DB, limit int) ([]SyncRun, error) {
	var runs []SyncRun
	err := db.WithContext(ctx).Order("started_at DESC, id DESC").Limit(limit).Find(&runs).Error
	return runs, translate(err, "read runs")
}

// PeopleTotals returns how many people are in the workspace, and how many archived.
func PeopleTotals(ctx context.Context, db *gorm.DB) (live, archived int64, err error) {
	row := db.WithContext(ctx).Raw("SELECT live, archived FROM people_totals").Row()
	return live, archived, translate(row.Scan(&live, &archived), "count people")
}
