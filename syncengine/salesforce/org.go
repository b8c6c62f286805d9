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
