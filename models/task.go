package models

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// TaskKind is how a rep is to do it.
type TaskKind string

// The kinds.
const (
	TaskEmail  TaskKind = "email"
	TaskCall   TaskKind = "call"
	TaskInMail TaskKind = "inmail"
	TaskCustom TaskKind = "custom"
)

// TaskKinds are all kinds, in the order in which they are offered.
func TaskKinds() []TaskKind { return []TaskKind{TaskEmail, TaskCall, TaskInMail, TaskCustom} }

// Name is the kind as people read it, and as {{activity_type}} renders.
func (k TaskKind) Name() string {
	switch k {
	case TaskEmail:
		return "Email"
	case TaskCall:
		return "Call"
	case TaskInMail:
		return "InMail"
	case TaskCustom:
		return "Custom"
	}
	return ""
}

// Valid says whether it is one of the four.
func (k TaskKind) Valid() bool { return k.Name() != "" }

// TaskStatus is whether a task is done.
type TaskStatus string

// The statuses.
const (
	TaskOpen     TaskStatus = "open"
	TaskComplete TaskStatus = "complete"
)

// Valid says whether it is one of the two.
func (s TaskStatus) Valid() bool { return s == TaskOpen || s == TaskComplete }

// TaskPriority is how urgent a task is.
type TaskPriority string

// The priorities.
const (
	TaskNormal TaskPriority = "normal"
	TaskHigh   TaskPriority = "high"
)

// Valid says whether it is one of the two.
func (p TaskPriority) Valid() bool { return p == TaskNormal || p == TaskHigh }

// TaskOrigin is the side on which a task was created.
type TaskOrigin string

// The origins.
const (
	FromHere       TaskOrigin = "here"
	FromSalesforce TaskOrigin = "salesforce"
)

// Task is a reminder of a rep.
type Task struct {
	ID          uuid.UUID
	Kind        TaskKind
	Name        string
	Status      TaskStatus
	Priority    TaskPriority
	DueOn       *time.Time // a day, at midnight UTC
	Details     string
	RepEmail    *string // in small letters; nil: nobody's here
	PersonID    *int64
	WhoID       *string // the lead or contact in Salesforce, where no person here has it
	Origin      TaskOrigin
	CreatedBy   string // as the audit log names actors; "salesforce"
	CreatedAt   time.Time
	UpdatedAt   time.Time
	CompletedAt *time.Time
	DeletedAt   *time.Time

	PersonName string `gorm:"-"` // empty without a person
	Sync       *Push  `gorm:"-"` // nil: it is not to be in Salesforce
}

// Push is how far something is on its way to Salesforce.
type Push struct {
	DeliveryID  int64
	State       DeliveryState
	RemoteID    *string
	ErrorCode   *string
	ErrorText   *string
	ErrorRemedy *string
	Attempts    int
}

// taskColumns are read from tasks "t" with their delivery "d" and person "p".
const taskColumns = `t.id, t.kind, t.name, t.status, t.priority, t.due_on, t.details, t.rep_email, t.person_id, t.who_id, t.origin,
	t.created_by, t.created_at, t.updated_at, t.completed_at, t.deleted_at, p.first_name, p.last_name, p.email AS person_email,
	d.id AS delivery_id, d.state, d.remote_id, d.error_code, d.error_text, d.error_remedy, d.attempts`

const taskJoins = ` LEFT JOIN deliveries d ON d.task_id = t.id LEFT JOIN people p ON p.id = t.person_id`

// taskRow is a task as the database joins it.
type taskRow struct {
	Task        `gorm:"embedded"`
	FirstName   *string
	LastName    *string
	PersonEmail *string
	DeliveryID  *int64
	State       *DeliveryState
	RemoteID    *string
	ErrorCode   *string
	ErrorText   *string
	ErrorRemedy *string
	Attempts    *int
}

func (r taskRow) task() Task {
	t := r.Task
	if t.PersonID != nil {
		t.PersonName = Person{FirstName: r.FirstName, LastName: r.LastName, Email: r.PersonEmail}.Name()
	}
	if r.DeliveryID != nil {
		t.Sync = &Push{DeliveryID: *r.DeliveryID, State: *r.State, RemoteID: r.RemoteID, ErrorCode: r.ErrorCode,
			ErrorText: r.ErrorText, ErrorRemedy: r.ErrorRemedy, Attempts: *r.Attempts}
	}
	return t
}

// FindTask returns a task, deleted ones too, or ErrNotFound.
func FindTask(ctx context.Context, db *gorm.DB, id uuid.UUID) (Task, error) {
	var row taskRow
	found := db.WithContext(ctx).Raw(`SELECT `+taskColumns+` FROM tasks t`+taskJoins+` WHERE t.id = ?`, id).Scan(&row)
	if found.Error == nil && found.RowsAffected == 0 {
		return Task{}, translate(gorm.ErrRecordNotFound, "find task")
	}
	return row.task(), translate(found.Error, "find task")
}

// TaskEvent is what happened to a task.
type TaskEvent string

// The events.
const (
	TaskCreated  TaskEvent = "created"
	TaskChanged  TaskEvent = "changed"
	TaskLost     TaskEvent = "lost" // an edit that gave way to a later one of the other side, or went with a deletion
	TaskDeleted  TaskEvent = "deleted"
	TaskRestored TaskEvent = "restored"
)

// TaskLine is a line of a task's history.
type TaskLine struct {
	ID     int64
	TaskID uuid.UUID
	At     time.Time
	Source TaskOrigin // the side that did it
	Actor  string
	Event  TaskEvent
	Field  string // by its name in the API; empty for what is about the whole
	Old    *string
	New    *string
}

// TaskHistory returns the newest lines of a task, newest first.
func TaskHistory(ctx context.Context, db *gorm.DB, id uuid.UUID, limit int) ([]TaskLine, error) {
	var lines []TaskLine
	err := db.WithContext(ctx).Raw(`SELECT * FROM task_history WHERE task_id = ? ORDER BY id DESC LIMIT ?`, id, limit).Scan(&lines).Error
	return lines, translate(err, "read the history of a task")
}

// TaskEdits are the fields that were edited here since both sides agreed.
type TaskEdits map[string]time.Time

// Scan implements sql.Scanner; the column holds JSON.
func (e *TaskEdits) Scan(value any) error {
	var raw []byte
	switch value := value.(type) {
	case string:
		raw = []byte(value)
	case []byte:
		raw = value
	default:
		return fmt.Errorf("read the edits of a task: %T is not JSON", value)
	}
	if err := json.Unmarshal(raw, e); err != nil {
		return fmt.Errorf("read the edits of a task: %w", err)
	}
	return nil
}
