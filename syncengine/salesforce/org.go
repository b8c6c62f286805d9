package salesforce

import "context"

// APIVersion is a version of the API that an org has.
type APIVersion struct {
	Label   string `json:"label"`   // "Spring '26"
	Version string `json:"version"` // "66.0"
}

// Versions returns the versions of the API that the org has, the oldest first. It
// costs nothing.
func (c *Client) Versions(ctx context.Context) ([]APIVersion, error) {
	var versions []APIVersion
	_, err := c.call(ctx, request{operation: "versions", path: "/services/data/"}, &versions)
	return versions, err
}

// Limit is one of the org's limits.
type Limit struct {
	Max       int64
	Remaining int64
}

// Limits returns the org's limits by name, such as DailyApiRequests. It needs the
// permission View Setup and Configuration, and costs a call (Salesforce REST: limits).
func (c *Client) Limits(ctx context.Context) (map[string]Limit, error) {
	var limits map[string]Limit
	_, err := c.call(ctx, request{operation: "limits", path: c.data("/limits")}, &limits)
	return limits, err
}
