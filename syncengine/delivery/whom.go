package delivery

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
)

// found is a person that a reference may mean.
type found struct {
	id   int64
	live bool
}

// whom knows the people that a batch's references name.
type whom struct {
	ids     map[int64]int64    // as named → the person, after merges
	records map[string][]found // by 18-character Salesforce id
	emails  map[string][]found // by folded address
}

// lookUp finds everybody whom a batch names, in three statements.
func lookUp(ctx context.Context, pool *pgxpool.Pool, inputs []Input) (*whom, error) {
	w := &whom{ids: map[int64]int64{}, records: map[string][]found{}, emails: map[string][]found{}}
	var ids []int64
	var records, emails []string
	for _, in := range inputs {
		for _, id := range []int64{in.PersonID, in.MarketoID} {
			if id != 0 {
				ids = append(ids, id)
			}
		}
		if in.SalesforceID != "" {
			records = append(records, models.SalesforceIDForms(in.SalesforceID)...)
		}
		if in.Email != "" {
			emails = append(emails, models.SortKey(&in.Email))
		}
	}
	batch := &pgx.Batch{}
	// A person who was merged away is the one they were merged into, however often.
	batch.Queue(`WITH RECURSIVE chain AS (
			SELECT id AS named, id, merged_into, 0 AS depth FROM people WHERE id = ANY($1)
			UNION ALL SELECT c.named, p.id, p.merged_into, c.depth + 1 FROM chain c JOIN people p ON p.id = c.merged_into WHERE c.depth < 20)
		SELECT DISTINCT ON (named) named, id FROM chain ORDER BY named, depth DESC`, ids).Query(w.scanIDs)
	batch.Queue(`SELECT id, archived_at IS NULL, r FROM people, unnest($1::text[]) r WHERE salesforce_contact_id = r
		UNION SELECT id, archived_at IS NULL, r FROM people, unnest($1::text[]) r WHERE salesforce_lead_id = r`, records).Query(w.scanRecords)
	batch.Queue(`SELECT p.id, p.live, k FROM unnest($1::text[]) k CROSS JOIN LATERAL (
			(SELECT id, true AS live FROM people WHERE archived_at IS NULL AND email_key = k LIMIT 2)
			UNION ALL (SELECT id, false FROM people WHERE archived_at IS NOT NULL AND email_key = k LIMIT 2)) p`, emails).Query(w.scanEmails)
	if err := pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("look up whom activities are about: %w", err)
	}
	return w, nil
}

func (w *whom) scanIDs(rows pgx.Rows) error {
	var named, id int64
	_, err := pgx.ForEachRow(rows, []any{&named, &id}, func() error {
		w.ids[named] = id
		return nil
	})
	return err
}

func (w *whom) scanRecords(rows pgx.Rows) error {
	return scanFound(rows, w.records, models.NormalSalesforceID)
}

func (w *whom) scanEmails(rows pgx.Rows) error {
	return scanFound(rows, w.emails, func(key string) string { return key })
}

func scanFound(rows pgx.Rows, into map[string][]found, key func(string) string) error {
	var (
		f    found
		name string
	)
	_, err := pgx.ForEachRow(rows, []any{&f.id, &f.live, &name}, func() error {
		if !contains(into[key(name)], f.id) { // one query for both forms of an id
			into[key(name)] = append(into[key(name)], f)
		}
		return nil
	})
	return err
}

func contains(list []found, id int64) bool {
	for _, f := range list {
		if f.id == id {
			return true
		}
	}
	return false
}

// person decides whom an activity is about: by ids where any is given, else by the
// address, and never by a guess. 0 means somebody who is not in the workspace (yet).
// Errors: *InvalidError.
func (w *whom) person(in Input) (int64, error) {
	var ids []int64
	if in.PersonID != 0 {
		id, known := w.ids[in.PersonID]
		if !known {
			return 0, invalid("person_id", "There is no such person. Their Marketo id, Salesforce id or email may be given before they arrive here.")
		}
		ids = append(ids, id)
	}
	if id, known := w.ids[in.MarketoID]; known {
		ids = append(ids, id)
	}
	if in.SalesforceID != "" {
		id, err := one(w.records[models.NormalSalesforceID(in.SalesforceID)], ids, "salesforce_id", "Several people here have this Salesforce record; name one by marketo_id.")
		if err != nil {
			return 0, err
		}
		if id != 0 {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		if id != ids[0] {
			return 0, invalid("person_id", "The ids mean different people.")
		}
	}
	if len(ids) > 0 {
		return ids[0], nil
	}
	if in.Email == "" || in.MarketoID != 0 || in.SalesforceID != "" {
		return 0, nil // ids that are not known yet decide, whatever the address says now
	}
	return one(w.emails[models.SortKey(&in.Email)], nil, "email", "Several people share this address; name one by person_id, marketo_id or salesforce_id.")
}

// one returns the only person of a list: of those in the workspace, else of those
// who left it. Another reference may have decided already.
func one(list []found, decided []int64, field, message string) (int64, error) {
	for _, id := range decided {
		if contains(list, id) {
			return id, nil
		}
	}
	for _, live := range []bool{true, false} {
		var fitting []found
		for _, f := range list {
			if f.live == live {
				fitting = append(fitting, f)
			}
		}
		switch len(fitting) {
		case 0:
		case 1:
			return fitting[0].id, nil
		default:
			return 0, invalid(field, "%s", message)
		}
	}
	return 0, nil
}
