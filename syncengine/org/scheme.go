package org

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"salesactions/syncengine/failure"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

// Scheme is how a Task that was sent can be found again, so that none is made twice.
type Scheme string

// The schemes, the best first.
const (
	SchemeKey    Scheme = "key"    // a unique external id: Salesforce itself refuses the second
	SchemeField  Scheme = "field"  // a text field that can be searched
	SchemeMarker Scheme = "marker" // a line in the description, read back from the person's Tasks
)

// Marker is the line by which a Task is found again where no field holds our id.
func Marker(id uuid.UUID) string {
	return "[sa:" + base64.RawURLEncoding.EncodeToString(id[:]) + "]"
}

// FindMarker returns the id of the last marker in a text.
func FindMarker(text string) (uuid.UUID, bool) {
	at := strings.LastIndex(text, "[sa:")
	if at < 0 {
		return uuid.Nil, false
	}
	mark, _, closed := strings.Cut(text[at+len("[sa:"):], "]")
	raw, err := base64.RawURLEncoding.DecodeString(mark)
	if err != nil || !closed || len(raw) != len(uuid.Nil) {
		return uuid.Nil, false
	}
	return uuid.UUID(raw), true
}

// Mark sets the field of a new Task by which it is found again, where a field does it.
func (s Setup) Mark(task map[string]any, id uuid.UUID) {
	switch s.Scheme {
	case SchemeKey:
		task[s.KeyField] = id.String()
	case SchemeField:
		task[s.MarkerName] = id.String()
	}
}

// Sent is a Task that was sent and may be there.
type Sent struct {
	ID     uuid.UUID // ours
	Scheme Scheme
	WhoID  string // the lead or contact that it was sent for; may be empty
	At     time.Time
}

// FindTasks returns the Salesforce ids of those of the Tasks that are there, deleted
// ones too: a Task that somebody deleted was there once.
func (o *Org) FindTasks(ctx context.Context, sent []Sent) (map[uuid.UUID][]string, error) {
	client, _, userID, err := o.Client(ctx)
	if err != nil {
		return nil, err
	}
	setup, _ := o.Now()
	there := make(map[uuid.UUID][]string)
	byScheme := map[Scheme][]Sent{}
	for _, s := range sent {
		byScheme[s.Scheme] = append(byScheme[s.Scheme], s)
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
			err = &outbox.PausedError{Class: failure.Setup, Code: "field_gone",
				Text:   "The field by which Tasks are found again is gone from Salesforce, or hidden from the connected user, while it is not known of some whether they were created.",
				Remedy: "Put the field back, or give the user access to it, and press Test in Settings → Salesforce."}
		}
		if err != nil {
			return nil, err
		}
	}
	return there, nil
}

func findByField(ctx context.Context, client *salesforce.Client, field string, sent []Sent, there map[uuid.UUID][]string) error {
	keys := make([]string, len(sent))
	for n, s := range sent {
		keys[n] = s.ID.String()
	}
	soql := `SELECT Id, ` + field + ` FROM Task WHERE ` + field + ` IN (` + Quoted(keys) + `)`
	for r, err := range client.QueryAll(ctx, soql) {
		if err != nil {
			return fmt.Errorf("look Tasks up by %s: %w", field, err)
		}
		if id, err := uuid.Parse(r.Text(field)); err == nil {
			there[id] = append(there[id], r.ID())
		}
	}
	return nil
}

// lookMargin is how far our clock and Salesforce's may be apart.
const lookMargin = 5 * time.Minute

// findByMarker reads the Tasks that we made for these people since the sending; the
// description cannot be searched, but it can be read (Salesforce: Task, Description).
func findByMarker(ctx context.Context, client *salesforce.Client, userID string, sent []Sent, there map[uuid.UUID][]string) error {
	wanted, seen := make(map[uuid.UUID]bool, len(sent)), map[string]bool{}
	since := time.Now()
	var whos []string
	alone := false // some are about nobody
	for _, s := range sent {
		wanted[s.ID] = true
		if !s.At.IsZero() && s.At.Before(since) {
			since = s.At
		}
		if s.WhoID == "" {
			alone = true
		} else if !seen[s.WhoID] {
			seen[s.WhoID] = true
			whos = append(whos, s.WhoID)
		}
	}
	about := []string{}
	if len(whos) > 0 {
		about = append(about, `WhoId IN (`+Quoted(whos)+`)`)
	}
	if alone {
		about = append(about, `WhoId = null`)
	}
	if len(about) == 0 {
		return nil // nothing was sent before it was noted for whom
	}
	soql := `SELECT Id, Description FROM Task WHERE (` + strings.Join(about, " OR ") + `) AND CreatedById = ` + salesforce.Quote(userID) +
		` AND CreatedDate >= ` + salesforce.FormatTime(since.Add(-lookMargin))
	for r, err := range client.QueryAll(ctx, soql) {
		if err != nil {
			return fmt.Errorf("look Tasks up by their marker: %w", err)
		}
		if id, found := FindMarker(r.Text("Description")); found && wanted[id] {
			there[id] = append(there[id], r.ID())
		}
	}
	return nil
}
