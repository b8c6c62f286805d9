package unsubscribes

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/outbox"
)

// NewUnsubscribe is an unsubscribe about to be recorded.
type NewUnsubscribe struct {
	PersonID     int64 // 0: waits for the person, named by the others
	MarketoID    int64
	SalesforceID string
	Email        string
	Source       models.UnsubscribeSource
	Reason       string
	Actor        string
	Address      string
}

// queue is the opt-outs in the outbox.
var queue = outbox.Queue{To: models.ToSalesforce, Operation: models.OptOut}

// Record records in the caller's transaction that a person wants no email, and that
// Salesforce is to receive it. A person who had unsubscribed already on the same side has
// the id of the first, and created is false.
func (k *Keeper) Record(ctx context.Context, tx pgx.Tx, u NewUnsubscribe) (id int64, created bool, err error) {
	key, salesforceID, now := "", "", k.now()
	if u.Email != "" {
		key = models.SortKey(&u.Email)
	}
	if u.SalesforceID != "" {
		salesforceID = models.NormalSalesforceID(u.SalesforceID)
	}
	var hold models.Hold
	err = tx.QueryRow(ctx, `
		INSERT INTO unsubscribes AS u (person_id, person_marketo_id, person_salesforce_id, person_email, person_email_key, source, reason, actor, address, at)
		SELECT nullif($1, 0), nullif($2, 0), nullif($3, ''), nullif($4, ''), nullif($5, ''), $6, $7, $8, $9, $10
		WHERE $1 <> 0 OR NOT EXISTS (SELECT FROM unsubscribes w WHERE w.person_id IS NULL AND w.cleared_at IS NULL AND (w.source = 'salesforce') = ($6 = 'salesforce')
			AND w.person_marketo_id IS NOT DISTINCT FROM nullif($2, 0) AND w.person_salesforce_id IS NOT DISTINCT FROM nullif($3, '')
			AND w.person_email_key IS NOT DISTINCT FROM nullif($5, ''))
		ON CONFLICT (person_id, (source = 'salesforce')) WHERE cleared_at IS NULL AND person_id IS NOT NULL DO NOTHING
		RETURNING id, CASE WHEN u.person_id IS NULL THEN 'person' WHEN EXISTS (SELECT FROM people p WHERE p.id = u.person_id AND `+hasRecord+`) THEN ''
			ELSE 'record' END`,
		u.PersonID, u.MarketoID, salesforceID, u.Email, key, u.Source, u.Reason, u.Actor, u.Address, now).Scan(&id, &hold)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		id, err = k.first(ctx, tx, u, salesforceID, key)
		return id, false, err
	case err != nil:
		return 0, false, fmt.Errorf("record an unsubscribe: %w", err)
	case u.Source == models.BySalesforce:
		return id, true, nil
	}
	entry := outbox.Entry{Unsubscribe: id, To: queue.To, Operation: queue.Operation, OccurredAt: now, Hold: hold}
	if _, err := k.outbox.Enqueue(entry).Exec(ctx, tx); err != nil {
		return 0, false, fmt.Errorf("queue an unsubscribe for Salesforce: %w", err)
	}
	return id, true, nil
}

// first finds the unsubscribe that the person had already.
func (k *Keeper) first(ctx context.Context, tx pgx.Tx, u NewUnsubscribe, salesforceID, key string) (int64, error) {
	var id int64
	err := tx.QueryRow(ctx, `
		SELECT id FROM unsubscribes WHERE cleared_at IS NULL AND (source = 'salesforce') = ($1 = 'salesforce') AND (person_id = nullif($2, 0)
			OR $2 = 0 AND person_id IS NULL AND person_marketo_id IS NOT DISTINCT FROM nullif($3, 0) AND person_salesforce_id IS NOT DISTINCT FROM nullif($4, '')
				AND person_email_key IS NOT DISTINCT FROM nullif($5, ''))
		ORDER BY id LIMIT 1`, u.Source, u.PersonID, u.MarketoID, salesforceID, key).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("find an unsubscribe: %w", err)
	}
	return id, nil
}

// hasRecord says whether a person "p" has a lead or contact in Salesforce.
const hasRecord = `(coalesce(p.salesforce_contact_id, '') <> '' OR coalesce(p.salesforce_lead_id, '') <> '')`
