package salesforce

import (
	"context"
	"net/url"
	"time"
)

// CodeReplicationDate says that a window reaches further back than Salesforce
// remembers: 30 days of changes, at most 15 of deletions. Then everything is compared.
const CodeReplicationDate = "INVALID_REPLICATION_DATE"

// DeletedPage has the records that were deleted in a window.
type DeletedPage struct {
	Records           []DeletedRecord
	EarliestAvailable time.Time
	LatestCovered     time.Time // where the next window begins: before this one's end while long transactions are open
}

// DeletedRecord is a record that was deleted.
type DeletedRecord struct {
	ID string
	At time.Time
}

// Deleted returns what was deleted from start to end, whose seconds do not count and
// between which lies a minute at least (Salesforce REST: sObject get deleted).
func (c *Client) Deleted(ctx context.Context, object string, start, end time.Time) (DeletedPage, error) {
	var wire struct {
		Records []struct {
			ID string `json:"id"`
			At string `json:"deletedDate"`
		} `json:"deletedRecords"`
		Earliest string `json:"earliestDateAvailable"`
		Latest   string `json:"latestDateCovered"`
	}
	r := c.window("deleted", object, start, end)
	a, err := c.call(ctx, r, &wire)
	if err != nil {
		return DeletedPage{}, err
	}
	var page DeletedPage
	if page.LatestCovered, err = ParseTime(wire.Latest); err != nil {
		return DeletedPage{}, r.bad(a.status, err)
	}
	if page.EarliestAvailable, err = ParseTime(wire.Earliest); err != nil {
		return DeletedPage{}, r.bad(a.status, err)
	}
	for _, gone := range wire.Records {
		at, err := ParseTime(gone.At)
		if err != nil {
			return DeletedPage{}, r.bad(a.status, err)
		}
		page.Records = append(page.Records, DeletedRecord{ID: gone.ID, At: at})
	}
	return page, nil
}

func (c *Client) window(which, object string, start, end time.Time) request {
	return request{operation: which, path: c.row(object, which),
		query: url.Values{"start": {FormatTime(start)}, "end": {FormatTime(end)}}}
}
