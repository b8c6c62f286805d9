package salesforce

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Description is an object as the connected user sees it: a field that is hidden from
// the user is not in it, and one that is read only is neither createable nor
// updateable (Salesforce REST: sObject describe).
type Description struct {
	Name       string    `json:"name"`
	Label      string    `json:"label"`
	KeyPrefix  string    `json:"keyPrefix"`
	Createable bool      `json:"createable"`
	Updateable bool      `json:"updateable"`
	Deletable  bool      `json:"deletable"`
	Queryable  bool      `json:"queryable"`
	Fields     []Field   `json:"fields"`
	ModifiedAt time.Time `json:"-"` // for the next Describe; zero where it was not told
}

// Field is a field of an object.
type Field struct {
	Name          string          `json:"name"`
	Label         string          `json:"label"`
	Type          string          `json:"type"`
	Length        int             `json:"length"` // characters
	Createable    bool            `json:"createable"`
	Updateable    bool            `json:"updateable"`
	Filterable    bool            `json:"filterable"`
	Nillable      bool            `json:"nillable"`
	Defaulted     bool            `json:"defaultedOnCreate"`
	Custom        bool            `json:"custom"`
	ExternalID    bool            `json:"externalId"`
	Unique        bool            `json:"unique"`
	CaseSensitive bool            `json:"caseSensitive"`
	Restricted    bool            `json:"restrictedPicklist"` // other values than those of Picklist are refused
	Picklist      []PicklistValue `json:"picklistValues"`
	ReferenceTo   []string        `json:"referenceTo"`
}

// PicklistValue is a value of a picklist.
type PicklistValue struct {
	Value   string `json:"value"`
	Label   string `json:"label"`
	Active  bool   `json:"active"`
	Default bool   `json:"defaultValue"`
}

// Field returns a field by its API name, in which case does not count.
func (d *Description) Field(name string) (Field, bool) {
	at := slices.IndexFunc(d.Fields, func(f Field) bool { return strings.EqualFold(f.Name, name) })
	if at < 0 {
		return Field{}, false
	}
	return d.Fields[at], true
}

// HasValue says whether a picklist has an active value, spelt exactly so.
func (f Field) HasValue(value string) bool {
	return slices.ContainsFunc(f.Picklist, func(v PicklistValue) bool { return v.Active && v.Value == value })
}

var errNoDescription = errors.New("the answer describes no object")

// Describe returns an object's description, or nil and false where it has not
// changed since a time (zero: always anew).
func (c *Client) Describe(ctx context.Context, object string, since time.Time) (*Description, bool, error) {
	r := request{operation: "describe", path: c.row(object, "describe")}
	if !since.IsZero() {
		r.header = map[string]string{ifModified: since.UTC().Format(http.TimeFormat)}
	}
	var d Description
	a, err := c.call(ctx, r, &d)
	if err != nil || a.status == http.StatusNotModified {
		return nil, false, err
	}
	if d.Name == "" || len(d.Fields) == 0 {
		return nil, false, r.bad(a.status, errNoDescription)
	}
	if at, err := http.ParseTime(a.header.Get("Last-Modified")); err == nil {
		d.ModifiedAt = at
	}
	return &d, true, nil
}
