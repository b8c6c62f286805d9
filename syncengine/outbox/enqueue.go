package outbox

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
)

// Entry is a delivery about to be written. It is about one of three things.
type Entry struct {
	Activity    uuid.UUID
	Task        uuid.UUID
	Unsubscribe int64

	To         models.Destination
	Operation  models.Operation
	Kind       models.ActivityKind // of an activity
	OccurredAt time.Time
	Hold       models.Hold       // what it waits for, if anything
	Skip       models.SkipReason // why it is not to be made, if so
	RemoteID   string            // the record that is in the destination already: then it is delivered
}

func (e Entry) state() models.DeliveryState {
	switch {
	case e.Skip != "":
		return models.Skipped
	case e.RemoteID != "":
		return models.Delivered
	}
	return models.Pending
}

// enqueueSQL leaves alone what is there already: an activity has one delivery of each
// operation to a destination, a task and an unsubscribe have one.
const enqueueSQL = `
	INSERT INTO deliveries (activity_id, task_id, unsubscribe_id, kind, destination, operation, occurred_at, state, hold, reason, remote_id, due_at, updated_at)
	SELECT nullif(activity, @none), nullif(task, @none), nullif(unsubscribe, 0), nullif(kind, ''), destination, operation, occurred, state,
		nullif(hold, ''), nullif(reason, ''), nullif(remote, ''), @now, @now
	FROM unnest(@activities::uuid[], @tasks::uuid[], @unsubscribes::bigint[], @kinds::text[], @destinations::text[], @operations::text[],
		@occurred::timestamptz[], @states::text[], @holds::text[], @reasons::text[], @remotes::text[])
		AS t (activity, task, unsubscribe, kind, destination, operation, occurred, state, hold, reason, remote)
	ON CONFLICT DO NOTHING`

// Enqueue writes deliveries. It runs in the transaction that writes what they are
// about, so that neither is there without the other.
func (o *Outbox) Enqueue(rows ...Entry) Statement {
	var (
		activities, tasks                                           []uuid.UUID
		unsubscribes                                                []int64
		kinds, destinations, operations, states, holds, why, remote []string
		occurred                                                    []time.Time
	)
	for _, n := range rows {
		activities, tasks, unsubscribes = append(activities, n.Activity), append(tasks, n.Task), append(unsubscribes, n.Unsubscribe)
		kinds, destinations, operations = append(kinds, string(n.Kind)), append(destinations, string(n.To)), append(operations, string(n.Operation))
		states, holds, why = append(states, string(n.state())), append(holds, string(n.Hold)), append(why, string(n.Skip))
		remote, occurred = append(remote, n.RemoteID), append(occurred, n.OccurredAt)
	}
	return Statement{SQL: enqueueSQL, Args: pgx.NamedArgs{
		"none": uuid.Nil, "now": o.clock.Now(), "activities": activities, "tasks": tasks, "unsubscribes": unsubscribes, "kinds": kinds,
		"destinations": destinations, "operations": operations, "occurred": occurred, "states": states, "holds": holds, "reasons": why, "remotes": remote,
	}}
}
