package outbox

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Proof is how a record that is about to be sent can be found again, so that none is
// made twice.
type Proof struct {
	ID     int64  // of the delivery
	Scheme string // key, field or marker
	Field  string // that holds our id; empty for a marker
	WhoID  string // the lead or contact that the record is for; may be empty
}

// noteSQL keeps the proof of an earlier attempt that nobody knows the outcome of: only
// under the same key in the same field may such a record be sent once more.
const noteSQL = `
	WITH claimed AS (
		SELECT d.id, t.scheme, t.field, t.who, d.doubted_at IS NULL OR t.scheme = 'key' AND d.proof_field = t.field AS sure
		FROM deliveries d JOIN unnest(@ids::bigint[], @schemes::text[], @fields::text[], @whos::text[]) AS t (id, scheme, field, who) ON t.id = d.id
		WHERE d.sender = @run
	)
	UPDATE deliveries d SET scheme = CASE WHEN c.sure THEN c.scheme ELSE coalesce(d.scheme, 'key') END, who_id = CASE WHEN c.sure THEN nullif(c.who, '') ELSE d.who_id END,
		proof_field = CASE WHEN c.sure THEN nullif(c.field, '') ELSE d.proof_field END, doubted_at = coalesce(d.doubted_at, d.sent_at)
	FROM claimed c WHERE d.id = c.id RETURNING d.id, c.sure`

// Note keeps how claimed deliveries can be found again, before they are sent, and
// returns those that may be sent. The others may be in the destination by an earlier
// attempt, with another proof: sent now, they could be there twice.
func (o *Outbox) Note(ctx context.Context, run uuid.UUID, proofs []Proof) (map[int64]bool, error) {
	ids := make([]int64, len(proofs))
	schemes, fields, whos := make([]string, len(proofs)), make([]string, len(proofs)), make([]string, len(proofs))
	for n, p := range proofs {
		ids[n], schemes[n], fields[n], whos[n] = p.ID, p.Scheme, p.Field, p.WhoID
	}
	rows, err := o.pool.Query(ctx, noteSQL, pgx.NamedArgs{"ids": ids, "schemes": schemes, "fields": fields, "whos": whos, "run": run})
	if err != nil {
		return nil, fmt.Errorf("note how records can be found again: %w", err)
	}
	sure := make(map[int64]bool, len(proofs))
	var (
		id  int64
		may bool
	)
	if _, err := pgx.ForEachRow(rows, []any{&id, &may}, func() error { sure[id] = may; return nil }); err != nil {
		return nil, fmt.Errorf("note how records can be found again: %w", err)
	}
	return sure, nil
}
