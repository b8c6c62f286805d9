package models_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"salesactions/models"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
)

// emails is how many emails the big workspace has; each is opened too.
const emails = 40_000

// seedActivities makes a workspace as a default installation has it: everything is in
// Marketo, nothing is logged to Salesforce, a few deliveries failed or are on their way.
func seedActivities(t *testing.T) *postgres.DB {
	t.Helper()
	db := postgrestest.New(t)
	for _, sql := range []string{
		`INSERT INTO api_tokens (name, scope, token_hash, hint, created_by) VALUES ('test', 'record', '\x01', '', 'test')`,
		`INSERT INTO people (id, name_key, company_key, title_key, email_key, source_key, search, read_at, created_run_id)
			SELECT n, 'b' || n, '', '', 'e' || n, '', 'x', now(), 1 FROM generate_series(1, 5000) n`,
		fmt.Sprintf(`INSERT INTO activities (id, token_id, key, kind, occurred_at, person_id, rep_email, attributes)
			SELECT gen_random_uuid(), 1, 's' || n, 'email_sent', now() - n * interval '1 minute', n %% 5000 + 1, 'rep' || n %% 50 || '@example.com', '{"subject":"Hello"}'
			FROM generate_series(1, %d) n`, emails),
		`UPDATE people SET archived_at = now(), archive_reason = 'merged', merged_into = CASE id % 3 WHEN 1 THEN id - 1 ELSE 17 END WHERE id BETWEEN 18 AND 23`,
		`INSERT INTO activities (id, token_id, key, kind, occurred_at, person_id, rep_email, email_id, email_key, attributes)
			SELECT gen_random_uuid(), 1, 'o' || key, 'email_opened', occurred_at + interval '1 hour', person_id, rep_email, id, key, '{}' FROM activities`,
		`INSERT INTO activities (id, token_id, key, kind, occurred_at, person_marketo_id, attributes)
			SELECT gen_random_uuid(), 1, 'w' || n, 'call_received', now() - n * interval '1 day', 1000000 + n, '{}' FROM generate_series(1, 100) n`,
		`INSERT INTO deliveries (activity_id, destination, occurred_at, state, hold)
			SELECT id, 'marketo', occurred_at, CASE WHEN person_id IS NULL THEN 'pending' ELSE 'delivered' END, CASE WHEN person_id IS NULL THEN 'person' END FROM activities`,
		`INSERT INTO deliveries (activity_id, destination, operation, occurred_at, state, reason)
			SELECT id, 'salesforce', CASE kind WHEN 'email_opened' THEN 'update' ELSE 'create' END, occurred_at, 'skipped', 'switched_off' FROM activities`,
		`UPDATE deliveries SET state = 'failed', error_code = '1004' WHERE destination = 'marketo' AND state = 'delivered' AND id % 1000 = 0`,
		`ANALYZE`,
	} {
		_, err := db.Pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	return db
}

// statements keeps what is asked of the database.
type statements struct {
	logger.Interface
	mu  sync.Mutex
	sql []string
}

// Trace implements logger.Interface.
func (s *statements) Trace(_ context.Context, _ time.Time, told func() (string, int64), _ error) {
	sql, _ := told()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sql = append(s.sql, sql)
}

// node is a part of a query plan.
type node struct {
	Type     string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Index    string  `json:"Index Name"`
	Hit      int     `json:"Shared Hit Blocks"`
	Read     int     `json:"Shared Read Blocks"`
	Rows     float64 `json:"Actual Rows"`
	Plans    []node  `json:"Plans"`
}

func (n node) each(do func(node)) {
	do(n)
	for _, p := range n.Plans {
		p.each(do)
	}
}

// plans explains the statements of a question, as they are run.
func plans(t *testing.T, db *postgres.DB, ask func(*gorm.DB) error) (indexes []string, blocks int) {
	t.Helper()
	told := &statements{Interface: logger.Discard}
	require.NoError(t, ask(db.Gorm.Session(&gorm.Session{Logger: told})))
	require.NotEmpty(t, told.sql)
	for _, sql := range told.sql {
		if strings.HasPrefix(sql, "EXPLAIN") { // reads none of them
			continue
		}
		var raw []byte
		require.NoError(t, db.Pool.QueryRow(t.Context(), `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) `+sql).Scan(&raw), sql)
		var explained []struct{ Plan node }
		require.NoError(t, json.Unmarshal(raw, &explained))
		blocks += explained[0].Plan.Hit + explained[0].Plan.Read
		explained[0].Plan.each(func(n node) {
			require.False(t, n.Type == "Seq Scan" && slices.Contains([]string{"activities", "deliveries", "people"}, n.Relation), "%s reads all %s", sql, n.Relation)
			if n.Index != "" {
				indexes = append(indexes, n.Index)
			}
		})
	}
	return indexes, blocks
}

// TestListsOfActivitiesReadNoMoreThanTheyShow: each has an index of its own order, so
// that its cost does not grow with the activities.
func TestListsOfActivitiesReadNoMoreThanTheyShow(t *testing.T) {
	t.Parallel()
	db := seedActivities(t)
	list := func(q models.ActivityQuery) func(*gorm.DB) error {
		return func(g *gorm.DB) error { _, err := models.ListActivities(t.Context(), g, q); return err }
	}
	var cursor string
	page, err := models.ListActivities(t.Context(), db.Gorm, models.ActivityQuery{State: models.Skipped})
	require.NoError(t, err)
	cursor = page.Next
	require.NotEmpty(t, cursor)
	sent := page.Activities[slices.IndexFunc(page.Activities, func(a models.Activity) bool { return a.EmailID != nil })].EmailID
	ids := make([]uuid.UUID, len(page.Activities))
	for i, a := range page.Activities {
		ids[i] = a.ID
	}
	ago := time.Now().AddDate(0, 0, -7)
	cases := map[string]listing{
		"all":                                   {list(models.ActivityQuery{}), "activities_recent"},
		"all_but_engagement":                    {list(models.ActivityQuery{Loose: true}), "activities_recent"},
		"the_next_page":                         {list(models.ActivityQuery{Cursor: cursor}), "activities_recent"},
		"since_a_week":                          {list(models.ActivityQuery{Since: ago}), "activities_recent"},
		"before_a_week":                         {list(models.ActivityQuery{Before: ago}), "activities_recent"},
		"a_kind":                                {list(models.ActivityQuery{Kind: models.EmailOpened}), "activities_by_kind"},
		"a_kind_that_there_is_not":              {list(models.ActivityQuery{Kind: models.EmailBounced}), "activities_by_kind"},
		"a_person":                              {list(models.ActivityQuery{PersonID: 17}), "activities_of_person"},
		"a_person's_next_page":                  {list(models.ActivityQuery{PersonID: 17, Cursor: cursor}), "people_merged"},
		"a_person_who_was_merged_into_another":  {list(models.ActivityQuery{PersonID: 19}), "activities_of_person"},
		"a_person's_failures":                   {list(models.ActivityQuery{PersonID: 17, State: models.Failed}), "activities_of_person"},
		"a_person's_in_Salesforce":              {list(models.ActivityQuery{PersonID: 17, State: models.Delivered, Destination: models.ToSalesforce}), "activities_of_person"},
		"a_rep":                                 {list(models.ActivityQuery{RepEmail: "rep7@example.com"}), "activities_by_rep"},
		"whose_person_is_not_here":              {list(models.ActivityQuery{Waiting: true}), "activities_waiting"},
		"delivered":                             {list(models.ActivityQuery{State: models.Delivered}), "deliveries_listed"},
		"delivered_to_Marketo":                  {list(models.ActivityQuery{State: models.Delivered, Destination: models.ToMarketo}), "deliveries_listed"},
		"delivered_to_Salesforce_none":          {list(models.ActivityQuery{State: models.Delivered, Destination: models.ToSalesforce}), "deliveries_listed"},
		"skipped":                               {list(models.ActivityQuery{State: models.Skipped}), "deliveries_listed"},
		"skipped_for_Marketo_none":              {list(models.ActivityQuery{State: models.Skipped, Destination: models.ToMarketo}), "deliveries_listed"},
		"skipped_the_next_page":                 {list(models.ActivityQuery{State: models.Skipped, Cursor: cursor}), "deliveries_listed"},
		"skipped_before_a_week":                 {list(models.ActivityQuery{State: models.Skipped, Before: ago}), "deliveries_listed"},
		"failed":                                {list(models.ActivityQuery{State: models.Failed}), "deliveries_listed"},
		"pending":                               {list(models.ActivityQuery{State: models.Pending}), "deliveries_listed"},
		"sending_none":                          {list(models.ActivityQuery{State: models.Sending}), ""},
		"a_rep's_failures":                      {list(models.ActivityQuery{State: models.Failed, RepEmail: "rep7@example.com"}), "deliveries_listed"},
		"delivered_of_a_rep_that_there_is_not":  {list(models.ActivityQuery{State: models.Delivered, RepEmail: "nobody@example.com"}), "activities_by_rep"},
		"delivered_of_a_kind_that_there_is_not": {list(models.ActivityQuery{State: models.Delivered, Kind: models.EmailBounced}), "deliveries_listed"},
		"skipped_and_whose_person_is_not_here":  {list(models.ActivityQuery{State: models.Skipped, Waiting: true}), ""},
		"delivered_of_a_rep":                    {list(models.ActivityQuery{State: models.Delivered, RepEmail: "rep7@example.com"}), "activities_by_rep"},
		"a_rep's_in_Salesforce_none":            {list(models.ActivityQuery{State: models.Delivered, Destination: models.ToSalesforce, RepEmail: "rep7@example.com"}), "deliveries_listed"},
		"a_kind_that_was_skipped":               {list(models.ActivityQuery{State: models.Skipped, Kind: models.EmailSent}), "deliveries_listed"},
		"a_kind_in_Salesforce_none":             {list(models.ActivityQuery{State: models.Delivered, Destination: models.ToSalesforce, Kind: models.EmailSent}), "deliveries_listed"},
		"what_failed_in_full": {func(g *gorm.DB) error {
			_, err := models.ListFailedDeliveries(t.Context(), g, models.FailureQuery{AnyCode: true})
			return err
		}, ""},
		"what_failed_for_one_reason": {func(g *gorm.DB) error {
			_, err := models.ListFailedDeliveries(t.Context(), g, models.FailureQuery{Destination: models.ToMarketo, Code: "1004"})
			return err
		}, "deliveries_failed"},
		"the_recent_ones_of_some_people": {func(g *gorm.DB) error {
			_, err := models.RecentActivities(t.Context(), g, []int64{3, 4, 5}, ago, 2000)
			return err
		}, "activities_of_person"},
		"an_email_with_what_happened_to_it": {func(g *gorm.DB) error { _, err := models.EmailStory(t.Context(), g, *sent, 500); return err }, "activities_of_email"},
		"counts_of_what_happened_to_emails": {func(g *gorm.DB) error { _, err := models.EngagementOf(t.Context(), g, ids); return err }, "activities_of_email"},
		"the_deliveries_of_a_page":          {func(g *gorm.DB) error { _, err := models.DeliveriesOf(t.Context(), g, ids); return err }, "deliveries_activity_id_destination_operation_key"},
		"the_subjects_of_a_page":            {func(g *gorm.DB) error { _, err := models.EmailSubjects(t.Context(), g, ids); return err }, "activities_pkey"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { c.check(t, db) })
	}

	// What is in a state may depend on the kind: emails are logged, opens are not.
	_, err = db.Pool.Exec(t.Context(), `UPDATE deliveries SET state = 'delivered', reason = NULL WHERE destination = 'salesforce' AND kind = 'email_sent'`)
	require.NoError(t, err)
	_, err = db.Pool.Exec(t.Context(), `VACUUM ANALYZE deliveries`)
	require.NoError(t, err)
	for name, q := range map[string]models.ActivityQuery{
		"emails_that_were_skipped_none":       {State: models.Skipped, Destination: models.ToSalesforce, Kind: models.EmailSent},
		"opens_that_are_in_Salesforce_none":   {State: models.Delivered, Destination: models.ToSalesforce, Kind: models.EmailOpened},
		"emails_that_were_skipped_anywhere":   {State: models.Skipped, Kind: models.EmailSent},
		"a_rep's_emails_that_were_not_needed": {State: models.Skipped, Destination: models.ToSalesforce, Kind: models.EmailSent, RepEmail: "rep7@example.com"},
	} {
		t.Run(name, func(t *testing.T) { listing{list(q), "deliveries_listed"}.check(t, db) })
	}
}

// listing is a question, and the index that it should be answered by, if that matters.
type listing struct {
	ask   func(*gorm.DB) error
	index string
}

func (l listing) check(t *testing.T, db *postgres.DB) {
	t.Helper()
	indexes, blocks := plans(t, db, l.ask)
	if l.index != "" {
		require.Contains(t, indexes, l.index)
	}
	require.Less(t, blocks, 1500, "%s", strings.Join(indexes, ", ")) // of some 10,000 in all
}

// TestActivitiesByStateAreAllOfThem goes through the pages of each state and holds them
// against the deliveries.
func TestActivitiesByStateAreAllOfThem(t *testing.T) {
	t.Parallel()
	db := seedActivities(t)
	for _, state := range []models.DeliveryState{models.Failed, models.Pending} {
		for _, to := range []models.Destination{"", models.ToMarketo, models.ToSalesforce} {
			var want int
			require.NoError(t, db.Pool.QueryRow(t.Context(), `SELECT count(DISTINCT activity_id) FROM deliveries WHERE state = $1 AND $2 IN ('', destination)`, state, string(to)).Scan(&want))
			seen := map[uuid.UUID]bool{}
			var last time.Time
			q := models.ActivityQuery{State: state, Destination: to, Limit: 30}
			for {
				page, err := models.ListActivities(t.Context(), db.Gorm, q)
				require.NoError(t, err)
				for _, a := range page.Activities {
					require.False(t, seen[a.ID])
					require.True(t, last.IsZero() || !a.OccurredAt.After(last))
					seen[a.ID], last = true, a.OccurredAt
				}
				if q.Cursor = page.Next; q.Cursor == "" {
					break
				}
			}
			require.Len(t, seen, want, "%s %s", state, to)
		}
	}
}
