// Package who finds out which person a reference means: by ids where any is given,
// else by an address, and never by a guess.
package who

import (
	"context"
	"fmt"
	"net/mail"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
)

// InvalidError says what is wrong with a field of a request, in a sentence that says
// what to send instead.
type InvalidError struct {
	Field   string // the API's name; empty for the whole
	Message string
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Message }

func invalid(field, message string) error { return &InvalidError{Field: field, Message: message} }

// Ref names a person; what is empty is not given.
type Ref struct {
	PersonID     int64
	MarketoID    int64
	SalesforceID string // of a lead or contact
	Email        string
}

// Given says that it names anybody.
func (r Ref) Given() bool {
	return r.PersonID != 0 || r.MarketoID != 0 || r.SalesforceID != "" || r.Email != ""
}

// Check says what is wrong with the form of a reference, or nil. The error is an
// *InvalidError.
func (r Ref) Check() error {
	switch {
	case !r.Given():
		return invalid("person_id", "Say whom it is about: person_id, marketo_id, salesforce_id or email.")
	case r.SalesforceID != "" && !isPersonRecord(r.SalesforceID):
		return invalid("salesforce_id", "This must be the id of a Salesforce lead (00Q…) or contact (003…), 15 or 18 characters.")
	case r.Email != "" && !IsAddress(r.Email):
		return invalid("email", "This is no email address.")
	}
	return nil
}

// IsAddress says whether a text is an email address and nothing else.
func IsAddress(text string) bool {
	if len(text) > 320 || strings.ContainsAny(text, " \t\r\n<>,;") {
		return false
	}
	_, err := mail.ParseAddress(text)
	return err == nil
}

// isPersonRecord knows the ids of leads and contacts (Salesforce: key prefixes 00Q
// and 003; ids have 15 letters and digits, or 18 with the check letters).
func isPersonRecord(id string) bool {
	if len(id) != 15 && len(id) != 18 || !strings.HasPrefix(id, "00Q") && !strings.HasPrefix(id, "003") {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// found is a person that a reference may mean.
type found struct {
	id   int64
	live bool
}

// People are those whom references name.
type People struct {
	ids     map[int64]int64    // as named → the person, after merges
	records map[string][]found // by 18-character Salesforce id
	emails  map[string][]found // by folded address
}

// LookUp finds everybody whom references name, in three statements.
func LookUp(ctx context.Context, pool *pgxpool.Pool, refs []Ref) (*People, error) {
	w := &People{ids: map[int64]int64{}, records: map[string][]found{}, emails: map[string][]found{}}
	var ids []int64
	var records, emails []string
	for _, in := range refs {
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
			(SELECT id, true AS live FROM people WHERE archived_at IS NULL AND email_key = k LIMIT 100)
			UNION ALL (SELECT id, false FROM people WHERE archived_at IS NOT NULL AND email_key = k LIMIT 2)) p`, emails).Query(w.scanEmails)
	if err := pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("look people up: %w", err)
	}
	return w, nil
}

func (w *People) scanIDs(rows pgx.Rows) error {
	var named, id int64
	_, err := pgx.ForEachRow(rows, []any{&named, &id}, func() error {
		w.ids[named] = id
		return nil
	})
	return err
}

func (w *People) scanRecords(rows pgx.Rows) error {
	return scanFound(rows, w.records, models.NormalSalesforceID)
}

func (w *People) scanEmails(rows pgx.Rows) error {
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

// Person decides whom a reference means: by ids where any is given, else by the
// address, and never by a guess. 0 means somebody who is not in the workspace (yet).
// Errors: *InvalidError.
func (w *People) Person(in Ref) (int64, error) {
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

// Everybody returns all whom a reference may mean: the one whom ids name, or all in the
// workspace who share the address; nobody where only people who left it share one.
// Errors: *InvalidError.
func (w *People) Everybody(in Ref) ([]int64, error) {
	if in.PersonID == 0 && in.MarketoID == 0 && in.SalesforceID == "" {
		var all []int64
		sharing := w.emails[models.SortKey(&in.Email)]
		for _, f := range sharing {
			if f.live {
				all = append(all, f.id)
			}
		}
		if len(all) > 1 || len(all) == 0 && len(sharing) > 1 {
			return all, nil
		}
	}
	id, err := w.Person(in)
	if err != nil || id == 0 {
		return nil, err
	}
	return []int64{id}, nil
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
			return 0, invalid(field, message)
		}
	}
	return 0, nil
}
