package salesforce

import "net/url"

// row returns the path of an object and what lies below it.
func (c *Client) row(segments ...string) string {
	path := c.data("/sobjects")
	for _, s := range segments {
		path += "/" + url.PathEscape(s)
	}
	return path
}
