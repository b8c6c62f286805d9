package tasks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/sftask"
)

// Config says how tasks are kept the same; zero values mean the defaults.
type Config struct {
	Settle time.Duration // see sftask.Creating; default 11 min
	Lease  time.Duration // of a run of the outbox; default that of outbox.Config
}

// Sync keeps the tasks here and in Salesforce the same. It is safe for concurrent use.
type Sync struct {
	pool   *pgxpool.Pool
	db     *gorm.DB
	outbox *outbox.Outbox
	org    *org.Org
	writer *sftask.Writer
	cfg    Config
}

// New returns the sync with an org.
func New(pool *pgxpool.Pool, db *gorm.DB, o *outbox.Outbox, to *org.Org, writer *sftask.Writer, cfg Config) *Sync {
	cfg.Settle = cmp.Or(cfg.Settle, 11*time.Minute)
	cfg.Lease = cmp.Or(cfg.Lease, outbox.Config{}.WithDefaults().Lease)
	return &Sync{pool: pool, db: db, outbox: o, org: to, writer: writer, cfg: cfg}
}

// queue is the deliveries of tasks in the outbox.
var queue = outbox.Queue{To: models.ToSalesforce, Operation: models.Sync}

func (s *Sync) now() time.Time { return s.outbox.Clock().Now() }

func (s *Sync) creating() sftask.Creating {
	return sftask.Creating{Purpose: budget.Tasks, Settle: s.cfg.Settle, Lease: s.cfg.Lease, Look: true}
}

// switched says whether tasks go to Salesforce, and since when.
func (s *Sync) switched(ctx context.Context) (models.Switch, error) {
	logging, _, err := models.LoadLogging(ctx, s.db)
	return logging.Tasks, err
}

// mapping learns who is who: our users, and other reps who are known to have a user in
// Salesforce.
func (s *Sync) mapping(ctx context.Context, reps ...string) (mapping, error) {
	var home, known []string
	err := s.pool.QueryRow(ctx, `SELECT (SELECT coalesce(array_agg(lower(email) ORDER BY id DESC), '{}') FROM users WHERE deactivated_at IS NULL),
		(SELECT coalesce(array_agg(email ORDER BY email), '{}') FROM salesforce_reps WHERE user_id IS NOT NULL)`).Scan(&home, &known)
	if err != nil {
		return mapping{}, fmt.Errorf("read whose tasks are kept: %w", err)
	}
	all := slices.Concat(reps, known, home) // our users last, so that theirs counts where two have one user
	users, err := s.org.Owners(ctx, all)
	if err != nil {
		return mapping{}, err
	}
	setup, settings := s.org.Known()
	m := mapping{users: users, owners: make(map[string]string, len(users)), home: make(map[string]bool, len(home)),
		self: models.NormalSalesforceID(setup.UserID), template: settings.Logging.SubjectTemplate, marked: setup.Scheme == org.SchemeMarker}
	for _, email := range all {
		if id := users[email]; id != "" {
			m.owners[models.NormalSalesforceID(id)] = email
		}
	}
	for _, email := range home {
		m.home[email] = true
	}
	return m, nil
}
