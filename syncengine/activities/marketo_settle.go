package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
	"salesactions/syncengine/outbox"
)

// firstLook is when an activity of unknown outcome is looked for first: most are
// there within seconds.
func (m *toMarketo) firstLook() time.Duration { return min(m.cfg.MarketoSettle/4, 15*time.Second) }

// marketoSettling finds out what became of activities whose call had no answer.
type marketoSettling toMarketo

// Round reads the log back for those that are due.
func (m *marketoSettling) Round(ctx context.Context, run uuid.UUID) (int, error) {
	items, err := unknown(ctx, m.pool, m.outbox, marketoCreates, marketo.MaxAddActivities)
	if err != nil || len(items) == 0 {
		return 0, err
	}
	there, err := m.readBack(budget.For(ctx, budget.ProofOfActivities), items)
	switch {
	case err != nil && (ctx.Err() != nil || !failure.Classify(err).Passing()):
		return 0, err
	case err != nil:
		wait := outbox.Backoff(3)
		return len(items), record(ctx, m.outbox, run, outbox.ForAll(items, func(c outbox.Claimed) outbox.Outcome { return outbox.Unknown(c, wait) }))
	}
	return len(items), record(ctx, m.outbox, run, outbox.ForAll(items, func(c outbox.Claimed) outbox.Outcome {
		if id, found := there[c.Activity]; found {
			return outbox.Delivered(c, id)
		}
		return m.absent(c)
	}))
}

// absent believes the second look only: log rows appear late. The looks are as far
// apart as Config says, and the second is as long after the sending.
func (m *marketoSettling) absent(c outbox.Claimed) outbox.Outcome {
	if c.Looks == 0 || m.outbox.Clock().Since(c.SentAt) < m.cfg.MarketoSettle {
		o := outbox.Unknown(c, m.cfg.MarketoSettle)
		o.Looked = true
		return o
	}
	return outbox.ProvenAbsent(c)
}

// lookBack is how much earlier than the earliest activity the log is read from: its
// boundaries are uncertain (Marketo REST: paging tokens).
const lookBack = 5 * time.Minute

// readBack returns Marketo's ids of those of the activities that are in its log,
// which goes by the activity's own date and not by when it was written.
func (m *marketoSettling) readBack(ctx context.Context, items []item) (map[uuid.UUID]string, error) {
	client, _, err := m.client(ctx)
	if err != nil {
		return nil, err
	}
	types := (*toMarketo)(m).types().typeIDs()
	wanted := make(map[string]uuid.UUID, len(items))
	var leads []int64
	seen := map[int64]bool{}
	for _, i := range items {
		wanted[i.Activity.String()] = i.Activity
		if i.PersonID != nil && !seen[*i.PersonID] {
			seen[*i.PersonID] = true
			leads = append(leads, *i.PersonID)
		}
	}
	since, err := client.PagingToken(ctx, items[0].OccurredAt.Add(-lookBack))
	if err != nil {
		return nil, fmt.Errorf("read activities back: %w", err)
	}
	there := make(map[uuid.UUID]string)
	for len(leads) > 0 {
		n := min(len(leads), marketo.MaxActivityLeads)
		if err := readLog(ctx, client, since, types, leads[:n], wanted, there); err != nil {
			return nil, fmt.Errorf("read activities back: %w", err)
		}
		leads = leads[n:]
	}
	return there, nil
}

// readLog reads the log of some people to its end; pages may be empty before it. An
// activity is ours by the value of our id, whatever the attribute is called today.
func readLog(ctx context.Context, client *marketo.Client, token string, types []int, leads []int64, wanted map[string]uuid.UUID, there map[uuid.UUID]string) error {
	for {
		page, err := client.Activities(ctx, token, types, leads)
		if err != nil {
			return err
		}
		for _, a := range page.Items {
			for _, value := range a.Attributes {
				if id, ours := wanted[unquote(value)]; ours {
					there[id] = a.GUID
				}
			}
		}
		if !page.More {
			return nil
		}
		token = page.Next
	}
}

// unquote returns a JSON string's text; ids need no escapes.
func unquote(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	return string(raw[1 : len(raw)-1])
}
