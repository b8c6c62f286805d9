package org

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
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

// rep is what is kept of a rep's user.
type rep struct {
	email   string
	userID  string // empty: no match
	linked  bool   // by an admin
	refused bool   // as an owner
	old     bool   // to be asked about anew
}

// Owners returns the Salesforce users of those reps who have one, by their addresses.
// What is kept is read each time, so that an admin's link holds at once; Salesforce is
// asked about reps who are new, or were asked about long ago or in another org.
func (o *Org) Owners(ctx context.Context, emails []string) (map[string]string, error) {
	emails = distinct(emails)
	if len(emails) == 0 {
		return nil, nil
	}
	session, err := o.Client(ctx)
	if err != nil {
		return nil, err
	}
	owners, asked, err := o.keptOwners(ctx, emails, session.Instance)
	if err != nil || len(asked.emails)+len(asked.linked) == 0 {
		return owners, err
	}
	o.asking.Lock()
	defer o.asking.Unlock()
	if _, asked, err = o.keptOwners(ctx, emails, session.Instance); err != nil { // another may have asked meanwhile
		return nil, err
	}
	if err := o.askUsers(ctx, asked.emails, session.Instance); err != nil {
		return nil, err
	}
	if err := o.checkLinks(ctx, asked.linked, session.Instance); err != nil {
		return nil, err
	}
	owners, _, err = o.keptOwners(ctx, emails, session.Instance)
	return owners, err
}

// distinct are the addresses that are none twice.
func distinct(emails []string) []string {
	list := slices.DeleteFunc(slices.Clone(emails), func(email string) bool { return email == "" })
	slices.Sort(list)
	return slices.Compact(list)
}

// toAsk are the reps whom Salesforce is to be asked about.
type toAsk struct {
	emails []string
	linked []string // users
}

// keptOwners reads what is kept of reps, and who of them is to be asked about.
func (o *Org) keptOwners(ctx context.Context, emails []string, instance string) (map[string]string, toAsk, error) {
	now := o.clock().Now()
	rows, err := o.pool.Query(ctx, `
		SELECT email, coalesce(user_id, ''), linked_by IS NOT NULL, refused_at IS NOT NULL,
			instance IS DISTINCT FROM $2 OR linked_by IS NULL AND asked_at < CASE WHEN user_id IS NULL THEN $4::timestamptz ELSE $3 END
		FROM salesforce_reps WHERE email = ANY($1)`, emails, instance, now.Add(-matchedAge), now.Add(-unmatchedAge))
	if err != nil {
		return nil, toAsk{}, fmt.Errorf("read the reps' users: %w", err)
	}
	owners, known := map[string]string{}, map[string]bool{}
	var (
		asked toAsk
		r     rep
	)
	_, err = pgx.ForEachRow(rows, []any{&r.email, &r.userID, &r.linked, &r.refused, &r.old}, func() error {
		known[r.email] = true
		switch {
		case r.old && r.linked:
			asked.linked = append(asked.linked, r.userID)
		case r.old:
			asked.emails = append(asked.emails, r.email)
		case r.userID != "" && !r.refused:
			owners[r.email] = r.userID
		}
		return nil
	})
	if err != nil {
		return nil, toAsk{}, fmt.Errorf("read the reps' users: %w", err)
	}
	for _, email := range emails {
		if !known[email] {
			asked.emails = append(asked.emails, email)
		}
	}
	return owners, asked, nil
}

// askUsers looks reps up by their address among the active users, and keeps the
// answers. What an admin links meanwhile stays.
func (o *Org) askUsers(ctx context.Context, emails []string, instance string) error {
	for some := range slices.Chunk(emails, IDsPerQuery/2) { // addresses are longer than ids
		ids, names := map[string]string{}, map[string]string{}
		for u, err := range o.activeUsers(ctx, `Email IN (`+Quoted(some)+`)`) {
			if err != nil {
				return err
			}
			if email := strings.ToLower(u.Text("Email")); ids[email] == "" {
				ids[email], names[email] = u.ID(), u.Text("Name")
			}
		}
		found, called := make([]string, len(some)), make([]string, len(some))
		for n, email := range some {
			found[n], called[n] = ids[email], names[email]
		}
		_, err := o.pool.Exec(ctx, `
			INSERT INTO salesforce_reps AS r (email, user_id, user_name, instance, asked_at)
			SELECT email, nullif(id, ''), nullif(name, ''), $4, $5 FROM unnest($1::text[], $2::text[], $3::text[]) AS t (email, id, name)
			ON CONFLICT (email) DO UPDATE SET user_id = EXCLUDED.user_id, user_name = EXCLUDED.user_name, instance = $4, refused_at = NULL, asked_at = $5
			WHERE r.linked_by IS NULL`, some, found, called, instance, o.clock().Now())
		if err != nil {
			return fmt.Errorf("keep the reps' users: %w", err)
		}
	}
	return nil
}

// checkLinks looks whether users that an admin linked are users of the org that is
// connected now. A link is never taken away: one to nobody here is refused.
func (o *Org) checkLinks(ctx context.Context, users []string, instance string) error {
	for some := range slices.Chunk(users, IDsPerQuery) {
		active := []string{}
		for u, err := range o.activeUsers(ctx, `Id IN (`+Quoted(some)+`)`) {
			if err != nil {
				return err
			}
			active = append(active, ShortID(u.ID()))
		}
		_, err := o.pool.Exec(ctx, `UPDATE salesforce_reps SET instance = $3, asked_at = $4,
				refused_at = CASE WHEN left(user_id, 15) = ANY($2) THEN NULL ELSE $4::timestamptz END
			WHERE linked_by IS NOT NULL AND user_id = ANY($1)`, some, active, instance, o.clock().Now())
		if err != nil {
			return fmt.Errorf("keep which linked users there are: %w", err)
		}
	}
	return nil
}

func (o *Org) activeUsers(ctx context.Context, where string) iter.Seq2[salesforce.Record, error] {
	return func(yield func(salesforce.Record, error) bool) {
		client, err := o.Client(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for u, err := range client.Query(budget.For(ctx, budget.Reps), `SELECT Id, Name, Email FROM User WHERE IsActive = true AND `+where+` ORDER BY Id`) {
			if err != nil {
				err = fmt.Errorf("look the reps' users up: %w", err)
			}
			if !yield(u, err) || err != nil {
				return
			}
		}
	}
}

// DropOwner notes that a rep's user takes no Tasks any more, so that they belong to the
// connected user until the rep is looked up anew; where an admin linked them, until
// they are linked anew.
func (o *Org) DropOwner(ctx context.Context, email string) error {
	_, err := o.pool.Exec(ctx, `UPDATE salesforce_reps SET refused_at = $2, asked_at = $2 WHERE email = $1`, email, o.clock().Now())
	if err != nil {
		return fmt.Errorf("note that a rep's user takes no Tasks: %w", err)
	}
	return nil
}

// LinkRep keeps that a rep is a user of Salesforce, whatever their addresses say, and
// returns false where Salesforce has no such active user.
func (o *Org) LinkRep(ctx context.Context, email, userID, actor string) (bool, error) {
	session, err := o.Client(ctx)
	if err != nil {
		return false, err
	}
	name := ""
	for u, err := range session.Query(budget.For(ctx, budget.Reps), `SELECT Id, Name FROM User WHERE IsActive = true AND Id = `+salesforce.Quote(userID)) {
		if err != nil {
			return false, fmt.Errorf("look a user up: %w", err)
		}
		name = u.Text("Name")
	}
	if name == "" {
		return false, nil
	}
	_, err = o.pool.Exec(ctx, `INSERT INTO salesforce_reps (email, user_id, user_name, linked_by, instance, asked_at) VALUES (lower($1), $2, $3, $4, $5, $6)
		ON CONFLICT (email) DO UPDATE SET user_id = $2, user_name = $3, linked_by = $4, instance = $5, refused_at = NULL, asked_at = $6`,
		email, userID, name, actor, session.Instance, o.clock().Now())
	if err != nil {
		return false, fmt.Errorf("link a rep: %w", err)
	}
	return true, nil
}

// UnlinkRep leaves it to the address again which user of Salesforce a rep is.
func (o *Org) UnlinkRep(ctx context.Context, email string) error {
	if _, err := o.pool.Exec(ctx, `DELETE FROM salesforce_reps WHERE email = lower($1)`, email); err != nil {
		return fmt.Errorf("unlink a rep: %w", err)
	}
	return nil
}
