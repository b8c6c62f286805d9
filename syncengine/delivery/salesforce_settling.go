package delivery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"salesactions/models"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/salesforce"
)

// salesforceSettling finds out what became of Tasks whose call had no answer.
type salesforceSettling toSalesforce

// round looks for those that are due, by the way in which they can be found again.
func (s *salesforceSettling) round(ctx context.Context, run uuid.UUID) (int, error) {
	items, err := takeUnknown(ctx, s.pool, models.ToSalesforce, salesforce.MaxCollection)
	if err != nil || len(items) == 0 {
		return 0, err
	}
	there, err := s.find(purpose(ctx, "proof of Tasks"), items)
	return settle(ctx, s.pool, run, items, there, err, s.absent)
}

// absent believes only a look that is made after the server can no longer be working
// on the request; with a key field there is no need to wait.
func (s *salesforceSettling) absent(i item) outcome {
	if text(i.Scheme) == string(SchemeKey) || i.Scheme == nil || i.SentAt == nil || time.Since(*i.SentAt) >= s.cfg.SalesforceSettle {
		return outcome{id: i.ID, state: models.Pending}
	}
	o := unknown(i.ID, (*toSalesforce)(s).lookWait(i.Looks+1))
	o.looked = true
	return o
}

// find returns the Tasks of those of the activities that are there, deleted ones too:
// a Task that somebody deleted was there once.
func (s *salesforceSettling) find(ctx context.Context, items []item) (map[uuid.UUID]string, error) {
	client, _, userID, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	setup, _ := (*toSalesforce)(s).now()
	there := make(map[uuid.UUID]string)
	byScheme := map[Scheme][]item{}
	for _, i := range items {
		byScheme[Scheme(text(i.Scheme))] = append(byScheme[Scheme(text(i.Scheme))], i)
	}
	for scheme, of := range byScheme {
		switch {
		case scheme == SchemeKey && setup.KeyField != "":
			err = findByField(ctx, client, setup.KeyField, of, there)
		case scheme == SchemeField && setup.MarkerName != "":
			err = findByField(ctx, client, setup.MarkerName, of, there)
		case scheme == SchemeMarker:
			err = findByMarker(ctx, client, userID, of, there)
		case scheme == SchemeKey || scheme == SchemeField:
			err = &PausedError{Class: failure.Setup, Code: "field_gone",
				Text:   "The field by which Tasks are found again is gone from Salesforce, or hidden from the connected user, while it is not known of some whether they were created.",
				Remedy: "Put the field back, or give the user access to it, and press Test in Settings → Salesforce."}
		}
		if err != nil {
			return nil, err
		}
	}
	return there, nil
}

func findByField(ctx context.Context, client *salesforce.Client, field string, items []item, there map[uuid.UUID]string) error {
	keys := make([]string, len(items))
	for n, i := range items {
		keys[n] = i.ActivityID.String()
	}
	soql := `SELECT Id, ` + field + ` FROM Task WHERE ` + field + ` IN (` + quoted(keys) + `)`
	for r, err := range client.QueryAll(ctx, soql) {
		if err != nil {
			return fmt.Errorf("look Tasks up by %s: %w", field, err)
		}
		if id, err := uuid.Parse(r.Text(field)); err == nil {
			there[id] = r.Text("Id")
		}
	}
	return nil
}

// lookMargin is how far our clock and Salesforce's may be apart.
const lookMargin = 5 * time.Minute

// findByMarker reads the Tasks that we made for these people since the sending; the
// description cannot be searched, but it can be read (Salesforce: Task, Description).
func findByMarker(ctx context.Context, client *salesforce.Client, userID string, items []item, there map[uuid.UUID]string) error {
	markers := make(map[string]uuid.UUID, len(items))
	since, seen := time.Now(), map[string]bool{}
	var whos []string
	for _, i := range items {
		markers[marker(i.ActivityID)] = i.ActivityID
		if i.SentAt != nil && i.SentAt.Before(since) {
			since = *i.SentAt
		}
		if who := text(i.WhoID); who != "" && !seen[who] {
			seen[who] = true
			whos = append(whos, who)
		}
	}
	if len(whos) == 0 {
		return nil // nothing was sent before it was noted for whom
	}
	soql := `SELECT Id, Description FROM Task WHERE WhoId IN (` + quoted(whos) + `) AND CreatedById = ` + salesforce.Quote(userID) +
		` AND CreatedDate >= ` + salesforce.FormatTime(since.Add(-lookMargin))
	for r, err := range client.QueryAll(ctx, soql) {
		if err != nil {
			return fmt.Errorf("look Tasks up by their marker: %w", err)
		}
		description := r.Text("Description")
		at := strings.LastIndex(description, "[sa:")
		if at < 0 {
			continue
		}
		mark, _, _ := strings.Cut(description[at:], "]")
		if id, ours := markers[mark+"]"]; ours {
			there[id] = r.Text("Id")
		}
	}
	return nil
}
