package models_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
)

const (
	rita     = "rita@example.com"
	ritaID   = "005000000000001AAA"
	othersID = "005000000000002AAA"
)

// office is a database with people of two owners.
type office struct {
	t  *testing.T
	db *postgres.DB
	n  int
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, db: postgrestest.New(t)}
	o.exec(`INSERT INTO api_tokens (name, scope, token_hash, hint, created_by) VALUES ('t', 'record', 'x', 'x', 'cli')`)
	o.exec(`INSERT INTO salesforce_reps (email, user_id) VALUES ($1, $2), ('otto@example.com', NULL)`, rita, ritaID[:15])
	o.person(1, ritaID)
	o.person(2, othersID)
	return o
}

func (o *office) exec(sql string, args ...any) {
	o.t.Helper()
	_, err := o.db.Pool.Exec(context.WithoutCancel(o.t.Context()), sql, args...)
	require.NoError(o.t, err)
}

func (o *office) person(id int64, owner string) {
	o.t.Helper()
	o.exec(`INSERT INTO people (id, first_name, owner_id, name_key, company_key, title_key, email_key, source_key, search, read_at, created_run_id)
		VALUES ($1, $3, $2, '', '', '', '', '', '', now(), 1)`, id, owner, fmt.Sprint("Person ", id))
}

func (o *office) happened(kind models.ActivityKind, person int64, rep string, at time.Time) uuid.UUID {
	o.t.Helper()
	o.n++
	id := uuid.New()
	o.exec(`INSERT INTO activities (id, token_id, key, kind, occurred_at, person_id, rep_email) VALUES ($1, 1, $2, $3, $4, $5, $6)`,
		id, fmt.Sprint(o.n), kind, at, person, rep)
	return id
}

func (o *office) task(name, rep, due string, set string) {
	o.t.Helper()
	id := uuid.New()
	o.exec(`INSERT INTO tasks (id, kind, name, rep_email, due_on, person_id, created_by) VALUES ($1, 'call', $2, $3, nullif($4, '')::date, 1, 'cli')`, id, name, rep, due)
	if set != "" {
		o.exec(`UPDATE tasks SET `+set+` WHERE id = $1`, id)
	}
}
