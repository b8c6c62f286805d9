package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// ReconcileSlice compares one part of Marketo with the same part of the workspace.
// Checksums are over the 13 fields and the owner of everybody in it.
type ReconcileSlice struct {
	Label             string
	MarketoCount      int64
	WorkspaceCount    int64
	MarketoChecksum   string
	WorkspaceChecksum string
}

// Equal says that both sides hold the same.
func (s ReconcileSlice) Equal() bool {
	return s.MarketoCount == s.WorkspaceCount && s.MarketoChecksum == s.WorkspaceChecksum
}

// ReconcileDifference is a person who was not the same on both sides.
type ReconcileDifference struct {
	PersonID  int64
	Kind      string // missing, extra, differs
	HealedAt  *time.Time
	FirstName *string
	LastName  *string
	Email     *string
}

// RunSample is how far a run was at a time.
type RunSample struct {
	At        time.Time
	Processed int64
}

// LatestRun returns the newest finished run of a kind that was done, or ErrNotFound.
func LatestRun(ctx context.Context, db *gorm.DB, kind RunKind) (SyncRun, error) {
	var run SyncRun
	err := db.WithContext(ctx).Where("kind = ? AND outcome = ?", kind, RunDone).Order("id DESC").Take(&run).Error
	return run, translate(err, "find the latest run")
}

// RunSamples returns how far a run was since a time, oldest first.
func RunSamples(ctx context.Context, db *gorm.DB, runID int64, since time.Time) ([]RunSample, error) {
	var samples []RunSample
	err := db.WithContext(ctx).Raw(`SELECT at, processed FROM sync_samples WHERE run_id = ? AND at >= ? ORDER BY at LIMIT 500`,
		runID, since).Scan(&samples).Error
	return samples, translate(err, "read a run's progress")
}

// ReconcileSlices returns the parts of a reconciliation's report.
func ReconcileSlices(ctx context.Context, db *gorm.DB, runID int64) ([]ReconcileSlice, error) {
	var slices []ReconcileSlice
	err := db.WithContext(ctx).Raw(`SELECT label, marketo_count, workspace_count, marketo_checksum, workspace_checksum
		FROM reconcile_slices WHERE run_id = ? ORDER BY position`, runID).Scan(&slices).Error
	return slices, translate(err, "read the parts of a report")
}

// ReconcileDifferences returns the first differences of a reconciliation, and how
// many there are in all.
func ReconcileDifferences(ctx context.Context, db *gorm.DB, runID int64, limit int) ([]ReconcileDifference, int64, error) {
	var differences []ReconcileDifference
	err := db.WithContext(ctx).Raw(`SELECT d.person_id, d.kind, d.healed_at, p.first_name, p.last_name, p.email
		FROM reconcile_differences d LEFT JOIN people p ON p.id = d.person_id
		WHERE d.run_id = ? ORDER BY d.person_id LIMIT ?`, runID, limit).Scan(&differences).Error
	if err != nil || len(differences) < limit {
		return differences, int64(len(differences)), translate(err, "read the differences of a report")
	}
	var total int64
	err = db.WithContext(ctx).Raw(`SELECT count(*) FROM reconcile_differences WHERE run_id = ?`, runID).Row().Scan(&total)
	return differences, total, translate(err, "count the differences of a report")
}

// ChangesOfRun returns the first changes that a run made.
func ChangesOfRun(ctx context.Context, db *gorm.DB, runID int64, limit int) ([]PersonChange, error) {
	var changes []PersonChange
	err := db.WithContext(ctx).Raw(`SELECT id, person_id, run_id, field, old, new, changed_at
		FROM person_changes WHERE run_id = ? ORDER BY id LIMIT ?`, runID, limit).Scan(&changes).Error
	return changes, translate(err, "read a run's changes")
}
