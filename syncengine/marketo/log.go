package marketo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of the activity log's calls (Marketo REST: activities).
const (
	MaxActivityTypes = 10
	MaxActivityLeads = 30
)

// Page is one page of a log. A page may be empty and yet not the last; Next is
// always the place to go on from, also after the last page.
type Page[T any] struct {
	Items []T
	Next  string
	More  bool
}

// LeadChange is a change of a person's values, or their creation (type 12). It is
// a hint: log rows appear late and out of order.
type LeadChange struct {
	GUID   string
	LeadID int64
	At     time.Time
	TypeID int
	Fields []FieldChange
}

// FieldChange is one changed value.
type FieldChange struct {
	Name     string
	OldValue string
	NewValue string
}

// Activity is a row of the activity log. Attribute names are display names, as the
// instance has them today.
type Activity struct {
	GUID       string
	LeadID     int64
	At         time.Time
	TypeID     int
	PrimaryID  string
	Primary    string
	Attributes map[string]json.RawMessage
}

// activityJSON is how the log's calls write a row.
type activityJSON struct {
	ID           json.Number     `json:"id"`
	GUID         looseText       `json:"marketoGUID"`
	LeadID       json.Number     `json:"leadId"`
	ActivityDate string          `json:"activityDate"`
	TypeID       int             `json:"activityTypeId"`
	PrimaryID    looseText       `json:"primaryAttributeValueId"`
	Primary      looseText       `json:"primaryAttributeValue"`
	Attributes   []attributeJSON `json:"attributes"`
	Fields       []struct {
		Name     string    `json:"name"`
		NewValue looseText `json:"newValue"`
		OldValue looseText `json:"oldValue"`
	} `json:"fields"`
}

type attributeJSON struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// guid identifies a row; the number is on its way out (Marketo REST: activities).
func (a activityJSON) guid() string {
	if a.GUID != "" {
		return string(a.GUID)
	}
	if a.ID != "" {
		return a.ID.String()
	}
	return fmt.Sprintf("%s/%d/%s/%s", a.LeadID, a.TypeID, a.ActivityDate, a.PrimaryID)
}

func (a activityJSON) activity() (Activity, error) {
	lead, err := a.LeadID.Int64()
	if err != nil {
		return Activity{}, fmt.Errorf("a row's leadId: %w", err)
	}
	attributes := make(map[string]json.RawMessage, len(a.Attributes))
	for _, attribute := range a.Attributes {
		attributes[attribute.Name] = attribute.Value
	}
	at, _ := ParseTime(a.ActivityDate) // a date of an unknown form is no reason to miss a row
	return Activity{GUID: a.guid(), LeadID: lead, At: at, TypeID: a.TypeID,
		PrimaryID: string(a.PrimaryID), Primary: string(a.Primary), Attributes: attributes}, nil
}

// PagingToken returns a place in the log: rows since a time. Treat the boundary as
// uncertain. Marketo allows itself 300 s for the answer.
func (c *Client) PagingToken(ctx context.Context, since time.Time) (string, error) {
	query := url.Values{"sinceDatetime": {since.UTC().Format("2006-01-02T15:04:05Z")}}
	r := request{operation: "paging token", path: "/rest/v1/activities/pagingtoken.json", query: query, limit: timeToken}
	env, err := c.call(ctx, r, nil)
	if err != nil {
		return "", err
	}
	if env.NextPageToken == "" {
		return "", &Error{Operation: r.operation, Kind: KindBadAnswer, Message: "the answer holds no token", RequestID: env.RequestID}
	}
	return env.NextPageToken, nil
}

// LeadChanges returns a page of changes of the given fields, and of creations.
func (c *Client) LeadChanges(ctx context.Context, token string, fields []string) (Page[LeadChange], error) {
	query := url.Values{"fields": {strings.Join(fields, ",")}}
	rows, page, err := c.logPage(ctx, "lead changes", "/rest/v1/activities/leadchanges.json", token, query)
	if err != nil {
		return Page[LeadChange]{}, err
	}
	changes := make([]LeadChange, len(rows))
	for i, row := range rows {
		a, err := row.activity()
		if err != nil {
			return Page[LeadChange]{}, &Error{Operation: "lead changes", Kind: KindBadAnswer, Err: err}
		}
		changes[i] = LeadChange{GUID: a.GUID, LeadID: a.LeadID, At: a.At, TypeID: a.TypeID}
		for _, f := range row.Fields {
			changes[i].Fields = append(changes[i].Fields, FieldChange{f.Name, string(f.OldValue), string(f.NewValue)})
		}
	}
	return Page[LeadChange]{Items: changes, Next: page.Next, More: page.More}, nil
}

// DeletedLeads returns a page of deletions; the log goes back some 14 days.
func (c *Client) DeletedLeads(ctx context.Context, token string) (Page[Activity], error) {
	return c.activities(ctx, "deleted leads", "/rest/v1/activities/deletedleads.json", token, url.Values{})
}

// Activities returns a page of activities of at most MaxActivityTypes types, of
// everybody or of at most MaxActivityLeads people.
func (c *Client) Activities(ctx context.Context, token string, typeIDs []int, leadIDs []int64) (Page[Activity], error) {
	if len(typeIDs) == 0 || len(typeIDs) > MaxActivityTypes || len(leadIDs) > MaxActivityLeads {
		return Page[Activity]{}, fmt.Errorf("read activities: %d types and %d people in one call, Marketo takes %d and %d",
			len(typeIDs), len(leadIDs), MaxActivityTypes, MaxActivityLeads)
	}
	types := make([]string, len(typeIDs))
	for i, id := range typeIDs {
		types[i] = strconv.Itoa(id)
	}
	query := url.Values{"activityTypeIds": {strings.Join(types, ",")}}
	if len(leadIDs) > 0 {
		leads := make([]string, len(leadIDs))
		for i, id := range leadIDs {
			leads[i] = strconv.FormatInt(id, 10)
		}
		query.Set("leadIds", strings.Join(leads, ","))
	}
	return c.activities(ctx, "activities", "/rest/v1/activities.json", token, query)
}

func (c *Client) activities(ctx context.Context, operation, path, token string, query url.Values) (Page[Activity], error) {
	rows, page, err := c.logPage(ctx, operation, path, token, query)
	if err != nil {
		return Page[Activity]{}, err
	}
	page.Items = make([]Activity, len(rows))
	for i, row := range rows {
		if page.Items[i], err = row.activity(); err != nil {
			return Page[Activity]{}, &Error{Operation: operation, Kind: KindBadAnswer, Err: err}
		}
	}
	return page, nil
}

// logPage reads a page of a log. A token is always returned; an answer without one
// leaves the reader where it was.
func (c *Client) logPage(ctx context.Context, operation, path, token string, query url.Values) ([]activityJSON, Page[Activity], error) {
	query.Set("nextPageToken", token)
	query.Set("batchSize", strconv.Itoa(MaxBatch))
	var rows []activityJSON
	env, err := c.call(ctx, request{operation: operation, path: path, query: query, limit: timeActivity}, &rows)
	if err != nil {
		return nil, Page[Activity]{}, err
	}
	if env.NextPageToken == "" {
		return nil, Page[Activity]{}, &Error{Operation: operation, Kind: KindBadAnswer, Message: "the answer holds no token to go on from", RequestID: env.RequestID}
	}
	return rows, Page[Activity]{Next: env.NextPageToken, More: env.MoreResult != nil && *env.MoreResult}, nil
}

// MergedIDs returns the people who were merged into the activity's person: the
// attribute "Merge IDs" of type 32, an array or a text that looks like one.
func (a Activity) MergedIDs() []int64 {
	raw, _, err := scalar(a.Attributes["Merge IDs"])
	if err != nil {
		return nil
	}
	var ids []int64
	for _, part := range strings.FieldsFunc(raw, func(r rune) bool { return r < '0' || r > '9' }) {
		if id, err := strconv.ParseInt(part, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// ActivityType is a type of activity that an instance has, custom ones included
// and not marked as such. Only some attributes have an APIName here.
type ActivityType struct {
	ID          int         `json:"id"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Primary     Attribute   `json:"primaryAttribute"`
	Attributes  []Attribute `json:"attributes"`
}

// ActivityTypes returns the types of activities. Cache them for a day.
func (c *Client) ActivityTypes(ctx context.Context) ([]ActivityType, error) {
	var types []ActivityType
	_, err := c.call(ctx, request{operation: "activity types", path: "/rest/v1/activities/types.json"}, &types)
	return types, err
}

// timeForms are the ways in which Marketo writes a time (Marketo REST: field types,
// and the samples of its pages; the asset API writes "Z+0000").
var timeForms = []string{
	time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05Z-0700", "2006-01-02T15:04:05",
	"2006-01-02 15:04:05", time.DateOnly,
}

// looseTime takes any of the forms; one that is not known, or none, is the zero time.
type looseTime struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *looseTime) UnmarshalJSON(raw []byte) error {
	text, _, err := scalar(raw)
	t.Time, _ = ParseTime(text)
	return err
}

// ParseTime reads a time as Marketo writes it; without an offset it is UTC.
func ParseTime(text string) (time.Time, error) {
	for _, form := range timeForms {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time as Marketo writes it", cut(text))
}
