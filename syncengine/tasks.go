package syncengine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"salesactions/models"
	"salesactions/syncengine/tasks"
	"salesactions/syncengine/who"
)

// TaskFields are the values of a task as people and programs give them.
type TaskFields = tasks.Fields

// Limits of a task's texts, in characters.
const (
	MaxTaskName    = tasks.MaxName
	MaxTaskDetails = tasks.MaxDetails
)

// PersonRef names a person by ids or an address.
type PersonRef = who.Ref

// CreateTask adds a reminder task about a person, or about nobody. Errors:
// *InvalidError.
func (e *Engine) CreateTask(ctx context.Context, f TaskFields, about PersonRef, actor string) (models.Task, error) {
	if f.Kind == nil {
		return models.Task{}, &InvalidError{"kind", "Say how it is to be done: email, call, inmail or custom."}
	}
	if f.Name == nil {
		return models.Task{}, &InvalidError{"name", "Say what there is to do."}
	}
	if err := asInvalid(f.Check()); err != nil {
		return models.Task{}, err
	}
	person, err := e.personFor(ctx, about)
	if err != nil {
		return models.Task{}, err
	}
	id, err := e.tasks.Create(ctx, f, person, actor)
	if err != nil {
		return models.Task{}, err
	}
	return e.taskNow(ctx, id)
}

// personFor finds the person that a task is about; nil where none is named.
func (e *Engine) personFor(ctx context.Context, about PersonRef) (*int64, error) {
	if !about.Given() {
		return nil, nil
	}
	if err := about.Check(); err != nil {
		return nil, asInvalid(err)
	}
	people, err := who.LookUp(ctx, e.pool, []who.Ref{about})
	if err != nil {
		return nil, err
	}
	id, err := people.Person(about)
	if err != nil {
		return nil, asInvalid(err)
	}
	if id == 0 {
		return nil, &InvalidError{"person_id", "Nobody in the workspace is known by this. A task can be about somebody who is here, or about nobody."}
	}
	return &id, nil
}

// ChangeTask changes what is given of a task. Errors: models.ErrNotFound; *InvalidError.
func (e *Engine) ChangeTask(ctx context.Context, id uuid.UUID, f TaskFields, actor string) (models.Task, error) {
	if err := asInvalid(f.Check()); err != nil {
		return models.Task{}, err
	}
	if err := e.tasks.Change(ctx, id, f, actor); err != nil {
		return models.Task{}, err
	}
	return e.taskNow(ctx, id)
}

// DeleteTask takes a task out of the lists, here and in Salesforce. Errors: models.ErrNotFound.
func (e *Engine) DeleteTask(ctx context.Context, id uuid.UUID, actor string) error {
	if err := e.tasks.Delete(ctx, id, actor); err != nil {
		return err
	}
	return e.nudgeDeliveries(ctx)
}

// RestoreTask brings a deleted task back. Errors: models.ErrNotFound.
func (e *Engine) RestoreTask(ctx context.Context, id uuid.UUID, actor string) error {
	if err := e.tasks.Restore(ctx, id, actor); err != nil {
		return err
	}
	return e.nudgeDeliveries(ctx)
}

// taskNow reads a task that was just changed. A nudge that fails costs seconds; an error
// would have it created again.
func (e *Engine) taskNow(ctx context.Context, id uuid.UUID) (models.Task, error) {
	if err := e.nudgeDeliveries(ctx); err != nil {
		e.log.WarnContext(ctx, "Deliveries were not nudged", "error", err)
	}
	return models.FindTask(ctx, e.db, id)
}

// PullTasks has Salesforce's changes of tasks read now.
func (e *Engine) PullTasks(ctx context.Context) error { return e.nudge(ctx, jobPullTasks) }

// TaskSync is how the tasks of both sides are kept the same.
type TaskSync struct {
	On      bool
	Since   time.Time
	ReadAt  *time.Time // when Salesforce's changes were last read
	Every   time.Duration
	Linked  int64 // tasks that are in Salesforce
	Waiting int64 // on their way there
	Failed  int64
	Pause   *models.Pause // why nothing is sent, if so
}

// TaskSync returns how far both sides are.
func (e *Engine) TaskSync(ctx context.Context) (TaskSync, error) {
	logging, _, err := models.LoadLogging(ctx, e.db)
	if err != nil {
		return TaskSync{}, err
	}
	s := TaskSync{On: logging.Tasks.On, Since: logging.Tasks.Since, Every: e.cfg.TaskPoll}
	err = e.pool.QueryRow(ctx, `SELECT (SELECT polled_at FROM salesforce_cursors WHERE stream = 'tasks'),
		(SELECT count(remote_id) FROM deliveries WHERE task_id IS NOT NULL AND remote_id IS NOT NULL),
		(SELECT count(*) FROM deliveries WHERE destination = 'salesforce' AND operation = 'sync' AND state = 'pending' AND hold IS NULL)
			+ (SELECT count(*) FROM deliveries WHERE destination = 'salesforce' AND operation = 'sync' AND state = 'sending'),
		(SELECT count(*) FROM deliveries WHERE destination = 'salesforce' AND task_id IS NOT NULL AND state = 'failed')`).Scan(&s.ReadAt, &s.Linked, &s.Waiting, &s.Failed)
	if err != nil {
		return s, fmt.Errorf("count the tasks in Salesforce: %w", err)
	}
	pauses, err := models.ListPauses(ctx, e.db)
	for _, p := range pauses {
		if p.Destination == models.ToSalesforce {
			s.Pause = &p
		}
	}
	return s, err
}

// asInvalid gives a stage's word on bad input the type that handlers know.
func asInvalid(err error) error {
	var ofTask *tasks.InvalidError
	var ofPerson *who.InvalidError
	switch {
	case errors.As(err, &ofTask):
		return &InvalidError{ofTask.Field, ofTask.Message}
	case errors.As(err, &ofPerson):
		return &InvalidError{ofPerson.Field, ofPerson.Message}
	}
	return err
}
