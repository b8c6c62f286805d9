package delivery

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesactions/syncengine/failure"
	"salesactions/syncengine/salesforce"
)

// Ids in one query, and queries in one call: the address of a query may have 16,384
// bytes, and a composite call five queries (Salesforce REST: limits, composite).
const (
	idsPerQuery  = 450
	queriesACall = 5
)

// knownOpportunity takes only Tasks of leads, of contacts whose opportunity Marketo
// knows, and of contacts that Salesforce was asked about.
var knownOpportunity = selection{
	joins: `JOIN activities ka ON ka.id = d.activity_id LEFT JOIN people kn ON kn.id = ka.person_id
		LEFT JOIN people kp ON kp.id = coalesce(kn.merged_into, kn.id) LEFT JOIN salesforce_records kr ON kr.id = left(kp.salesforce_contact_id, 15)`,
	where: `AND (kp.salesforce_contact_id IS NULL OR kp.salesforce_opportunity_id IS NOT NULL
		OR kr.asked_at > clock_timestamp() - interval '24 hours')`,
}

// askOpportunities asks Salesforce for the open opportunity of the contacts of due
// Tasks, up to some thousand in one call, remembers the answers, and returns how many
// contacts it asked for.
func (s *toSalesforce) askOpportunities(ctx context.Context) (int, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT DISTINCT left(kp.salesforce_contact_id, 15) FROM (
			SELECT activity_id FROM deliveries WHERE destination = 'salesforce' AND operation = 'create' AND state = 'pending'
				AND hold IS NULL AND due_at <= clock_timestamp() ORDER BY due_at, id LIMIT 20000) d `+knownOpportunity.joins+`
		WHERE (true `+knownOpportunity.where+`) IS NOT TRUE LIMIT $1`, idsPerQuery*queriesACall)
	if err != nil {
		return 0, fmt.Errorf("find contacts whose opportunity is not known: %w", err)
	}
	contacts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(contacts) == 0 {
		return 0, err
	}
	client, _, _, err := s.client(ctx)
	if err != nil {
		return 0, err
	}
	var queries []string
	for from := 0; from < len(contacts); from += idsPerQuery {
		queries = append(queries, `SELECT ContactId, OpportunityId FROM OpportunityContactRole WHERE Opportunity.IsClosed = false AND ContactId IN (`+
			quoted(contacts[from:min(from+idsPerQuery, len(contacts))])+`) ORDER BY IsPrimary DESC, Opportunity.CreatedDate DESC, Id`)
	}
	answers, err := client.CompositeQueries(purpose(ctx, "opportunities"), queries)
	if err != nil && !isDenied(err) {
		return 0, fmt.Errorf("ask for the opportunities of %d contacts: %w", len(contacts), err)
	}
	opportunities := map[string]string{}
	for _, answer := range answers {
		for _, role := range answer {
			if contact := short(role.Text("ContactId")); opportunities[contact] == "" {
				opportunities[contact] = role.Text("OpportunityId")
			}
		}
	}
	return len(contacts), s.remember(ctx, contacts, opportunities)
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

func (s *toSalesforce) remember(ctx context.Context, contacts []string, opportunities map[string]string) error {
	found := make([]string, len(contacts))
	for n, c := range contacts {
		found[n] = opportunities[c]
	}
	_, err := s.pool.Exec(ctx, `
		INSERT INTO salesforce_records (id, opportunity_id) SELECT id, nullif(opportunity, '') FROM unnest($1::text[], $2::text[]) AS t (id, opportunity)
		ON CONFLICT (id) DO UPDATE SET opportunity_id = EXCLUDED.opportunity_id, asked_at = clock_timestamp()`, contacts, found)
	if err != nil {
		return fmt.Errorf("remember the opportunities of contacts: %w", err)
	}
	return nil
}

// askRecords asks what became of leads (converted, merged) and contacts (merged),
// remembers it, and says which of them became another record.
func (s *toSalesforce) askRecords(ctx context.Context, ids []string) (map[string]bool, error) {
	client, _, _, err := s.client(ctx)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	followed := map[string]bool{}
	for object, prefix := range map[string]string{"Lead": "00Q", "Contact": "003"} {
		fields := `Id, MasterRecordId, AccountId`
		if object == "Lead" {
			fields = `Id, MasterRecordId, ConvertedContactId, ConvertedAccountId, ConvertedOpportunityId`
		}
		var of []string
		for _, id := range ids {
			if strings.HasPrefix(id, prefix) {
				of = append(of, id)
			}
		}
		if len(of) == 0 {
			continue
		}
		for r, err := range client.QueryAll(purpose(ctx, "records"), `SELECT `+fields+` FROM `+object+` WHERE Id IN (`+quoted(of)+`)`) {
			if err != nil {
				return nil, fmt.Errorf("ask what became of %d records: %w", len(of), err)
			}
			if err := s.rememberRecord(ctx, r, followed); err != nil {
				return nil, err
			}
		}
	}
	return followed, nil
}

func (s *toSalesforce) rememberRecord(ctx context.Context, r salesforce.Record, followed map[string]bool) error {
	follow := r.Text("ConvertedContactId")
	if follow == "" {
		follow = r.Text("MasterRecordId")
	}
	if follow == "" {
		return nil
	}
	followed[normalID(r.Text("Id"))] = true
	_, err := s.pool.Exec(ctx, `
		INSERT INTO salesforce_records (id, follow_id, account_id, opportunity_id) VALUES ($1, $2, nullif($3, ''), nullif($4, ''))
		ON CONFLICT (id) DO UPDATE SET follow_id = EXCLUDED.follow_id, account_id = EXCLUDED.account_id,
			opportunity_id = EXCLUDED.opportunity_id, asked_at = clock_timestamp()`,
		short(r.Text("Id")), follow, r.Text("ConvertedAccountId"), r.Text("ConvertedOpportunityId"))
	if err != nil {
		return fmt.Errorf("remember what became of a record: %w", err)
	}
	return nil
}

// known is what is remembered of a record.
type known struct{ follow, account, opportunity string }

// targets decides on what each Task hangs and whose it is: the lead or contact, in
// whatever it was converted or merged; for a contact the opportunity, else the account.
func (s *toSalesforce) targets(ctx context.Context, items []item) ([]target, error) {
	records, err := s.remembered(ctx, items)
	if err != nil {
		return nil, err
	}
	owners, err := s.reps.owners(ctx, s, items)
	if err != nil {
		return nil, err
	}
	targets := make([]target, len(items))
	for n, i := range items {
		targets[n] = targetOf(i, records)
		if owner, matched := owners[i.RepEmail]; matched {
			targets[n].ownerID = owner
		} else {
			targets[n].repUnmatched = true
		}
	}
	return targets, nil
}

func targetOf(i item, records map[string]known) target {
	var t target
	switch {
	case i.ContactID != nil && *i.ContactID != "":
		t.whoID = normalID(*i.ContactID)
	case i.LeadID != nil && *i.LeadID != "":
		t.whoID = normalID(*i.LeadID)
	default:
		return t
	}
	opportunity, account := text(i.OpportunityID), text(i.AccountID)
	for range 5 { // a lead may be merged into one that was converted
		r := records[short(t.whoID)]
		if r.opportunity != "" && opportunity == "" {
			opportunity = r.opportunity
		}
		if r.follow == "" {
			break
		}
		t.whoID = normalID(r.follow)
		if r.account != "" {
			account = r.account
		}
	}
	if strings.HasPrefix(t.whoID, "00Q") {
		return t // a lead forbids it (Salesforce: Task, WhoId and WhatId)
	}
	if t.whatID = account; opportunity != "" {
		t.whatID = opportunity
	}
	if t.whatID != "" {
		t.whatID = normalID(t.whatID)
	}
	return t
}

// remembered reads what is known of the items' records, and of those that they became.
func (s *toSalesforce) remembered(ctx context.Context, items []item) (map[string]known, error) {
	var ids []string
	for _, i := range items {
		for _, id := range []string{text(i.ContactID), text(i.LeadID)} {
			if id != "" {
				ids = append(ids, short(id))
			}
		}
	}
	rows, err := s.pool.Query(ctx, `
		WITH RECURSIVE chain AS (
			SELECT r.*, 0 AS depth FROM salesforce_records r WHERE id = ANY($1)
			UNION ALL SELECT r.*, c.depth + 1 FROM chain c JOIN salesforce_records r ON r.id = left(c.follow_id, 15) WHERE c.depth < 5)
		SELECT id, coalesce(follow_id, ''), coalesce(account_id, ''), coalesce(opportunity_id, '') FROM chain`, ids)
	if err != nil {
		return nil, fmt.Errorf("read what is known of records: %w", err)
	}
	records := make(map[string]known)
	var (
		id string
		k  known
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &k.follow, &k.account, &k.opportunity}, func() error {
		records[id] = k
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what is known of records: %w", err)
	}
	return records, nil
}

func short(id string) string { return id[:min(len(id), 15)] }

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// quoted makes a list of texts for SOQL.
func quoted(list []string) string {
	var b strings.Builder
	for n, s := range list {
		if n > 0 {
			b.WriteByte(',')
		}
		b.WriteString(salesforce.Quote(s))
	}
	return b.String()
}
