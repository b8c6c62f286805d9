package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
	"salesactions/syncengine/outbox"
)

// item is a claimed delivery with all that its payload is made of.
type item struct {
	ID         int64
	Attempts   int
	ActivityID uuid.UUID
	EmailID    *uuid.UUID
	Kind       models.ActivityKind
	OccurredAt time.Time
	RepEmail   string
	Attributes models.ActivityAttributes
	Email      *models.ActivityAttributes // of the email that an engagement belongs to
	SentAt     *time.Time
	Looks      int
	Scheme     *string
	WhoID      *string
	ErrorCode  string // of the attempt before
	ErrorTimes int    // attempts in a row that ended so
	Doubts     int    // attempts in a row without an answer

	PersonID      *int64
	ContactID     *string
	LeadID        *string
	AccountID     *string
	OpportunityID *string
}

// unsent puts it back as if it had not been claimed.
func (i item) unsent() outbox.Outcome { return outbox.Unsent(i.ID, 0) }

// times is how many attempts in a row have ended with a code, the one of now included.
func (i item) times(code string) int {
	if i.ErrorCode == code {
		return i.ErrorTimes + 1
	}
	return 1
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

// itemColumns are read from deliveries "d" with their activity, email and person.
const itemColumns = `d.id, d.attempts, a.id, a.email_id, a.kind, a.occurred_at, coalesce(a.rep_email, ''), a.attributes, e.attributes,
	d.sent_at, d.looks, d.scheme, d.who_id, coalesce(d.error_code, ''), d.error_times, d.doubts,
	coalesce(p.id, a.person_id), p.salesforce_contact_id, p.salesforce_lead_id, p.salesforce_account_id, p.salesforce_opportunity_id`

// itemJoins take a person who was merged away for the one they were merged into.
const itemJoins = ` JOIN activities a ON a.id = d.activity_id LEFT JOIN activities e ON e.id = a.email_id
	LEFT JOIN people named ON named.id = a.person_id LEFT JOIN people p ON p.id = ` + lastOfNamed

// lastOfNamed is whom people "named" are after merges, however often they were merged.
const lastOfNamed = `CASE WHEN named.merged_into IS NULL THEN named.id ELSE (
	WITH RECURSIVE chain AS (
		SELECT named.merged_into AS id, 1 AS depth
		UNION ALL SELECT m.merged_into, c.depth + 1 FROM chain c JOIN people m ON m.id = c.id WHERE m.merged_into IS NOT NULL AND c.depth < 20)
	SELECT id FROM chain ORDER BY depth DESC LIMIT 1) END`

func scanItem(row pgx.CollectableRow) (item, error) {
	var i item
	err := row.Scan(&i.ID, &i.Attempts, &i.ActivityID, &i.EmailID, &i.Kind, &i.OccurredAt, &i.RepEmail, &i.Attributes, &i.Email,
		&i.SentAt, &i.Looks, &i.Scheme, &i.WhoID, &i.ErrorCode, &i.ErrorTimes, &i.Doubts, &i.PersonID, &i.ContactID, &i.LeadID, &i.AccountID, &i.OpportunityID)
	return i, err
}

// selection narrows what is claimed, in SQL about deliveries "d"; empty takes all.
type selection struct{ joins, where string }

// takeDue marks due deliveries as being sent by a run, so that a crash from here on
// leaves no doubt that they may have been sent. The claim is committed on return.
func takeDue(ctx context.Context, pool *pgxpool.Pool, run uuid.UUID, to models.Destination, limit int, only selection) ([]item, error) {
	rows, err := pool.Query(ctx, `
		WITH due AS (
			SELECT d.id FROM deliveries d `+only.joins+`
			WHERE d.destination = $1 AND d.operation = 'create' AND d.state = 'pending' AND d.hold IS NULL AND d.due_at <= clock_timestamp() `+only.where+`
			ORDER BY d.due_at, d.id LIMIT $2 FOR UPDATE OF d SKIP LOCKED
		), d AS (
			UPDATE deliveries SET state = 'sending', sender = $3, sent_at = clock_timestamp(), attempts = attempts + 1, looks = 0,
				scheme = CASE WHEN doubted_at IS NOT NULL THEN scheme END, who_id = NULL, updated_at = clock_timestamp()
			FROM due WHERE deliveries.id = due.id
			RETURNING deliveries.*
		)
		SELECT `+itemColumns+` FROM d`+itemJoins+` ORDER BY a.occurred_at, d.id`, to, limit, run)
	if err == nil {
		var items []item
		if items, err = pgx.CollectRows(rows, scanItem); err == nil {
			return items, nil
		}
	}
	return nil, fmt.Errorf("claim deliveries to %s: %w", to.Name(), err)
}

// takeUnknown takes deliveries whose outcome is to be looked for now, those whose
// activities happened at about the same time together.
func takeUnknown(ctx context.Context, pool *pgxpool.Pool, to models.Destination, limit int) ([]item, error) {
	rows, err := pool.Query(ctx, `
		SELECT `+itemColumns+` FROM (
			SELECT * FROM deliveries WHERE destination = $1 AND operation = 'create' AND state = 'sending' AND sender IS NULL
				AND due_at <= clock_timestamp() ORDER BY occurred_at LIMIT $2) d`+itemJoins+` ORDER BY a.occurred_at, d.id`, to, limit)
	if err == nil {
		var items []item
		if items, err = pgx.CollectRows(rows, scanItem); err == nil {
			return items, nil
		}
	}
	return nil, fmt.Errorf("take deliveries of unknown outcome to %s: %w", to.Name(), err)
}
