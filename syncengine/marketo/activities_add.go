package marketo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Limits of adding activities (Marketo REST: add custom activities).
const (
	MaxAddActivities  = 300
	MaxAttributeBytes = 65_536  // the attributes of one activity; more is CodeTooLong
	MaxRequestBytes   = 1 << 20 // the body of a call; more is HTTP 413
)

// timeAdd is a little above the server's own limit of 90 s (Marketo REST: add
// custom activities).
const timeAdd = 95 * time.Second

// NewActivity is an activity to add. Its type must be approved.
type NewActivity struct {
	LeadID     int64
	At         time.Time // sent in UTC and whole seconds; the past is allowed
	TypeID     int
	Primary    string // value of the type's primary attribute; do not leave it empty
	Attributes []NewAttribute
}

// NewAttribute is the value of an attribute: a string, a number or a boolean.
type NewAttribute struct {
	APIName string `json:"apiName"`
	Value   any    `json:"value"`
}

// AddResult says what became of one activity.
type AddResult struct {
	ID      string // Marketo's, if it was added
	Added   bool
	Code    string // why not, such as CodeLeadNotFound
	Message string // Marketo's words, cut at 300 bytes
}

// MarshalJSON implements json.Marshaler. Attributes are required, if none with an
// empty list.
func (a NewActivity) MarshalJSON() ([]byte, error) {
	attributes := a.Attributes
	if attributes == nil {
		attributes = []NewAttribute{}
	}
	return json.Marshal(struct {
		LeadID     int64          `json:"leadId"`
		Date       string         `json:"activityDate"`
		TypeID     int            `json:"activityTypeId"`
		Primary    string         `json:"primaryAttributeValue"`
		Attributes []NewAttribute `json:"attributes"`
	}{a.LeadID, a.At.UTC().Format(time.RFC3339), a.TypeID, a.Primary, attributes})
}

// EncodedSize is how many bytes an activity adds to a call's body, which must stay
// below MaxRequestBytes. It is 0 for a value that cannot be sent; AddActivities says
// which.
func EncodedSize(a NewActivity) int {
	raw, err := json.Marshal(a)
	if err != nil {
		return 0
	}
	return len(raw) + len(",")
}

// AddActivities adds at most MaxAddActivities activities, of any types, and returns
// what became of each, by position. What was added cannot be changed, removed, or
// added again without being there twice: ask Ambiguous about an error before trying
// anew.
func (c *Client) AddActivities(ctx context.Context, activities []NewActivity) ([]AddResult, error) {
	const operation = "add activities"
	if len(activities) > MaxAddActivities {
		return nil, fmt.Errorf("%s: %d in one call, Marketo takes %d", operation, len(activities), MaxAddActivities)
	}
	if len(activities) == 0 {
		return nil, nil
	}
	var rows []addedJSON
	env, err := c.call(ctx, request{operation: operation, method: http.MethodPost, path: "/rest/v1/activities/external.json",
		body: map[string][]NewActivity{"input": activities}, limit: timeAdd}, &rows)
	bad := func(message string) error {
		return &Error{Operation: operation, Kind: KindBadAnswer, Message: message, RequestID: env.RequestID, Sent: true}
	}
	switch {
	case err != nil && env.Success != nil && *env.Success:
		return nil, fmt.Errorf("%w: %w", bad("the answer says success and an error"), err)
	case err != nil:
		return nil, err
	case len(rows) != len(activities):
		return nil, bad(fmt.Sprintf("the answer has %d results for %d activities", len(rows), len(activities)))
	}
	results := make([]AddResult, len(rows))
	for i, row := range rows {
		if row.Status != "added" && row.Status != "skipped" {
			return nil, bad(fmt.Sprintf("result %d is neither added nor skipped", i))
		}
		results[i] = row.result()
	}
	return results, nil
}

// addedJSON is the result of one activity. Its errors are named so in this call
// only; everywhere else they are reasons (Marketo REST: error codes).
type addedJSON struct {
	ID      looseText  `json:"id"`
	GUID    looseText  `json:"marketoGUID"`
	Status  string     `json:"status"`
	Errors  []apiError `json:"errors"`
	Reasons []apiError `json:"reasons"`
}

func (r addedJSON) result() AddResult {
	if r.Status == "added" {
		id := r.GUID // the number is on its way out
		if id == "" {
			id = r.ID
		}
		return AddResult{ID: string(id), Added: true}
	}
	for _, why := range append(r.Errors, r.Reasons...) {
		return AddResult{Code: string(why.Code), Message: cut(why.Message)}
	}
	return AddResult{}
}
