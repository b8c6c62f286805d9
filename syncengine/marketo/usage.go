package marketo

import "context"

// UsageDay counts one day's calls of the whole subscription.
type UsageDay struct {
	Date  string `json:"date"` // as Marketo counts days
	Total int64  `json:"total"`
	Users []struct {
		UserID string `json:"userId"`
		Count  int64  `json:"count"`
	} `json:"users"`
}

// Usage returns today's calls, of all its users. How fresh it is, is not documented.
func (c *Client) Usage(ctx context.Context) (UsageDay, error) {
	var days []UsageDay
	_, err := c.call(ctx, request{operation: "usage", path: "/rest/v1/stats/usage.json"}, &days)
	if err != nil || len(days) == 0 {
		return UsageDay{}, err
	}
	return days[0], nil
}
