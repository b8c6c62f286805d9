package people

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/models"
)

// Stored counts what a batch changed.
type Stored struct {
	Read, Created, Updated, Archived int64
}

// storeOptions tell the store what kind of read the rows come from.
type storeOptions struct {
	runID int64
	now   time.Time // of what is written
	// reread: the rows were asked for by id. Then a person who is unchanged is
	// noted as read too, and colleagues follow a change of company, which Marketo
	// keeps once for an account and logs for nobody.
	reread bool
	// keepLive: whoever is in the workspace stays, because a list decides and
	// membership is not visible in a read.
	keepLive bool
}

// stageColumns are those of the temporary table, in the order of stageRow.
var stageColumns = []string{
	"id", "first_name", "last_name", "salesforce_contact_id", "salesforce_lead_id", "salesforce_account_id",
	"salesforce_opportunity_id", "company", "title", "email", "phone", "linkedin_url", "source", "owner_id",
	"salesforce_type", "unsubscribed", "marketo_created_at", "marketo_updated_at",
	"name_key", "company_key", "title_key", "email_key", "source_key", "search", "read_at", "qualifies",
}

// comparedColumns decide whether a person changed; provenance is kept of the
// first provenColumns of them. Marketo's updatedAt is no version number: it moves
// only for standard fields (Marketo REST: bulk lead extract).
var comparedColumns = []string{
	"first_name", "last_name", "salesforce_contact_id", "salesforce_lead_id", "salesforce_account_id",
	"salesforce_opportunity_id", "company", "title", "email", "phone", "linkedin_url", "source", "owner_id",
	"salesforce_type", "unsubscribed", "marketo_created_at",
}

const provenColumns = 15

func stageRow(r Row) []any {
	name := models.DisplayName(r.FirstName, r.LastName)
	return []any{
		r.ID, r.FirstName, r.LastName, r.ContactID, r.LeadID, r.AccountID,
		r.OpportunityID, r.Company, r.Title, r.Email, r.Phone, r.LinkedIn, r.Source, r.OwnerID,
		r.Type, r.Unsubscribed, r.CreatedAt, r.UpdatedAt,
		models.SortKey(&name), models.SortKey(r.Company), models.SortKey(r.Title), models.SortKey(r.Email),
		models.SortKey(r.Source), models.SearchText(r.FirstName, r.LastName, r.Company, r.Email), r.ReadAt, r.Qualifies,
	}
}

const createStageSQL = `
CREATE TEMP TABLE stage (
	id bigint, first_name text, last_name text, salesforce_contact_id text, salesforce_lead_id text,
	salesforce_account_id text, salesforce_opportunity_id text, company text, title text, email text, phone text,
	linkedin_url text, source text, owner_id text, salesforce_type text, unsubscribed boolean,
	marketo_created_at timestamptz, marketo_updated_at timestamptz,
	name_key text, company_key text, title_key text, email_key text, source_key text, search text,
	read_at timestamptz, qualifies boolean
) ON COMMIT DROP`

// store writes a batch: it copies the rows into a temporary table and changes only
// what really differs. The read that was sent later wins, whatever order reads are
// stored in; applying a batch twice changes nothing. Rows of one batch have
// different ids.
func store(ctx context.Context, tx pgx.Tx, rows []Row, o storeOptions) (Stored, error) {
	if len(rows) == 0 {
		return Stored{}, nil
	}
	if _, err := tx.Exec(ctx, createStageSQL); err != nil {
		return Stored{}, fmt.Errorf("make the stage: %w", err)
	}
	source := pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) { return stageRow(rows[i]), nil })
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"stage"}, stageColumns, source); err != nil {
		return Stored{}, fmt.Errorf("copy %d people into the stage: %w", len(rows), err)
	}
	return storeStage(ctx, tx, o)
}

// storeStage moves the stage into people. The locks come first and in order: what
// the next statements see is then final, and two batches never wait for each other.
func storeStage(ctx context.Context, tx pgx.Tx, o storeOptions) (Stored, error) {
	done := Stored{}
	if _, err := tx.Exec(ctx, `SELECT FROM people p JOIN stage s USING (id) ORDER BY p.id FOR UPDATE OF p`); err != nil {
		return done, fmt.Errorf("lock the people of a batch: %w", err)
	}
	if o.keepLive {
		_, err := tx.Exec(ctx, `UPDATE stage s SET qualifies = true FROM people p WHERE p.id = s.id AND p.archived_at IS NULL`)
		if err != nil {
			return done, fmt.Errorf("keep the list's people: %w", err)
		}
	}
	var restored, companyChanges int64
	err := tx.QueryRow(ctx, upsertSQL, pgx.NamedArgs{"run": o.runID, "now": o.now}).Scan(&done.Created, &done.Updated, &restored, &companyChanges)
	if err != nil {
		return done, fmt.Errorf("store people: %w", err)
	}
	if err := tx.QueryRow(ctx, unqualifiedSQL, pgx.NamedArgs{"run": o.runID, "now": o.now}).Scan(&done.Archived); err != nil {
		return done, fmt.Errorf("archive people who lost their owner: %w", err)
	}
	if o.reread {
		if err := afterReread(ctx, tx, o, companyChanges > 0); err != nil {
			return done, err
		}
	}
	return done, moveTotals(ctx, tx, done.Created+restored-done.Archived, done.Archived-restored)
}

func afterReread(ctx context.Context, tx pgx.Tx, o storeOptions, companyChanged bool) error {
	_, err := tx.Exec(ctx, `UPDATE people p SET read_at = s.read_at FROM stage s WHERE p.id = s.id AND p.read_at < s.read_at`)
	if err != nil {
		return fmt.Errorf("note the time of reading: %w", err)
	}
	if !companyChanged {
		return nil
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO touched_people (person_id, touched_at, due_at)
		SELECT DISTINCT colleague.id, @now::timestamptz, @now::timestamptz
		FROM person_changes c
		JOIN stage s ON s.id = c.person_id
		JOIN people colleague ON colleague.salesforce_account_id = s.salesforce_account_id AND colleague.archived_at IS NULL
		WHERE c.run_id = @run AND c.field = 'company' AND c.changed_at = @now AND colleague.company IS DISTINCT FROM s.company
		ON CONFLICT (person_id) DO NOTHING`, pgx.NamedArgs{"run": o.runID, "now": o.now})
	if err != nil {
		return fmt.Errorf("touch colleagues: %w", err)
	}
	return nil
}

func moveTotals(ctx context.Context, tx pgx.Tx, live, archived int64) error {
	if live == 0 && archived == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE people_totals SET live = live + $1, archived = archived + $2`, live, archived)
	if err != nil {
		return fmt.Errorf("count people: %w", err)
	}
	return nil
}

// upsertSQL inserts and updates those who qualify and writes their provenance.
// "before" is what was there, for the lines of provenance; rows that do not differ
// are in neither.
var upsertSQL = func() string {
	var (
		stored = stageColumns[:len(stageColumns)-1] // all but "qualifies"
		sets   []string
		lines  []string
	)
	differs := func(incoming string) string {
		between := ", " + incoming + "."
		return "(p." + strings.Join(comparedColumns, ", p.") + ") IS DISTINCT FROM (" +
			incoming + "." + strings.Join(comparedColumns, between) + ")"
	}
	for _, column := range stored[1:] {
		sets = append(sets, column+" = EXCLUDED."+column)
	}
	for _, column := range comparedColumns[:provenColumns] {
		lines = append(lines, fmt.Sprintf("('%[1]s', b.%[1]s::text, s.%[1]s::text)", column))
	}
	return `
WITH before AS MATERIALIZED (
	SELECT p.* FROM people p JOIN stage s USING (id)
	WHERE s.qualifies AND p.read_at <= s.read_at AND (p.archived_at IS NOT NULL OR ` + differs("s") + `)
), written AS (
	INSERT INTO people AS p (` + strings.Join(stored, ", ") + `, created_run_id, synced_at)
	SELECT ` + strings.Join(stored, ", ") + `, @run, @now FROM stage s WHERE qualifies ORDER BY id
	ON CONFLICT (id) DO UPDATE SET ` + strings.Join(sets, ", ") + `, synced_at = @now,
		archived_at = NULL, archive_reason = NULL, merged_into = NULL
	WHERE p.read_at <= EXCLUDED.read_at
		AND (p.archived_at IS NOT NULL OR ` + differs("EXCLUDED") + `)
	RETURNING p.id, xmax = 0 AS created
), changes AS (
	INSERT INTO person_changes (person_id, run_id, field, old, new, changed_at)
	SELECT b.id, @run, line.field, line.old, line.new, @now
	FROM before b JOIN stage s USING (id) JOIN written w USING (id)
	CROSS JOIN LATERAL (VALUES ` + strings.Join(lines, ", ") + `, ('archived', b.archive_reason, NULL)) AS line (field, old, new)
	WHERE line.old IS DISTINCT FROM line.new
	RETURNING field
)
SELECT count(*) FILTER (WHERE created), count(*) FILTER (WHERE NOT created),
	(SELECT count(*) FROM before b JOIN written w USING (id) WHERE b.archived_at IS NOT NULL),
	(SELECT count(*) FROM changes WHERE field = 'company')
FROM written`
}()

// unqualifiedSQL archives those whom the batch shows without an owner.
const unqualifiedSQL = `
WITH gone AS (
	UPDATE people p SET archived_at = @now, archive_reason = 'owner_lost', synced_at = @now, read_at = s.read_at
	FROM stage s WHERE p.id = s.id AND NOT s.qualifies AND p.archived_at IS NULL AND p.read_at <= s.read_at
	RETURNING p.id
), changes AS (
	INSERT INTO person_changes (person_id, run_id, field, new, changed_at) SELECT id, @run, 'archived', 'owner_lost', @now FROM gone
)
SELECT count(*) FROM gone`
