package models

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
)

// PeopleSort is an order of the people list.
type PeopleSort string

// The orders; ties are broken by id, so every order is total.
const (
	SortByName    PeopleSort = "name"
	SortByCompany PeopleSort = "company"
	SortByTitle   PeopleSort = "title"
	SortByEmail   PeopleSort = "email"
	SortBySource  PeopleSort = "source"
	SortByOwner   PeopleSort = "owner"
	SortByUpdated PeopleSort = "updated"
	SortByID      PeopleSort = "id" // never changes, so pages read one by one miss nobody
)

// sortColumns has an index for each line (migrations/00001_people.sql).
var sortColumns = map[PeopleSort][]string{
	SortByName:    {"name_key", "id"},
	SortByCompany: {"company_key", "id"},
	SortByTitle:   {"title_key", "id"},
	SortByEmail:   {"email_key", "id"},
	SortBySource:  {"source_key", "id"},
	SortByOwner:   {"owner_id", "name_key", "id"},
	SortByUpdated: {"synced_at", "id"},
	SortByID:      {"id"},
}

// PeopleQuery says which people, in which order, from where.
type PeopleQuery struct {
	Text           string // words that all must match name, company or e-mail; by name, those whose name begins with it come first
	OwnerID        string
	Mine           bool   // only people of UserID; of nobody where it is empty
	UserID         string // who asks, as people name their owner
	Company        string // the whole name, folded
	Source         string // the whole value, folded
	Email          string // the whole address, folded
	MarketoID      int64
	SalesforceID   string // a lead's, contact's or account's id, 15 or 18 characters
	HasOpportunity bool
	Unsubscribed   bool
	Archived       bool // archived people instead of those in the workspace

	Sort   PeopleSort // default SortByName
	Desc   bool
	Cursor string // from PeoplePage, empty for the first page
	Limit  int    // default 50, most 500
}

// PeoplePage is one page of a list.
type PeoplePage struct {
	People   []Person
	Next     string // empty on the last page
	Previous string // empty on the first
	Total    Total
}

// Total is how many people match; Exact is false for an estimate.
type Total struct {
	N     int64
	Exact bool
}

// walkShare is from which share of the people on a filter is met often enough that
// walking the order fills a page soon; a rarer match is found by the filter's own index.
const walkShare = 0.007

// ListPeople returns a page of people. It never counts or skips rows: pages are
// found by key, and a filter is either met by many people, so that walking the
// order finds a page soon, or by few, so that an index finds them all.
// Errors: ErrBadCursor.
func ListPeople(ctx context.Context, db *gorm.DB, q PeopleQuery) (PeoplePage, error) {
	list, err := newPeopleList(q)
	if err != nil {
		return PeoplePage{}, err
	}
	db = db.WithContext(ctx)
	page := PeoplePage{}
	read := list.read
	if list.bestFirst() {
		read = list.readBest
	}
	rows, err := read(db, &page.Total)
	if err != nil {
		return PeoplePage{}, translate(err, "list people")
	}
	list.paginate(&page, rows)
	return page, nil
}

// read reads a page, and says how many match.
func (l *peopleList) read(db *gorm.DB, total *Total) ([]peopleRow, error) {
	everybody, err := countPeople(db, l.query.Archived)
	if err != nil {
		return nil, err
	}
	*total = everybody
	if len(l.filter) == 0 && len(l.scope) == 1 {
		return l.inOrder(db)
	}
	if !l.selective() {
		if *total, err = l.estimate(db, l.matching()); err != nil {
			return nil, err
		}
	}
	rows, err := l.page(db, *total, everybody)
	switch {
	case len(rows) > 0 && rows[0].Total > 0:
		*total = Total{N: rows[0].Total, Exact: true}
	case l.query.Cursor == "" && len(rows) <= l.query.Limit:
		*total = Total{N: int64(len(rows)), Exact: true}
	}
	total.N = max(total.N, int64(len(rows)))
	return rows, err
}

// page chooses the way: by the order where that is all, or where many match. The totals
// are how many match and how many people there are.
func (l *peopleList) page(db *gorm.DB, matching, everybody Total) ([]peopleRow, error) {
	switch {
	case len(l.filter) == 0:
		return l.inOrder(db)
	case l.selective() || float64(matching.N) < walkShare*float64(everybody.N):
		return l.lookUp(db)
	}
	rows, err := l.walk(db, matching, everybody)
	if err == nil && len(rows) <= l.query.Limit {
		return l.lookUp(db)
	}
	return rows, err
}

// peopleRow is a person with the texts of its place in the order.
type peopleRow struct {
	Person `gorm:"embedded"`
	Place  string // JSON array
	Total  int64  // of all who match, where all were looked up
}

// peopleList is a query made ready: conditions apart from the place in the order.
type peopleList struct {
	query    PeopleQuery
	columns  []string
	backward bool // reading towards the beginning, for a previous page
	after    []string
	scope    []string // conditions that the order's index covers
	filter   []string // all others
	args     map[string]any
}

func newPeopleList(q PeopleQuery) (*peopleList, error) {
	if q.Sort == "" {
		q.Sort = SortByName
	}
	columns, ok := sortColumns[q.Sort]
	if !ok {
		return nil, fmt.Errorf("order people by %q: %w", q.Sort, ErrBadCursor)
	}
	if q.Limit <= 0 {
		q.Limit = 50
	}
	q.Limit = min(q.Limit, 500)
	l := &peopleList{query: q, columns: columns, args: map[string]any{}}
	l.conditions()
	if q.Cursor == "" {
		return l, nil
	}
	return l, l.readCursor()
}

// conditions sorts the wishes into those that an index of this order covers and the rest.
func (l *peopleList) conditions() {
	q := l.query
	l.scope, l.filter = []string{"archived_at IS NULL"}, nil
	if q.Archived {
		l.scope[0] = "archived_at IS NOT NULL"
	}
	add := func(indexedByName bool, condition, name string, value any) {
		if name != "" {
			l.args[name] = value
		}
		if indexedByName && q.Sort == SortByName && !q.Archived {
			l.scope = append(l.scope, condition)
			return
		}
		l.filter = append(l.filter, condition)
	}
	if q.OwnerID != "" {
		add(true, "owner_id = @owner", "owner", q.OwnerID)
	}
	if q.Mine {
		add(true, "owner_id = @user", "user", q.UserID)
	}
	if q.HasOpportunity {
		add(true, "salesforce_opportunity_id IS NOT NULL", "", nil)
	}
	if q.Unsubscribed {
		add(true, "unsubscribed", "", nil)
	}
	if q.Company != "" {
		add(false, "company_key = @company", "company", SortKey(&q.Company))
	}
	if q.Source != "" {
		add(false, "source_key = @source", "source", SortKey(&q.Source))
	}
	if q.Email != "" {
		add(false, "email_key = @email", "email", SortKey(&q.Email))
	}
	if q.MarketoID != 0 {
		add(false, "id = @marketo_id", "marketo_id", q.MarketoID)
	}
	if q.SalesforceID != "" {
		add(false, "(salesforce_contact_id = ANY(@salesforce) OR salesforce_lead_id = ANY(@salesforce) OR salesforce_account_id = ANY(@salesforce))",
			"salesforce", textArray(SalesforceIDForms(q.SalesforceID)))
	}
	for i, pattern := range searchPatterns(q.Text) {
		name := fmt.Sprintf("pattern%d", i)
		add(false, "search LIKE @"+name, name, pattern)
	}
}

// selective says that a condition surely picks few people, so that walking is a waste.
func (l *peopleList) selective() bool {
	q := l.query
	return q.MarketoID != 0 || q.SalesforceID != "" || q.Email != ""
}

// inOrder reads a page from the order's index, which covers all conditions.
func (l *peopleList) inOrder(db *gorm.DB) ([]peopleRow, error) {
	var rows []peopleRow
	err := l.raw(db, fmt.Sprintf("SELECT "+personColumns+", %s AS place FROM %s LIMIT %d", l.place(), l.ahead(), l.query.Limit+1)).Scan(&rows).Error
	return rows, err
}

// lookUp finds all matches by the filter's own indexes, then orders them.
func (l *peopleList) lookUp(db *gorm.DB) ([]peopleRow, error) {
	hits := "SELECT " + strings.Join(l.columns, ", ") + " FROM people WHERE " + l.matching()
	return l.firstOf(db, hits, l.query.Limit+1, l.keyset(), ", (SELECT count(*) FROM hits) AS total")
}

// firstOf reads the first people of hits, which has the order's columns; the common table
// expression keeps the planner from following the order to find them.
func (l *peopleList) firstOf(db *gorm.DB, hits string, limit int, where []string, more string) ([]peopleRow, error) {
	condition := ""
	if len(where) > 0 {
		condition = " WHERE " + strings.Join(where, " AND ")
	}
	var rows []peopleRow
	sql := fmt.Sprintf("WITH hits AS MATERIALIZED (%s) SELECT "+personColumns+", %s AS place%s"+
		" FROM people WHERE id = ANY(ARRAY(SELECT id FROM hits%s%s LIMIT %d))%s",
		hits, l.place(), more, condition, l.order(), limit, l.order())
	err := l.raw(db, sql).Scan(&rows).Error
	return rows, err
}

// estimate says how many people a condition picks, as the planner's statistics have it.
func (l *peopleList) estimate(db *gorm.DB, condition string) (Total, error) {
	var plan string
	err := l.raw(db, "EXPLAIN (FORMAT JSON) SELECT 1 FROM people WHERE "+condition).Row().Scan(&plan)
	if err != nil {
		return Total{}, err
	}
	var parsed []struct {
		Plan struct {
			Rows int64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal([]byte(plan), &parsed); err != nil || len(parsed) == 0 {
		return Total{}, fmt.Errorf("read the planner's estimate: %w", err)
	}
	return Total{N: parsed[0].Plan.Rows}, nil
}

func countPeople(db *gorm.DB, archived bool) (Total, error) {
	var totals struct{ Live, Archived int64 }
	err := db.Raw("SELECT live, archived FROM people_totals").Scan(&totals).Error
	if archived {
		return Total{N: totals.Archived, Exact: true}, err
	}
	return Total{N: totals.Live, Exact: true}, err
}

// ahead is the SQL of all people of the scope from the cursor's place on, in order.
func (l *peopleList) ahead() string {
	return "people WHERE " + strings.Join(append(slices.Clone(l.scope), l.keyset()...), " AND ") + l.order()
}

func (l *peopleList) matching() string {
	return strings.Join(append(slices.Clone(l.scope), l.filter...), " AND ")
}

// paginate cuts the extra row that tells whether there is more, puts a page read
// backward in its order, and makes the cursors.
func (l *peopleList) paginate(page *PeoplePage, rows []peopleRow) {
	more := len(rows) > l.query.Limit
	if more {
		rows = rows[:l.query.Limit]
	}
	if l.backward {
		slices.Reverse(rows)
	}
	for _, row := range rows {
		page.People = append(page.People, row.Person)
	}
	if len(rows) == 0 {
		return
	}
	if more || l.backward {
		page.Next = l.cursor(rows[len(rows)-1], "n")
	}
	if l.backward && more || !l.backward && l.query.Cursor != "" {
		page.Previous = l.cursor(rows[0], "p")
	}
}

// raw hands GORM the values only where the SQL names some; it takes a map that
// nothing names for a value of its own.
func (l *peopleList) raw(db *gorm.DB, sql string) *gorm.DB {
	if strings.Contains(sql, "@") {
		return db.Raw(sql, l.args)
	}
	return db.Raw(sql)
}

// place is the SQL of the texts that a cursor keeps.
func (l *peopleList) place() string {
	texts := make([]string, len(l.columns))
	for i, column := range l.columns {
		texts[i] = column + "::text"
		if column == "synced_at" {
			texts[i] = `to_char(synced_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
		}
	}
	return "json_build_array(" + strings.Join(texts, ", ") + ")::text"
}

// descending is the direction in which the index is read.
func (l *peopleList) descending() bool { return l.query.Desc != l.backward }

func (l *peopleList) order() string {
	direction := ""
	if l.descending() {
		direction = " DESC"
	}
	return " ORDER BY " + strings.Join(l.columns, direction+", ") + direction
}

// keyset is the condition that starts after the cursor's place, or nothing.
func (l *peopleList) keyset() []string {
	if l.after == nil {
		return nil
	}
	operator := ">"
	if l.descending() {
		operator = "<"
	}
	return []string{l.compare(operator, "after", l.after)}
}

// compare is the condition on which side of a place people are; the values get the names
// that begin with name.
func (l *peopleList) compare(operator, name string, place []string) string {
	values := make([]string, len(l.columns))
	for i, column := range l.columns {
		value := fmt.Sprintf("%s%d", name, i)
		l.args[value] = place[i]
		values[i] = "@" + value
		switch column {
		case "id":
			values[i] = "CAST(@" + value + " AS bigint)"
		case "synced_at":
			values[i] = "CAST(@" + value + " AS timestamptz)"
		}
	}
	return "(" + strings.Join(l.columns, ", ") + ") " + operator + " (" + strings.Join(values, ", ") + ")"
}

func (l *peopleList) cursor(row peopleRow, direction string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(direction + string(l.query.Sort) + row.Place))
}

// readCursor takes a cursor apart and refuses one that is not of this order.
func (l *peopleList) readCursor() error {
	raw, err := base64.RawURLEncoding.DecodeString(l.query.Cursor)
	if err != nil || len(raw) < 2 {
		return ErrBadCursor
	}
	place, ok := strings.CutPrefix(string(raw[1:]), string(l.query.Sort))
	if !ok || raw[0] != 'n' && raw[0] != 'p' {
		return ErrBadCursor
	}
	l.backward = raw[0] == 'p'
	if err := json.Unmarshal([]byte(place), &l.after); err != nil || len(l.after) != len(l.columns) {
		return ErrBadCursor
	}
	for i, column := range l.columns {
		if !validPlace(column, l.after[i]) {
			return ErrBadCursor
		}
	}
	return nil
}

func validPlace(column, text string) bool {
	switch column {
	case "id":
		var id int64
		_, err := fmt.Sscanf(text, "%d", &id)
		return err == nil
	case "synced_at":
		_, err := time.Parse(time.RFC3339Nano, text)
		return err == nil
	default:
		return !strings.ContainsRune(text, 0)
	}
}
