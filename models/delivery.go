package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Destination is a system that activities are delivered to.
type Destination string

// The destinations.
const (
	ToMarketo    Destination = "marketo"
	ToSalesforce Destination = "salesforce"
)

// Name is the system's name as people write it.
func (d Destination) Name() string {
	if d == ToMarketo {
		return "Marketo"
	}
	return "Salesforce"
}

// DeliveryState is how far a delivery is.
type DeliveryState string

// The states.
const (
	Pending   DeliveryState = "pending"   // waits for its turn, its person, its email or its next try
	Sending   DeliveryState = "sending"   // on its way, or its outcome is not known yet
	Delivered DeliveryState = "delivered" // it is there
	Failed    DeliveryState = "failed"    // somebody must act
	Skipped   DeliveryState = "skipped"   // not to be delivered, as Reason says
)

// Valid says whether it is one of the five.
func (s DeliveryState) Valid() bool {
	switch s {
	case Pending, Sending, Delivered, Failed, Skipped:
		return true
	}
	return false
}

// Operation is what a delivery does in the destination.
type Operation string

// The operations.
const (
	Create Operation = "create"  // an activity in Marketo, a Task in Salesforce
	Update Operation = "update"  // the email's Task in Salesforce shows what happened to it
	Sync   Operation = "sync"    // a reminder task and its Task in Salesforce are made the same
	OptOut Operation = "opt_out" // a lead or contact in Salesforce is opted out
)

// Hold is what a pending delivery waits for, apart from its turn.
type Hold string

// The holds.
const (
	HoldPerson Hold = "person" // the person is not in the workspace yet
	HoldEmail  Hold = "email"  // the email's Task is not in Salesforce yet
	HoldRecord Hold = "record" // the person has no lead or contact in Salesforce
	HoldReread Hold = "reread" // the person is being read again: Marketo does not find them
)

// SkipReason says why an activity is not delivered to a destination.
type SkipReason string

// The reasons.
const (
	SkippedKind        SkipReason = "kind_not_logged"      // campaign steps never become Tasks
	SkippedOff         SkipReason = "switched_off"         // the admin does not log this kind
	SkippedBefore      SkipReason = "before_switched_on"   // it happened before the admin began to log this kind
	SkippedNoRecord    SkipReason = "no_salesforce_record" // the person has neither lead nor contact
	SkippedNoEmail     SkipReason = "no_email"             // an engagement that names no email
	SkippedEmail       SkipReason = "email_not_logged"     // the email that it belongs to has no Task
	SkippedNoFields    SkipReason = "no_task_fields"       // the org has none of the fields that would show it
	SkippedTaskDeleted SkipReason = "task_deleted"         // somebody deleted the email's Task in Salesforce
	SkippedCleared     SkipReason = "cleared"              // the unsubscribe was undone before Salesforce was told
	SkippedTaskUnseen  SkipReason = "task_unseen"          // the connected user cannot see the email's Task in Salesforce
)

// Delivery is what becomes of one activity in one destination.
type Delivery struct {
	ID          int64
	ActivityID  uuid.UUID
	Destination Destination
	Operation   Operation
	State       DeliveryState
	Hold        *Hold
	Reason      *SkipReason
	Attempts    int
	DueAt       time.Time  // pending: may be sent then; sending: its outcome is looked for then
	SentAt      *time.Time // of the last attempt
	RemoteID    *string    // in the destination: the Task, or Marketo's activity

	ErrorCode   *string // of the last attempt that failed
	ErrorClass  *string // of package failure
	ErrorText   *string
	ErrorRemedy *string
	UpdatedAt   time.Time
}

const deliveryColumns = `d.id, d.activity_id, d.destination, d.operation, d.state, d.hold, d.reason, d.attempts, d.due_at,
	d.sent_at, d.remote_id, d.error_code, d.error_class, d.error_text, d.error_remedy, d.updated_at`

// DeliveriesOf returns the deliveries of activities: Marketo's first, then
// Salesforce's, a Task of its own before a change of the email's.
func DeliveriesOf(ctx context.Context, db *gorm.DB, activities []uuid.UUID) (map[uuid.UUID][]Delivery, error) {
	if len(activities) == 0 {
		return nil, nil
	}
	var rows []Delivery
	err := db.WithContext(ctx).Raw(`SELECT `+deliveryColumns+` FROM deliveries d WHERE d.activity_id IN ?
		ORDER BY d.activity_id, d.destination, d.operation`, activities).Scan(&rows).Error
	if err != nil {
		return nil, translate(err, "read deliveries")
	}
	of := make(map[uuid.UUID][]Delivery, len(activities))
	for _, row := range rows {
		of[row.ActivityID] = append(of[row.ActivityID], row)
	}
	return of, nil
}

// Summarise makes one of the deliveries of an activity to the same destination: the
// one that stands for a record of its own, in the state of the least finished.
func Summarise(deliveries []Delivery) []Delivery {
	var summary []Delivery
	for _, d := range deliveries {
		last := len(summary) - 1
		if last < 0 || summary[last].Destination != d.Destination {
			summary = append(summary, d)
			continue
		}
		if rank(d.State) > rank(summary[last].State) {
			if summary[last].RemoteID != nil {
				d.RemoteID = summary[last].RemoteID
			}
			summary[last] = d
		}
	}
	return summary
}

func rank(s DeliveryState) int {
	switch s {
	case Failed:
		return 4
	case Sending:
		return 3
	case Pending:
		return 2
	case Delivered:
		return 1
	default:
		return 0
	}
}
