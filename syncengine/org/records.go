package org

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/salesforce"
)

// Ids in one query, and queries in one call: the address of a query may have 16,384
// bytes, and a composite call five queries (Salesforce REST: limits, composite).
const (
	IDsPerQuery  = 450
	queriesACall = 5
)

// MaxContacts is how many contacts AskOpportunities asks about in one call.
const MaxContacts = IDsPerQuery * queriesACall

// AskOpportunities asks Salesforce for the open opportunity of at most MaxContacts
// contacts, by their ids of 15 characters, and remembers the answers.
func (o *Org) AskOpportunities(ctx context.Context, contacts []string) error {
	client, err := o.Client(ctx)
	if err != nil {
		return err
	}
	var queries []string
	for from := 0; from < len(contacts); from += IDsPerQuery {
		queries = append(queries, `SELECT ContactId, OpportunityId FROM OpportunityContactRole WHERE Opportunity.IsClosed = false AND ContactId IN (`+
			Quoted(contacts[from:min(from+IDsPerQuery, len(contacts))])+`) ORDER BY IsPrimary DESC, Opportunity.CreatedDate DESC, Id`)
	}
	answers, err := client.CompositeQueries(budget.For(ctx, budget.Opportunities), queries)
	if err != nil && !isDenied(err) {
		return fmt.Errorf("ask for the opportunities of %d contacts: %w", len(contacts), err)
	}
	opportunities := map[string]string{}
	for _, answer := range answers {
		for _, role := range answer {
			if contact := ShortID(role.Text("ContactId")); opportunities[contact] == "" {
				opportunities[contact] = role.Text("OpportunityId")
			}
		}
	}
	return o.remember(ctx, contacts, opportunities)
}

// isDenied says that the user may not see what was asked for; then Tasks go to the
// account.
func isDenied(err error) bool {
	switch failure.Classify(err).Code {
	case "INVALID_TYPE", "INVALID_FIELD", "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY":
		return true
	}
	return false
}

func (o *Org) remember(ctx context.Context, contacts []string, opportunities map[string]string) error {
	found := make([]string, len(contacts))
	for n, c := range contacts {
		found[n] = opportunities[c]
	}
	_, err := o.pool.Exec(ctx, `
		INSERT INTO salesforce_records (id, opportunity_id, asked_at) SELECT id, nullif(opportunity, ''), $3 FROM unnest($1::text[], $2::text[]) AS t (id, opportunity)
		ON CONFLICT (id) DO UPDATE SET opportunity_id = EXCLUDED.opportunity_id, asked_at = EXCLUDED.asked_at`, contacts, found, o.clock().Now())
	if err != nil {
		return fmt.Errorf("remember the opportunities of contacts: %w", err)
	}
	return nil
}

// AskRecords asks what became of leads (converted, merged) and contacts (merged),
// remembers it, and says which of them became another record.
func (o *Org) AskRecords(ctx context.Context, ids []string) (map[string]bool, error) {
	client, err := o.Client(ctx)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	followed := map[string]bool{}
	for object, fields := range map[string]string{"Lead": `Id, MasterRecordId, ConvertedContactId, ConvertedAccountId, ConvertedOpportunityId`,
		"Contact": `Id, MasterRecordId, AccountId`} {
		for r, err := range queryByID(budget.For(ctx, budget.Records), client.Client, object, fields, ids) {
			if err != nil {
				return nil, fmt.Errorf("ask what became of %d records: %w", len(ids), err)
			}
			if err := o.rememberRecord(ctx, r, followed); err != nil {
				return nil, err
			}
		}
	}
	return followed, nil
}

// prefixes are how the ids of an object begin.
var prefixes = map[string]string{"Lead": "00Q", "Contact": "003", "Account": "001", "Opportunity": "006"}

// queryByID yields those records of an object that are among ids, deleted ones too.
func queryByID(ctx context.Context, client *salesforce.Client, object, fields string, ids []string) iter.Seq2[salesforce.Record, error] {
	var of []string
	for _, id := range ids {
		if strings.HasPrefix(id, prefixes[object]) && !slices.Contains(of, id) {
			of = append(of, id)
		}
	}
	return func(yield func(salesforce.Record, error) bool) {
		for some := range slices.Chunk(of, IDsPerQuery) {
			for r, err := range client.QueryAll(ctx, `SELECT `+fields+` FROM `+object+` WHERE Id IN (`+Quoted(some)+`)`) {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// rememberRecord keeps what a lead or contact became, and the account that a contact
// has in Salesforce, which Marketo may not have heard of yet.
func (o *Org) rememberRecord(ctx context.Context, r salesforce.Record, followed map[string]bool) error {
	follow, account := r.Text("ConvertedContactId"), r.Text("ConvertedAccountId")
	if follow == "" {
		follow = r.Text("MasterRecordId")
	}
	if follow == "" {
		account = r.Text("AccountId")
	}
	followed[r.ID()] = follow != ""
	_, err := o.pool.Exec(ctx, `
		INSERT INTO salesforce_records (id, follow_id, account_id, opportunity_id, asked_at)
		VALUES ($1, nullif($2, ''), nullif($3, ''), nullif($4, ''), CASE WHEN $2 = '' THEN '-infinity' ELSE $5::timestamptz END)
		ON CONFLICT (id) DO UPDATE SET follow_id = EXCLUDED.follow_id, account_id = EXCLUDED.account_id,
			opportunity_id = CASE WHEN $2 = '' THEN salesforce_records.opportunity_id ELSE EXCLUDED.opportunity_id END,
			asked_at = CASE WHEN $2 = '' THEN salesforce_records.asked_at ELSE EXCLUDED.asked_at END`,
		ShortID(r.Text("Id")), follow, account, r.Text("ConvertedOpportunityId"), o.clock().Now())
	if err != nil {
		return fmt.Errorf("remember what became of a record: %w", err)
	}
	return nil
}

// AskParents asks which accounts and opportunities are gone, deleted or out of the
// connected user's sight, and remembers those.
func (o *Org) AskParents(ctx context.Context, ids []string) (map[string]bool, error) {
	client, err := o.Client(ctx)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, object := range []string{"Account", "Opportunity"} {
		for r, err := range queryByID(budget.For(ctx, budget.Records), client.Client, object, `Id, IsDeleted`, ids) {
			if err != nil && !isDenied(err) {
				return nil, fmt.Errorf("ask whether %d records are there: %w", len(ids), err)
			}
			if err == nil && !r.Bool("IsDeleted") {
				there[r.ID()] = true
			}
		}
	}
	gone, list := map[string]bool{}, []string{}
	for _, id := range ids {
		if id != "" && !there[id] && !gone[id] {
			gone[id] = true
			list = append(list, ShortID(id))
		}
	}
	_, err = o.pool.Exec(ctx, `INSERT INTO salesforce_records (id, gone, asked_at) SELECT unnest($1::text[]), true, $2
		ON CONFLICT (id) DO UPDATE SET gone = true, asked_at = EXCLUDED.asked_at`, list, o.clock().Now())
	if err != nil {
		return nil, fmt.Errorf("remember which records are gone: %w", err)
	}
	return gone, nil
}

// known is what is remembered of a record.
type known struct {
	follow, account, opportunity string
	gone                         bool
}

// SalesforceIDs are the records of one person, as Marketo knows them; nil is unknown.
type SalesforceIDs struct {
	ContactID, LeadID, AccountID, OpportunityID *string
}

// Target is what a Task hangs on; empty is nothing.
type Target struct{ WhoID, WhatID string }

// Targets decides on what each Task hangs: the lead or contact, in whatever it was
// converted or merged; for a contact the opportunity, else the account.
func (o *Org) Targets(ctx context.Context, people []SalesforceIDs) ([]Target, error) {
	records, err := o.remembered(ctx, people)
	if err != nil {
		return nil, err
	}
	targets := make([]Target, len(people))
	for n, ids := range people {
		targets[n] = targetOf(ids, records)
	}
	return targets, nil
}

func targetOf(ids SalesforceIDs, records map[string]known) Target {
	var t Target
	switch {
	case text(ids.ContactID) != "":
		t.WhoID = models.NormalSalesforceID(*ids.ContactID)
	case text(ids.LeadID) != "":
		t.WhoID = models.NormalSalesforceID(*ids.LeadID)
	default:
		return t
	}
	opportunities, accounts := []string{text(ids.OpportunityID)}, []string{text(ids.AccountID)}
	for range followDepth { // a lead may be merged into one that was converted
		r := records[ShortID(t.WhoID)]
		opportunities = append(opportunities, r.opportunity)
		if r.follow == "" {
			accounts = append(accounts, r.account)
			break
		}
		if r.account != "" { // of the contact that a lead was converted into
			accounts = append([]string{r.account}, accounts...)
		}
		t.WhoID = models.NormalSalesforceID(r.follow)
	}
	if strings.HasPrefix(t.WhoID, "00Q") {
		return t // a lead forbids it (Salesforce: Task, WhoId and WhatId)
	}
	for _, id := range append(opportunities, accounts...) {
		if id != "" && !records[ShortID(id)].gone {
			t.WhatID = models.NormalSalesforceID(id)
			break
		}
	}
	return t
}

// goneAge is how long it is believed that an account or opportunity is gone.
const goneAge = 24 * time.Hour

// followDepth is how many merges and conversions of one record are followed.
const followDepth = 20

// remembered reads what is known of people's records, of those that they became, and
// of the accounts and opportunities beside them. One that is gone may come back.
func (o *Org) remembered(ctx context.Context, people []SalesforceIDs) (map[string]known, error) {
	var ids []string
	for _, p := range people {
		for _, id := range []string{text(p.ContactID), text(p.LeadID), text(p.AccountID), text(p.OpportunityID)} {
			if id != "" {
				ids = append(ids, ShortID(id))
			}
		}
	}
	rows, err := o.pool.Query(ctx, `
		WITH RECURSIVE chain AS (
			SELECT r.*, 0 AS depth FROM salesforce_records r WHERE id = ANY($1)
			UNION ALL SELECT r.*, c.depth + 1 FROM chain c JOIN salesforce_records r ON r.id = left(c.follow_id, 15) WHERE c.depth < $2),
		beside AS (
			SELECT r.* FROM chain c JOIN salesforce_records r ON r.id IN (left(c.account_id, 15), left(c.opportunity_id, 15)))
		SELECT id, coalesce(follow_id, ''), coalesce(account_id, ''), coalesce(opportunity_id, ''), gone AND asked_at > $3 FROM chain
		UNION SELECT id, coalesce(follow_id, ''), coalesce(account_id, ''), coalesce(opportunity_id, ''), gone AND asked_at > $3 FROM beside`,
		ids, followDepth, o.clock().Now().Add(-goneAge))
	if err != nil {
		return nil, fmt.Errorf("read what is known of records: %w", err)
	}
	records := make(map[string]known)
	var (
		id string
		k  known
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &k.follow, &k.account, &k.opportunity, &k.gone}, func() error {
		records[id] = k
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what is known of records: %w", err)
	}
	return records, nil
}

// Successors returns leads and contacts with those that they became, and those that
// these became.
func (o *Org) Successors(ctx context.Context, ids []string) ([]string, error) {
	for asked, depth := 0, 0; asked < len(ids) && depth < followDepth; depth++ {
		fresh := ids[asked:]
		asked = len(ids)
		if _, err := o.AskRecords(ctx, fresh); err != nil {
			return nil, err
		}
		people := make([]SalesforceIDs, len(fresh))
		for n := range fresh {
			people[n].LeadID = &fresh[n]
		}
		records, err := o.remembered(ctx, people)
		if err != nil {
			return nil, err
		}
		for _, id := range fresh {
			if next := models.NormalSalesforceID(records[ShortID(id)].follow); next != "" && !slices.Contains(ids, next) {
				ids = append(ids, next)
			}
		}
	}
	return ids, nil
}

// ShortID is the form of an id with 15 characters.
func ShortID(id string) string { return id[:min(len(id), 15)] }

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Quoted makes a list of texts for SOQL.
func Quoted(list []string) string {
	var b strings.Builder
	for n, s := range list {
		if n > 0 {
			b.WriteByte(',')
		}
		b.WriteString(salesforce.Quote(s))
	}
	return b.String()
}
