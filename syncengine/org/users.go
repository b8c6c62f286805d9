package org

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/syncengine/budget"
	"salesactions/syncengine/salesforce"
)

// How long it is believed that a rep has a user in Salesforce, and that they have none.
const (
	matchedAge   = 24 * time.Hour
	unmatchedAge = 10 * time.Minute
)

// users knows the Salesforce users of the reps. One caller at a time asks.
type users struct {
	mu sync.Mutex
	of map[string]rep
}

type rep struct {
	userID string // empty: no match
	asked  time.Time
}

func (r rep) fresh() bool {
	if r.userID == "" {
		return time.Since(r.asked) < unmatchedAge
	}
	return time.Since(r.asked) < matchedAge
}

// Owners returns the Salesforce users of those reps who have one, by their addresses.
func (o *Org) Owners(ctx context.Context, emails []string) (map[string]string, error) {
	o.users.mu.Lock()
	defer o.users.mu.Unlock()
	if o.users.of == nil {
		o.users.of = map[string]rep{}
	}
	missing := o.users.missing(emails)
	if len(missing) > 0 {
		if err := o.loadUsers(ctx, missing); err != nil {
			return nil, err
		}
	}
	for missing = o.users.missing(emails); len(missing) > 0; missing = o.users.missing(emails) {
		if err := o.askUsers(ctx, missing); err != nil {
			return nil, err
		}
	}
	owners := map[string]string{}
	for _, email := range emails {
		if known := o.users.of[email]; known.userID != "" {
			owners[email] = known.userID
		}
	}
	return owners, nil
}

func (u *users) missing(emails []string) []string {
	seen := map[string]bool{}
	var missing []string
	for _, email := range emails {
		if email != "" && !seen[email] && !u.of[email].fresh() {
			seen[email] = true
			missing = append(missing, email)
		}
	}
	return missing
}

// loadUsers reads what is kept; a link that an admin made does not age.
func (o *Org) loadUsers(ctx context.Context, emails []string) error {
	rows, err := o.pool.Query(ctx, `SELECT email, coalesce(user_id, ''), CASE WHEN linked_by IS NULL THEN asked_at ELSE clock_timestamp() END
		FROM salesforce_reps WHERE email = ANY($1)`, emails)
	if err != nil {
		return fmt.Errorf("read the reps' users: %w", err)
	}
	var (
		email string
		known rep
	)
	_, err = pgx.ForEachRow(rows, []any{&email, &known.userID, &known.asked}, func() error {
		o.users.of[email] = known
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the reps' users: %w", err)
	}
	return nil
}

// askUsers looks reps up by their address among the active users, and keeps the answers.
func (o *Org) askUsers(ctx context.Context, emails []string) error {
	emails = emails[:min(len(emails), idsPerQuery/2)] // addresses are longer than ids
	client, _, _, err := o.Client(ctx)
	if err != nil {
		return err
	}
	ids, names := map[string]string{}, map[string]string{}
	soql := `SELECT Id, Name, Email FROM User WHERE IsActive = true AND Email IN (` + Quoted(emails) + `) ORDER BY Id`
	for u, err := range client.Query(budget.For(ctx, "reps"), soql) {
		if err != nil {
			return fmt.Errorf("look the reps' users up: %w", err)
		}
		email := strings.ToLower(u.Text("Email"))
		if ids[email] == "" {
			ids[email], names[email] = u.ID(), u.Text("Name")
		}
	}
	found, called := make([]string, len(emails)), make([]string, len(emails))
	for n, email := range emails {
		found[n], called[n] = ids[email], names[email]
		o.users.of[email] = rep{userID: ids[email], asked: time.Now()}
	}
	_, err = o.pool.Exec(ctx, `
		INSERT INTO salesforce_reps AS r (email, user_id, user_name)
		SELECT email, nullif(id, ''), nullif(name, '') FROM unnest($1::text[], $2::text[], $3::text[]) AS t (email, id, name)
		ON CONFLICT (email) DO UPDATE SET user_id = EXCLUDED.user_id, user_name = EXCLUDED.user_name, asked_at = clock_timestamp()
		WHERE r.linked_by IS NULL`, emails, found, called)
	if err != nil {
		return fmt.Errorf("keep the reps' users: %w", err)
	}
	return nil
}

// DropOwner notes that a rep's user takes no Tasks any more, so that they belong to the
// connected user until the rep is looked up anew.
func (o *Org) DropOwner(ctx context.Context, email string) error {
	o.ForgetOwner(email)
	_, err := o.pool.Exec(ctx, `UPDATE salesforce_reps SET user_id = NULL, user_name = NULL, linked_by = NULL, asked_at = clock_timestamp()
		WHERE email = $1`, email)
	if err != nil {
		return fmt.Errorf("note that a rep has no user: %w", err)
	}
	return nil
}

// ForgetOwner lets a rep be looked up anew, for instance because an admin linked one.
func (o *Org) ForgetOwner(email string) {
	o.users.mu.Lock()
	defer o.users.mu.Unlock()
	delete(o.users.of, email)
}

// FindUser returns the name of an active user of Salesforce, or "" where there is none.
func FindUser(ctx context.Context, client *salesforce.Client, id string) (string, error) {
	for u, err := range client.Query(budget.For(ctx, "reps"), `SELECT Id, Name FROM User WHERE IsActive = true AND Id = `+salesforce.Quote(id)) {
		if err != nil {
			return "", fmt.Errorf("look a user up: %w", err)
		}
		return u.Text("Name"), nil
	}
	return "", nil
}
