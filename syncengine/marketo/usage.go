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

// Usage returns today's calls, everybody's. How fresh it is, is not documented.
func (c *Client) Usage(ctx context.Context) (UsageDay, error) {
	days, err := c.usage(ctx, "usage", "/rest/v1/stats/usage.json")
	if err != nil || len(days) == 0 {
		return UsageDay{}, err
	}
	return days[0], nil
}

// UsageLast7Days returns the calls of the last week, by day.
func (c *Client) UsageLast7Days(ctx context.Context) ([]UsageDay, error) {
	return c.usage(ctx, "usage of 7 days", "/rest/v1/stats/usage/last7days.json")
}

func (c *Client) usage(ctx context.Context, operation, path string) ([]UsageDay, error) {
	var days []UsageDay
	_, err := c.call(ctx, request{operation: operation, path: path}, &days)
	return days, err
}
