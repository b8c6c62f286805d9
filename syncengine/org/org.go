package org

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"
	"gorm.io/gorm"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

// Session is the connection in force.
type Session struct {
	*salesforce.Client
	Instance string // its address
	UserID   string // of the connected user
}

// Connect gives the session of the connection in force. Errors: *failure.PausedError
// where there is none.
type Connect func(context.Context) (Session, error)

// Org is the connected org. It is safe for concurrent use.
type Org struct {
	Client Connect

	outbox *outbox.Outbox
	pool   *pgxpool.Pool
	db     *gorm.DB

	asking sync.Mutex // one caller at a time asks about reps

	mu       sync.Mutex
	setup    Setup
	settings Settings
}

// New returns the org that connect reaches.
func New(pool *pgxpool.Pool, db *gorm.DB, o *outbox.Outbox, connect Connect) *Org {
	return &Org{Client: connect, outbox: o, pool: pool, db: db}
}

func (o *Org) clock() clockwork.Clock { return o.outbox.Clock() }

// setupAge is how long what was found of the org is believed.
const setupAge = time.Hour

// Prepare learns what the org has, unless it is known from not long ago.
func (o *Org) Prepare(ctx context.Context) error {
	session, err := o.Client(ctx)
	if err != nil {
		return err
	}
	settings, err := o.load(ctx)
	if err != nil {
		return err
	}
	known, err := Load(ctx, o.pool)
	if err != nil {
		return err
	}
	if known == nil || known.Error != "" || known.Instance != session.Instance || known.UserID != session.UserID || o.clock().Since(known.At) > setupAge ||
		!slices.Equal(known.Sought, settings.sought()) {
		return o.Refresh(ctx)
	}
	o.keep(*known, settings)
	return nil
}

// Refresh describes the org again because it refused a field that it had.
func (o *Org) Refresh(ctx context.Context) error { return o.Examine(budget.For(ctx, budget.Setup)) }

// Examine describes the org; its calls are counted for the purpose of the context.
func (o *Org) Examine(ctx context.Context) error {
	session, err := o.Client(ctx)
	if err != nil {
		return err
	}
	settings, err := o.load(ctx)
	if err != nil {
		return err
	}
	if err := o.forgetOther(ctx, session.Instance); err != nil {
		return err
	}
	setup, err := Look(ctx, o.outbox, session, settings)
	if err != nil {
		return err
	}
	o.keep(setup, settings)
	return nil
}

// forgetOther forgets what was remembered of another org's records: those of this one
// have ids of their own. What is known of reps says itself which org it is about.
func (o *Org) forgetOther(ctx context.Context, instance string) error {
	_, err := o.pool.Exec(ctx, `DELETE FROM salesforce_records WHERE EXISTS (SELECT FROM destinations
		WHERE name = 'salesforce' AND setup->>'instance' <> '' AND setup->>'instance' <> $1)`, instance)
	if err != nil {
		return fmt.Errorf("forget what another org told: %w", err)
	}
	return nil
}

// Known returns what was found, and the settings that it was found with.
func (o *Org) Known() (Setup, Settings) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.setup, o.settings
}

func (o *Org) keep(setup Setup, settings Settings) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.setup, o.settings = setup, settings
}

// Omit leaves fields out of Tasks until the org is examined again: it refuses what we
// write there, though it describes them as writable. What a Task cannot be without
// stays in.
func (o *Org) Omit(ctx context.Context, fields []string) error {
	o.mu.Lock()
	setup, known := o.setup, len(o.setup.Omitted)
	setup.Omitted = slices.Clone(setup.Omitted)
	for _, f := range fields {
		if !setup.needs(f) && !setup.omits(f) {
			setup.Omitted = append(setup.Omitted, f)
		}
	}
	o.setup = setup
	o.mu.Unlock()
	if len(setup.Omitted) == known {
		return nil
	}
	return o.outbox.KeepSetup(ctx, models.ToSalesforce, setup)
}

func (o *Org) load(ctx context.Context) (Settings, error) {
	logging, _, err := models.LoadLogging(ctx, o.db)
	if err != nil {
		return Settings{}, err
	}
	unsubscribing, _, err := models.LoadUnsubscribing(ctx, o.db)
	return Settings{Logging: logging, Unsubscribing: unsubscribing}, err
}
