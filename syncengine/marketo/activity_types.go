package marketo

import (
	"context"
	"net/http"
	"net/url"
)

// Limits of custom activity types (Marketo REST: custom activity types).
const (
	MaxCustomTypes    = 10 // per instance, the customer's own included
	MaxTypeAttributes = 20 // beside the primary one
)

// TypeStatus is where a custom activity type is in its life.
type TypeStatus string

// The states. A type takes activities in the two approved ones.
const (
	TypeDraft             TypeStatus = "draft"
	TypeApproved          TypeStatus = "approved"
	TypeApprovedWithDraft TypeStatus = "approved with draft"
	TypeDeleted           TypeStatus = "deleted"
)

// Approved says whether activities of the type can be added.
func (s TypeStatus) Approved() bool { return s == TypeApproved || s == TypeApprovedWithDraft }

// HasDraft says whether there is something to approve.
func (s TypeStatus) HasDraft() bool { return s == TypeDraft || s == TypeApprovedWithDraft }

// Attribute is an attribute of a type of activity. DataType is one of string,
// boolean, integer, float, link, email, currency, date, datetime, phone, text.
type Attribute struct {
	APIName  string `json:"apiName,omitempty"`
	Name     string `json:"name"`
	DataType string `json:"dataType"`
	Primary  bool   `json:"isPrimary,omitempty"`
}

// CustomType is a type of activity that was made through the API. APIName takes
// letters and digits; Name also spaces and underscores; TriggerName and FilterName
// are unique in the instance. Once approved and used they cannot be changed.
type CustomType struct {
	ID          int         `json:"id"` // 0 where the answer has none: ActivityTypes knows it after the approval
	APIName     string      `json:"apiName"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	TriggerName string      `json:"triggerName"`
	FilterName  string      `json:"filterName"`
	Status      TypeStatus  `json:"status"`
	Primary     Attribute   `json:"primaryAttribute"`
	Attributes  []Attribute `json:"attributes"` // without the primary one; only CustomType answers with them
}

const customTypes = "/rest/v1/activities/external/type"

// CustomTypes returns the instance's custom types, without their attributes.
func (c *Client) CustomTypes(ctx context.Context) ([]CustomType, error) {
	var types []CustomType
	_, err := c.call(ctx, request{operation: "custom activity types", path: customTypes + "s.json"}, &types)
	return types, err
}

// CustomType returns a type with its attributes, as it is approved or, with draft,
// as its draft has it.
func (c *Client) CustomType(ctx context.Context, apiName string, draft bool) (CustomType, error) {
	query := url.Values{}
	if draft {
		query.Set("draft", "true")
	}
	return c.oneType(ctx, request{operation: "describe custom activity type", path: typePath(apiName, "describe"), query: query})
}

// CreateCustomType makes a type as a draft, with its primary attribute; the others
// are for AddTypeAttributes. It fails with CodeNoTypesLeft when the instance has
// MaxCustomTypes.
func (c *Client) CreateCustomType(ctx context.Context, t CustomType) (CustomType, error) {
	body := struct {
		APIName     string    `json:"apiName"`
		Name        string    `json:"name"`
		Description string    `json:"description,omitempty"`
		TriggerName string    `json:"triggerName"`
		FilterName  string    `json:"filterName"`
		Primary     Attribute `json:"primaryAttribute"`
	}{t.APIName, t.Name, t.Description, t.TriggerName, t.FilterName, Attribute{APIName: t.Primary.APIName, Name: t.Primary.Name, DataType: t.Primary.DataType}}
	return c.oneType(ctx, request{operation: "create custom activity type", method: http.MethodPost, path: customTypes + ".json", body: body})
}

// AddTypeAttributes adds attributes to a type's draft, which is made where the
// type has none. It fails with CodeAttributes beyond MaxTypeAttributes.
func (c *Client) AddTypeAttributes(ctx context.Context, apiName string, attributes []Attribute) (CustomType, error) {
	body := map[string][]Attribute{"attributes": attributes}
	return c.oneType(ctx, request{operation: "add attributes of custom activity type", method: http.MethodPost, path: typePath(apiName, "attributes/create"), body: body})
}

// ApproveCustomType puts a type's draft into force.
func (c *Client) ApproveCustomType(ctx context.Context, apiName string) (CustomType, error) {
	return c.oneType(ctx, request{operation: "approve custom activity type", method: http.MethodPost, path: typePath(apiName, "approve")})
}

func typePath(apiName, action string) string {
	return customTypes + "/" + url.PathEscape(apiName) + "/" + action + ".json"
}

// oneType makes a call that answers with one type, in an array as always.
func (c *Client) oneType(ctx context.Context, r request) (CustomType, error) {
	var types []CustomType
	env, err := c.call(ctx, r, &types)
	if err != nil {
		return CustomType{}, err
	}
	if len(types) != 1 || types[0].APIName == "" {
		return CustomType{}, &Error{Operation: r.operation, Kind: KindBadAnswer, Message: "the answer does not hold one type", RequestID: env.RequestID, Sent: true}
	}
	return types[0], nil
}
