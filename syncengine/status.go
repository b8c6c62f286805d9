package syncengine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"salesactions/models"
	"salesactions/syncengine/people"
)

// SyncState is the state of the people sync as people and programs see it.
type SyncState string

// The states.
const (
	StateIdle      SyncState = "idle"
	StateCopying   SyncState = "copying"
	StatePaused    SyncState = "paused"
	StateFollowing SyncState = "following"
	StateFailed    SyncState = "failed"
)

// Preview is how many people a sync would bring.
type Preview = people.Preview

// Status is what the people sync is doing.
type Status struct {
	State        SyncState
	Connected    bool
	Copy         *Progress
	Reconcile    *Progress
	Runs         []models.SyncRun // newest first, at most 20
	CaughtUpAt   *time.Time       // when the change logs were last read to their ends
	Lag          *time.Duration   // since then; nil before the first time
	Trouble      *Trouble
	PausedAt     *time.Time
	PausedBy     string
	Preview      *Preview
	People       int64
	Archived     int64
	ChangesToday models.SyncRun // zero when none
	Touched      int64          // people waiting to be read again
}

// Progress is how far a run is.
type Progress struct {
	RunID         int64
	Kind          models.RunKind
	StartedAt     time.Time
	Processed     int64
	Total         *int64 // an estimate until all of it is known; nil at the very beginning
	RatePerSecond float64
	ETA           *time.Duration
	APICalls      int64
	Rates         []float64 // people per second over the last minutes, oldest first
}

// recentRuns is how many runs the status has.
const recentRuns = 20

// Status returns what the people sync is doing.
func (e *Engine) Status(ctx context.Context) (Status, error) {
	row, err := models.FindPeopleSync(ctx, e.db)
	if err != nil {
		return Status{}, err
	}
	st := Status{State: stateOf(row), CaughtUpAt: row.CaughtUpAt, PausedAt: row.PausedAt, PausedBy: deref(row.PausedBy)}
	if row.CaughtUpAt != nil {
		lag := max(e.clock.Since(*row.CaughtUpAt), 0)
		st.Lag = &lag
	}
	if row.TroubleClass != nil && row.TroubleSince != nil {
		st.Trouble = &Trouble{Class: *row.TroubleClass, Code: deref(row.TroubleCode), Text: deref(row.TroubleText),
			Remedy: deref(row.TroubleRemedy), Since: *row.TroubleSince, RetryAt: row.RetryAt, Halted: row.Failed}
	}
	connection, err := e.MarketoConnection(ctx)
	if err != nil {
		return Status{}, err
	}
	st.Connected = connection.Connected
	if st.People, st.Archived, err = models.PeopleTotals(ctx, e.db); err != nil {
		return Status{}, err
	}
	if st.Runs, err = models.RecentRuns(ctx, e.db, recentRuns); err != nil {
		return Status{}, err
	}
	return st, e.fill(ctx, &st)
}

func stateOf(row models.PeopleSync) SyncState {
	switch {
	case row.State == models.PhaseIdle:
		return StateIdle
	case row.PausedAt != nil:
		return StatePaused
	case row.Failed:
		return StateFailed
	case row.State == models.PhaseCopying:
		return StateCopying
	default:
		return StateFollowing
	}
}

// fill adds what the runs and the inbox tell.
func (e *Engine) fill(ctx context.Context, st *Status) (err error) {
	today := e.clock.Now().UTC().Truncate(24 * time.Hour)
	for _, run := range st.Runs {
		if run.Kind == models.RunFollow && !run.StartedAt.Before(today) {
			st.ChangesToday = run
		}
		if run.FinishedAt != nil || run.Kind == models.RunFollow {
			continue
		}
		progress, err := e.progress(ctx, run)
		if err != nil {
			return err
		}
		if run.Kind == models.RunCopy {
			st.Copy = progress
		} else {
			st.Reconcile = progress
		}
	}
	if err := e.pool.QueryRow(ctx, `SELECT count(*) FROM touched_people`).Scan(&st.Touched); err != nil {
		return fmt.Errorf("read the inbox: %w", err)
	}
	st.Preview, err = e.people.LatestCount(ctx)
	return err
}

// progress tells how fast a run is, from where it was every few seconds.
func (e *Engine) progress(ctx context.Context, run models.SyncRun) (*Progress, error) {
	p := &Progress{RunID: run.ID, Kind: run.Kind, StartedAt: run.StartedAt, Processed: run.Processed, Total: run.Total, APICalls: run.APICalls}
	samples, err := models.RunSamples(ctx, e.db, run.ID, e.clock.Now().Add(-3*time.Minute))
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(samples); i++ {
		if seconds := samples[i].At.Sub(samples[i-1].At).Seconds(); seconds > 0 {
			p.Rates = append(p.Rates, float64(samples[i].Processed-samples[i-1].Processed)/seconds)
		}
	}
	if n := len(samples); n > 1 {
		if seconds := e.clock.Since(samples[0].At).Seconds(); seconds > 0 {
			p.RatePerSecond = float64(run.Processed-samples[0].Processed) / seconds
		}
	}
	if p.Total != nil && p.RatePerSecond > 0 {
		eta := time.Duration(float64(max(*p.Total-p.Processed, 0)) / p.RatePerSecond * float64(time.Second))
		p.ETA = &eta
	}
	return p, nil
}

// Report is what a reconciliation found.
type Report struct {
	RunID            int64
	StartedAt        time.Time
	FinishedAt       time.Time
	By               string
	MarketoCount     int64
	WorkspaceCount   int64
	Equal            bool // before healing
	Slices           []models.ReconcileSlice
	Differences      []Difference // the first 100
	DifferencesTotal int64
}

// Difference is one person who was not the same on both sides.
type Difference struct {
	PersonID int64
	Name     string
	Kind     string // missing, extra, differs: in the workspace, as Marketo has it
	Healed   bool
	Changes  []models.PersonChange // what healing changed
}

// shownDifferences is how many differences a report lists.
const shownDifferences = 100

// Report returns the latest finished reconciliation's report, nil when there is none.
func (e *Engine) Report(ctx context.Context) (*Report, error) {
	run, err := models.LatestRun(ctx, e.db, models.RunReconcile)
	if errors.Is(err, models.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := &Report{RunID: run.ID, StartedAt: run.StartedAt, FinishedAt: *run.FinishedAt, By: run.StartedBy}
	if r.Slices, err = models.ReconcileSlices(ctx, e.db, run.ID); err != nil {
		return nil, err
	}
	for _, slice := range r.Slices {
		r.MarketoCount += slice.MarketoCount
		r.WorkspaceCount += slice.WorkspaceCount
	}
	differences, total, err := models.ReconcileDifferences(ctx, e.db, run.ID, shownDifferences)
	if err != nil {
		return nil, err
	}
	changes, err := models.ChangesOfRun(ctx, e.db, run.ID, shownDifferences*5)
	if err != nil {
		return nil, err
	}
	of := map[int64][]models.PersonChange{}
	for _, change := range changes {
		of[change.PersonID] = append(of[change.PersonID], change)
	}
	for _, d := range differences {
		name := models.Person{FirstName: d.FirstName, LastName: d.LastName, Email: d.Email}.Name()
		r.Differences = append(r.Differences, Difference{PersonID: d.PersonID, Name: name, Kind: d.Kind, Healed: d.HealedAt != nil, Changes: of[d.PersonID]})
	}
	r.DifferencesTotal, r.Equal = total, total == 0
	return r, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
