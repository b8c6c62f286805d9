package org

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

// Client gives the client of the connection in force, with the instance and the
// connected user's id. Errors: *outbox.PausedError where there is none.
type Client func(context.Context) (client *salesforce.Client, instance, userID string, err error)

// Org is the connected org. It is safe for concurrent use.
type Org struct {
	Client Client

	pool    *pgxpool.Pool
	db      *gorm.DB
	creates *outbox.Gauge // of Tasks

	asking sync.Mutex // one caller at a time asks about reps

	mu       sync.Mutex
	setup    Setup
	settings Settings
}

// New returns the org that client connects to.
func New(pool *pgxpool.Pool, db *gorm.DB, client Client) *Org {
	return &Org{Client: client, pool: pool, db: db, creates: outbox.NewGauge(salesforce.MaxCollection)}
}

// setupAge is how long what was found of the org is believed.
const setupAge = time.Hour

// Prepare learns what the org has, unless it is known from not long ago.
func (o *Org) Prepare(ctx context.Context) error {
	_, instance, userID, err := o.Client(ctx)
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
	if known == nil || known.Error != "" || known.Instance != instance || known.UserID != userID || time.Since(known.At) > setupAge ||
		!slices.Equal(known.Sought, settings.sought()) {
		return o.LookAnew(budget.For(ctx, budget.Setup))
	}
	o.keep(*known, settings)
	return nil
}

// LookAnew describes the org again, for instance because it refused a field that it had.
func (o *Org) LookAnew(ctx context.Context) error {
	client, instance, userID, err := o.Client(ctx)
	if err != nil {
		return err
	}
	settings, err := o.load(ctx)
	if err != nil {
		return err
	}
	if err := o.forgetOther(ctx, instance); err != nil {
		return err
	}
	setup, err := Look(ctx, o.pool, client, instance, userID, settings)
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

// Now returns what was found, and the settings that it was found with.
func (o *Org) Now() (Setup, Settings) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.setup, o.settings
}

func (o *Org) keep(setup Setup, settings Settings) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.setup, o.settings = setup, settings
}

func (o *Org) load(ctx context.Context) (Settings, error) {
	logging, _, err := models.LoadLogging(ctx, o.db)
	if err != nil {
		return Settings{}, err
	}
	unsubscribing, _, err := models.LoadUnsubscribing(ctx, o.db)
	return Settings{Logging: logging, Unsubscribing: unsubscribing}, err
}
