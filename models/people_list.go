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
	Text           string // words that all must match name, company or e-mail
	OwnerID        string
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

// walkRows is how many rows of a sort's index are looked at for matches before
// the matches are looked up by the filter's own index instead. A filter that
// more than one in a hundred people meet fills a page within it.
const walkRows = 4000

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
	rows, known, err := list.walk(db)
	if err != nil {
		return PeoplePage{}, translate(err, "walk people")
	}
	if !known {
		if rows, page.Total, err = list.lookUp(db); err != nil {
			return PeoplePage{}, translate(err, "look people up")
		}
	} else if page.Total, err = list.estimate(db, len(rows)); err != nil {
		return PeoplePage{}, translate(err, "estimate people")
	}
	list.paginate(&page, rows)
	return page, nil
}

// peopleRow is a person with the texts of its place in the order.
type peopleRow struct {
	Person `gorm:"embedded"`
	Place  string // JSON array
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
	l.scope = []string{"archived_at IS NULL"}
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

// walk reads the order's index for a page. known is false when it gave up before
// it had a full page: then there may be more.
func (l *peopleList) walk(db *gorm.DB) (rows []peopleRow, known bool, err error) {
	if l.selective() {
		return nil, false, nil
	}
	sql := "SELECT " + personColumns + ", " + l.place() + " AS place FROM people WHERE " +
		strings.Join(append(slices.Clone(l.scope), l.keyset()...), " AND ") + l.order()
	if len(l.filter) == 0 {
		err = db.Raw(sql+" LIMIT @limit", l.with("limit", l.query.Limit+1)).Scan(&rows).Error
		return rows, true, err
	}
	inner := strings.Replace(sql, "SELECT ", "SELECT search, company_key, source_key, ", 1)
	for _, column := range l.columns {
		if !strings.Contains(inner, " "+column+",") {
			inner = strings.Replace(inner, "SELECT ", "SELECT "+column+", ", 1)
		}
	}
	args := l.with("limit", l.query.Limit+1)
	args["walk"] = walkRows
	err = db.Raw("SELECT "+personColumns+", place FROM ("+inner+" LIMIT @walk) walked WHERE "+
		strings.Join(l.filter, " AND ")+l.order()+" LIMIT @limit", args).Scan(&rows).Error
	return rows, len(rows) > l.query.Limit, err
}

// lookUp finds all matches by the filter's own indexes, then orders them; the
// common table expression keeps the planner from walking the order once more.
func (l *peopleList) lookUp(db *gorm.DB) ([]peopleRow, Total, error) {
	var rows []struct {
		peopleRow `gorm:"embedded"`
		Total     int64
	}
	matching := strings.Join(append(slices.Clone(l.scope), l.filter...), " AND ")
	where := ""
	if keyset := l.keyset(); len(keyset) > 0 {
		where = " WHERE " + keyset[0]
	}
	columns := strings.Join(l.columns, ", ")
	err := db.Raw("WITH hits AS MATERIALIZED (SELECT "+columns+" FROM people WHERE "+matching+")"+
		" SELECT "+personColumns+", "+l.place()+" AS place, (SELECT count(*) FROM hits) AS total"+
		" FROM people WHERE id = ANY(ARRAY(SELECT id FROM hits"+where+l.order()+" LIMIT @limit))"+l.order(),
		l.with("limit", l.query.Limit+1)).Scan(&rows).Error
	total := Total{Exact: true}
	people := make([]peopleRow, 0, len(rows))
	for _, row := range rows {
		people, total.N = append(people, row.peopleRow), row.Total
	}
	return people, total, err
}

// estimate says how many people match: exactly where that is known, else as the
// planner's statistics have it.
func (l *peopleList) estimate(db *gorm.DB, found int) (Total, error) {
	if l.query.Cursor == "" && found <= l.query.Limit {
		return Total{N: int64(found), Exact: true}, nil
	}
	if len(l.filter) == 0 && len(l.scope) == 1 {
		var totals struct{ Live, Archived int64 }
		err := db.Raw("SELECT live, archived FROM people_totals").Scan(&totals).Error
		if l.query.Archived {
			return Total{N: totals.Archived, Exact: true}, err
		}
		return Total{N: totals.Live, Exact: true}, err
	}
	var plan string
	err := db.Raw("EXPLAIN (FORMAT JSON) SELECT 1 FROM people WHERE "+
		strings.Join(append(slices.Clone(l.scope), l.filter...), " AND "), l.args).Row().Scan(&plan)
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
	return Total{N: max(parsed[0].Plan.Rows, int64(found))}, nil
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

func (l *peopleList) with(name string, value any) map[string]any {
	args := map[string]any{name: value}
	for k, v := range l.args {
		args[k] = v
	}
	return args
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
	places := make([]string, len(l.columns))
	for i, column := range l.columns {
		name := fmt.Sprintf("after%d", i)
		l.args[name] = l.after[i]
		places[i] = "@" + name
		switch column {
		case "id":
			places[i] = "CAST(@" + name + " AS bigint)"
		case "synced_at":
			places[i] = "CAST(@" + name + " AS timestamptz)"
		}
	}
	return []string{"(" + strings.Join(l.columns, ", ") + ") " + operator + " (" + strings.Join(places, ", ") + ")"}
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
