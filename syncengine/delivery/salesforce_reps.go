package delivery

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/syncengine/salesforce"
)

// How long it is believed that a rep has a user in Salesforce, and that they have none.
const (
	matchedAge   = 24 * time.Hour
	unmatchedAge = 10 * time.Minute
)

// reps knows the Salesforce users of the reps. One caller at a time asks.
type reps struct {
	mu    sync.Mutex
	users map[string]rep
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

// forget lets a rep be looked up anew.
func (r *reps) forget(email string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.users, email)
}

// owners returns the users of those reps of the items who have one.
func (r *reps) owners(ctx context.Context, s *toSalesforce, items []item) (map[string]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users == nil {
		r.users = map[string]rep{}
	}
	missing := r.missing(items)
	if len(missing) > 0 {
		if err := r.load(ctx, s, missing); err != nil {
			return nil, err
		}
		if missing = r.missing(items); len(missing) > 0 {
			if err := r.ask(ctx, s, missing); err != nil {
				return nil, err
			}
		}
	}
	owners := map[string]string{}
	for _, i := range items {
		if known := r.users[i.RepEmail]; known.userID != "" {
			owners[i.RepEmail] = known.userID
		}
	}
	return owners, nil
}

func (r *reps) missing(items []item) []string {
	seen := map[string]bool{}
	var missing []string
	for _, i := range items {
		if i.RepEmail != "" && !seen[i.RepEmail] && !r.users[i.RepEmail].fresh() {
			seen[i.RepEmail] = true
			missing = append(missing, i.RepEmail)
		}
	}
	return missing
}

// load reads what is kept; a link that an admin made does not age.
func (r *reps) load(ctx context.Context, s *toSalesforce, emails []string) error {
	rows, err := s.pool.Query(ctx, `SELECT email, coalesce(user_id, ''), CASE WHEN linked_by IS NULL THEN asked_at ELSE clock_timestamp() END
		FROM salesforce_reps WHERE email = ANY($1)`, emails)
	if err != nil {
		return fmt.Errorf("read the reps' users: %w", err)
	}
	var (
		email string
		known rep
	)
	_, err = pgx.ForEachRow(rows, []any{&email, &known.userID, &known.asked}, func() error {
		r.users[email] = known
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the reps' users: %w", err)
	}
	return nil
}

// ask looks reps up by their address among the active users, and keeps the answers.
func (r *reps) ask(ctx context.Context, s *toSalesforce, emails []string) error {
	emails = emails[:min(len(emails), idsPerQuery/2)] // addresses are longer than ids
	client, _, _, err := s.client(ctx)
	if err != nil {
		return err
	}
	ids, names := map[string]string{}, map[string]string{}
	soql := `SELECT Id, Name, Email FROM User WHERE IsActive = true AND Email IN (` + quoted(emails) + `) ORDER BY Id`
	for u, err := range client.Query(purpose(ctx, "reps"), soql) {
		if err != nil {
			return fmt.Errorf("look the reps' users up: %w", err)
		}
		email := strings.ToLower(u.Text("Email"))
		if ids[email] == "" {
			ids[email], names[email] = u.Text("Id"), u.Text("Name")
		}
	}
	users, called := make([]string, len(emails)), make([]string, len(emails))
	for n, email := range emails {
		users[n], called[n] = ids[email], names[email]
		r.users[email] = rep{userID: ids[email], asked: time.Now()}
	}
	_, err = s.pool.Exec(ctx, `
		INSERT INTO salesforce_reps AS r (email, user_id, user_name)
		SELECT email, nullif(id, ''), nullif(name, '') FROM unnest($1::text[], $2::text[], $3::text[]) AS t (email, id, name)
		ON CONFLICT (email) DO UPDATE SET user_id = EXCLUDED.user_id, user_name = EXCLUDED.user_name, asked_at = clock_timestamp()
		WHERE r.linked_by IS NULL`, emails, users, called)
	if err != nil {
		return fmt.Errorf("keep the reps' users: %w", err)
	}
	return nil
}

// dropRep notes that a rep's user takes no Tasks any more, so that they belong to the
// connected user until the rep is looked up anew.
func (s *toSalesforce) dropRep(ctx context.Context, email string) error {
	_, err := s.pool.Exec(ctx, `UPDATE salesforce_reps SET user_id = NULL, user_name = NULL, linked_by = NULL, asked_at = clock_timestamp()
		WHERE email = $1`, email)
	if err != nil {
		return fmt.Errorf("note that a rep has no user: %w", err)
	}
	return nil
}

// FindUser returns the name of an active user of Salesforce, or "" where there is none.
func FindUser(ctx context.Context, client *salesforce.Client, id string) (string, error) {
	for u, err := range client.Query(purpose(ctx, "reps"), `SELECT Id, Name FROM User WHERE IsActive = true AND Id = `+salesforce.Quote(id)) {
		if err != nil {
			return "", fmt.Errorf("look a user up: %w", err)
		}
		return u.Text("Name"), nil
	}
	return "", nil
}
