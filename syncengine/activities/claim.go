package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/who"
)

// The queues of the outbox that activities are in.
var (
	marketoCreates    = outbox.Queue{To: models.ToMarketo, Operation: models.Create}
	salesforceCreates = outbox.Queue{To: models.ToSalesforce, Operation: models.Create}
	salesforceChanges = outbox.Queue{To: models.ToSalesforce, Operation: models.Update}
)

// item is a claimed delivery with all that its payload is made of.
type item struct {
	outbox.Claimed
	EmailID    *uuid.UUID
	Kind       models.ActivityKind
	OccurredAt time.Time
	RepEmail   string
	Attributes models.ActivityAttributes
	Email      *models.ActivityAttributes // of the email that an engagement belongs to

	PersonID      *int64
	ContactID     *string
	LeadID        *string
	AccountID     *string
	OpportunityID *string
}

// attributes are those of the activity, and where it says nothing those of its email.
func (i item) attributes() models.ActivityAttributes {
	a := i.Attributes
	if i.Email == nil {
		return a
	}
	for _, pair := range []struct{ own, email *string }{
		{&a.Subject, &i.Email.Subject}, {&a.TemplateName, &i.Email.TemplateName}, {&a.TemplateURL, &i.Email.TemplateURL},
		{&a.CampaignName, &i.Email.CampaignName}, {&a.CampaignURL, &i.Email.CampaignURL},
		{&a.CampaignDay, &i.Email.CampaignDay}, {&a.CampaignStep, &i.Email.CampaignStep},
	} {
		if *pair.own == "" {
			*pair.own = *pair.email
		}
	}
	return a
}

// load reads what claimed deliveries are about, in the order in which it happened. A
// person who was merged away is the one they were merged into.
func load(ctx context.Context, pool *pgxpool.Pool, claimed []outbox.Claimed) ([]item, error) {
	if len(claimed) == 0 {
		return nil, nil
	}
	of, ids := make(map[uuid.UUID]outbox.Claimed, len(claimed)), make([]uuid.UUID, len(claimed))
	for n, c := range claimed {
		of[c.Activity], ids[n] = c, c.Activity
	}
	rows, err := pool.Query(ctx, `
		SELECT a.id, a.email_id, a.kind, a.occurred_at, coalesce(a.rep_email, ''), a.attributes, e.attributes,
			coalesce(p.id, a.person_id), p.salesforce_contact_id, p.salesforce_lead_id, p.salesforce_account_id, p.salesforce_opportunity_id
		FROM activities a LEFT JOIN activities e ON e.id = a.email_id
			LEFT JOIN people named ON named.id = a.person_id LEFT JOIN people p ON p.id = `+who.NowOfNamed+`
		WHERE a.id = ANY($1) ORDER BY a.occurred_at, a.id`, ids)
	if err != nil {
		return nil, fmt.Errorf("read claimed activities: %w", err)
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (item, error) {
		var i item
		var id uuid.UUID
		err := row.Scan(&id, &i.EmailID, &i.Kind, &i.OccurredAt, &i.RepEmail, &i.Attributes, &i.Email,
			&i.PersonID, &i.ContactID, &i.LeadID, &i.AccountID, &i.OpportunityID)
		i.Claimed = of[id]
		return i, err
	})
	if err != nil {
		return nil, fmt.Errorf("read claimed activities: %w", err)
	}
	return items, nil
}

// claim takes due deliveries of a queue for a run, with what they are about.
func claim(ctx context.Context, pool *pgxpool.Pool, o *outbox.Outbox, run uuid.UUID, q outbox.Queue, limit int, only outbox.Narrow) ([]item, error) {
	claimed, err := o.Claim(ctx, run, q, limit, only)
	if err != nil {
		return nil, err
	}
	return load(ctx, pool, claimed)
}

// unknown returns the deliveries of a queue whose outcome is to be looked for now, with
// what they are about.
func unknown(ctx context.Context, pool *pgxpool.Pool, o *outbox.Outbox, q outbox.Queue, limit int) ([]item, error) {
	claimed, err := o.Unknown(ctx, q, limit)
	if err != nil {
		return nil, err
	}
	return load(ctx, pool, claimed)
}
