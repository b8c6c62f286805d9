package people

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/marketo"
)

// checksumColumns are the values that a reconciliation compares: the 13 fields,
// the id first, and the owner.
var checksumColumns = []string{
	"first_name", "last_name", "salesforce_contact_id", "salesforce_lead_id", "salesforce_account_id",
	"salesforce_opportunity_id", "company", "title", "email", "phone", "linkedin_url", "source", "owner_id",
}

// separator stands between values; it is in no text that people type.
const separator = "\x1f"

// checksumSQL is the checksum of a row of people, as Row.checksum has it of a read.
// A bulk file writes a missing value as the word null, so that both are taken for
// the same.
var checksumSQL = func() string {
	parts := []string{"p.id::text"}
	for _, column := range checksumColumns {
		parts = append(parts, "coalesce(nullif(p."+column+", 'null'), '')")
	}
	return `sha256(convert_to(` + strings.Join(parts, ` || E'\x1f' || `) + `, 'UTF8'))`
}()

func (r Row) checksum() []byte {
	var b strings.Builder
	fmt.Fprint(&b, r.ID)
	for _, value := range []*string{r.FirstName, r.LastName, r.ContactID, r.LeadID, r.AccountID, r.OpportunityID,
		r.Company, r.Title, r.Email, r.Phone, r.LinkedIn, r.Source, r.OwnerID} {
		b.WriteString(separator)
		if value != nil && *value != "null" {
			b.WriteString(*value)
		}
	}
	sum := sha256.Sum256([]byte(b.String()))
	return sum[:]
}

// stageReconcile keeps what a reconciliation read until everything is read.
func stageReconcile(ctx context.Context, tx pgx.Tx, runID int64, position int, rows []Row) error {
	var (
		ids       = make([]int64, len(rows))
		qualifies = make([]bool, len(rows))
		checksums = make([][]byte, len(rows))
	)
	for i, row := range rows {
		ids[i], qualifies[i], checksums[i] = row.ID, row.Qualifies, row.checksum()
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO reconcile_rows (run_id, position, person_id, qualifies, checksum)
		SELECT $1, $2, id, qualifies, checksum FROM unnest($3::bigint[], $4::boolean[], $5::bytea[]) AS r (id, qualifies, checksum)
		ON CONFLICT (run_id, person_id) DO UPDATE SET position = EXCLUDED.position, qualifies = EXCLUDED.qualifies, checksum = EXCLUDED.checksum`,
		runID, position, ids, qualifies, checksums)
	if err != nil {
		return fmt.Errorf("keep what was read for comparison: %w", err)
	}
	return nil
}

// compare follows the streams once more, so that what changed while the extract
// was made is no difference, then compares, reports and heals.
func (s *Sync) compare(ctx context.Context, ses session, runID int64) error {
	if err := s.Follow(ctx); err != nil {
		return fmt.Errorf("follow before comparing: %w", err)
	}
	err := s.tx(ctx, func(tx pgx.Tx) error {
		for _, step := range []struct{ doing, sql string }{
			{"list the differences", differencesSQL},
			{"sum the slices up", reportSQL},
		} {
			if _, err := tx.Exec(ctx, step.sql, pgx.NamedArgs{"run": runID, "now": s.now()}); err != nil {
				return fmt.Errorf("%s: %w", step.doing, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.heal(ctx, ses, runID)
}

// comparable pairs the extract with the workspace. People whom another read
// brought since the extract was asked for are newer than it, and left out.
var comparable = `
WITH slices AS (
	SELECT position, method, from_time, to_time, from_id, to_id, read_at FROM sync_slices WHERE run_id = @run
), earliest AS (
	SELECT coalesce(min(read_at), @now) AS read_at FROM slices
), here AS (
	SELECT p.id, p.read_at, ` + checksumSQL + ` AS checksum, p.marketo_created_at FROM people p WHERE p.archived_at IS NULL
), pairs AS (
	SELECT coalesce(r.person_id, h.id) AS id, r.position, r.qualifies IS TRUE AS there, h.id IS NOT NULL AS here,
		r.checksum AS there_sum, h.checksum AS here_sum, h.marketo_created_at
	FROM (SELECT * FROM reconcile_rows WHERE run_id = @run) r
	FULL JOIN here h ON h.id = r.person_id
	LEFT JOIN slices sl ON sl.position = r.position
	LEFT JOIN people gone ON gone.id = r.person_id AND h.id IS NULL
	WHERE (r.qualifies OR h.id IS NOT NULL)
		AND coalesce(h.read_at, gone.read_at, '-infinity') <= coalesce(sl.read_at, (SELECT read_at FROM earliest))
)`

var differencesSQL = comparable + `
INSERT INTO reconcile_differences (run_id, person_id, kind)
SELECT @run, id, CASE WHEN there AND here THEN 'differs' WHEN there THEN 'missing' ELSE 'extra' END
FROM pairs WHERE there <> here OR there AND here AND there_sum <> here_sum
ON CONFLICT (run_id, person_id) DO NOTHING`

// reportSQL sums each slice up. Checksums of people are combined by exclusive or,
// so their order does not matter.
var reportSQL = comparable + `, placed AS (
	SELECT pairs.*, coalesce(position, (SELECT position FROM slices WHERE marketo_created_at BETWEEN from_time AND to_time
		OR id BETWEEN from_id AND coalesce(to_id, 9223372036854775807) LIMIT 1), 0) AS place FROM pairs
), sums AS (
	SELECT place, count(*) FILTER (WHERE there) AS there, count(*) FILTER (WHERE here) AS here,
		coalesce(bit_xor(('x' || encode(substr(there_sum, 1, 8), 'hex'))::bit(64)) FILTER (WHERE there), 0::bit(64)) AS there_sum,
		coalesce(bit_xor(('x' || encode(substr(here_sum, 1, 8), 'hex'))::bit(64)) FILTER (WHERE here), 0::bit(64)) AS here_sum
	FROM placed GROUP BY place
)
INSERT INTO reconcile_slices (run_id, position, label, marketo_count, workspace_count, marketo_checksum, workspace_checksum)
SELECT @run, place,
	CASE method WHEN 'created_at' THEN 'created ' || to_char(from_time AT TIME ZONE 'UTC', 'YYYY-MM-DD') || ' to ' || to_char(to_time AT TIME ZONE 'UTC', 'YYYY-MM-DD')
		WHEN 'ids' THEN 'from id ' || coalesce(from_id, 1) ELSE 'everybody on the list' END,
	there, here, to_hex(there_sum::bigint), to_hex(here_sum::bigint)
FROM sums JOIN slices ON slices.position = sums.place
ON CONFLICT (run_id, position) DO NOTHING`

// heal reads those who differ again, and so stores what Marketo has now.
func (s *Sync) heal(ctx context.Context, ses session, runID int64) error {
	ses.everybody = ses.rule.Listed()
	if ses.everybody {
		if err := s.dropUnlisted(ctx, runID); err != nil {
			return err
		}
	}
	for {
		rows, err := s.pool.Query(ctx, `SELECT person_id FROM reconcile_differences
			WHERE run_id = $1 AND healed_at IS NULL ORDER BY person_id LIMIT $2`, runID, marketo.MaxBatch)
		if err != nil {
			return fmt.Errorf("read the differences: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return fmt.Errorf("read the differences: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		claims := make([]claimed, len(ids))
		for i, id := range ids {
			claims[i] = claimed{PersonID: id, Misses: 1}
		}
		if err := s.rereadBatch(ctx, ses, runID, claims); err != nil {
			return err
		}
		_, err = s.pool.Exec(ctx, `UPDATE reconcile_differences SET healed_at = $3 WHERE run_id = $1 AND person_id = ANY($2)`, runID, ids, s.now())
		if err != nil {
			return fmt.Errorf("note the healed: %w", err)
		}
	}
}

// dropUnlisted archives people whom the list does not have any more; a read could
// not tell.
func (s *Sync) dropUnlisted(ctx context.Context, runID int64) error {
	return s.tx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `UPDATE reconcile_differences SET healed_at = $2
			WHERE run_id = $1 AND kind = 'extra' AND healed_at IS NULL RETURNING person_id`, runID, s.now())
		if err != nil {
			return fmt.Errorf("read who left the list: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil || len(ids) == 0 {
			return err
		}
		reasons := make([]string, len(ids))
		for i := range reasons {
			reasons[i] = string(models.ArchivedUnqualified)
		}
		archived, err := s.archive(ctx, tx, runID, ids, reasons, make([]*int64, len(ids)), s.now())
		if err != nil {
			return err
		}
		return s.progress(ctx, tx, runID, 0, Stored{Archived: archived})
	})
}
