package org

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"salesactions/models"
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

// proofField is the field by which Tasks that are sent now can be found again, or "".
func (s Setup) proofField() string {
	switch s.Scheme {
	case SchemeKey:
		return s.KeyField
	case SchemeField:
		return s.MarkerName
	}
	return ""
}

// Sent is a Task that was sent and may be there.
type Sent struct {
	outbox.Claimed           // with the scheme and the field by which it is found
	Key            uuid.UUID // ours
}

// errFieldGone says that Tasks cannot be looked for.
var errFieldGone = &failure.PausedError{Class: failure.Setup, Code: "field_gone",
	Text:   "It is not known whether this Task was created, and the field by which it would be found again is gone from Salesforce, or hidden from the connected user.",
	Remedy: "Put the field back, or give the user access to it, then press Retry in Diagnostics."}

// FindTasks returns the Salesforce ids of those of the Tasks that are there, deleted
// ones too: a Task that somebody deleted was there once. Errors: *failure.PausedError
// with the code field_gone where a field is not there to look by.
func (o *Org) FindTasks(ctx context.Context, sent []Sent) (map[uuid.UUID][]string, error) {
	client, err := o.Client(ctx)
	if err != nil {
		return nil, err
	}
	there := make(map[uuid.UUID][]string)
	byField := map[string][]Sent{}
	var byMarker []Sent
	for _, s := range sent {
		if Scheme(s.Scheme) == SchemeMarker {
			byMarker = append(byMarker, s)
		} else if s.Scheme != "" {
			field := o.fieldOf(s)
			byField[field] = append(byField[field], s)
		}
	}
	for field, of := range byField {
		if err := findByField(ctx, client.Client, field, of, there); err != nil {
			return nil, err
		}
	}
	if len(byMarker) == 0 {
		return there, nil
	}
	return there, o.findByMarker(ctx, client.Client, byMarker, there)
}

// fieldOf is the field that a Task was sent with.
func (o *Org) fieldOf(s Sent) string {
	setup, _ := o.Known()
	switch {
	case s.ProofField != "":
		return s.ProofField
	case Scheme(s.Scheme) == SchemeKey:
		return setup.KeyField
	default:
		return setup.MarkerName
	}
}

func findByField(ctx context.Context, client *salesforce.Client, field string, sent []Sent, there map[uuid.UUID][]string) error {
	if field == "" {
		return errFieldGone
	}
	keys := make([]string, len(sent))
	for n, s := range sent {
		keys[n] = s.Key.String()
	}
	soql := `SELECT Id, ` + field + ` FROM Task WHERE ` + field + ` IN (` + Quoted(keys) + `)`
	for r, err := range client.QueryAll(ctx, soql) {
		if salesforce.IsCode(err, "INVALID_FIELD") {
			return errFieldGone
		}
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

// findByMarker reads the Tasks of these people since the sending, whoever is connected
// by now; the description cannot be searched, but it can be read (Salesforce: Task,
// Description). Salesforce moves Tasks along when their lead or contact is converted
// or merged, so those that they became are asked about too.
func (o *Org) findByMarker(ctx context.Context, client *salesforce.Client, sent []Sent, there map[uuid.UUID][]string) error {
	wanted := make(map[uuid.UUID]bool, len(sent))
	since := o.clock().Now()
	var whos []string
	alone := false // some are about no person
	for _, s := range sent {
		wanted[s.Key] = true
		if !s.SentAt.IsZero() && s.SentAt.Before(since) {
			since = s.SentAt
		}
		if s.WhoID == "" {
			alone = true
		} else if !slices.Contains(whos, s.WhoID) {
			whos = append(whos, s.WhoID)
		}
	}
	whos, err := o.successors(ctx, whos)
	if err != nil {
		return err
	}
	var about []string
	for some := range slices.Chunk(whos, idsPerQuery) {
		about = append(about, `WhoId IN (`+Quoted(some)+`)`)
	}
	if alone {
		about = append(about, `WhoId = null`)
	}
	for _, of := range about {
		soql := `SELECT Id, Description FROM Task WHERE ` + of + ` AND CreatedDate >= ` + salesforce.FormatTime(since.Add(-lookMargin))
		for r, err := range client.QueryAll(ctx, soql) {
			if err != nil {
				return fmt.Errorf("look Tasks up by their marker: %w", err)
			}
			if id, found := FindMarker(r.Text("Description")); found && wanted[id] {
				there[id] = append(there[id], r.ID())
			}
		}
	}
	return nil
}

// successors returns leads and contacts with those that they became, and those that
// these became.
func (o *Org) successors(ctx context.Context, ids []string) ([]string, error) {
	for asked, depth := 0, 0; asked < len(ids) && depth < followDepth; depth++ {
		fresh := ids[asked:]
		asked = len(ids)
		if _, err := o.AskRecords(ctx, fresh); err != nil {
			return nil, err
		}
		people := make([]SalesforceIDs, len(fresh))
		for n := range fresh {
			people[n].LeadID = &fresh[n]
		}
		records, err := o.remembered(ctx, people)
		if err != nil {
			return nil, err
		}
		for _, id := range fresh {
			if next := models.NormalSalesforceID(records[short(id)].follow); next != "" && !slices.Contains(ids, next) {
				ids = append(ids, next)
			}
		}
	}
	return ids, nil
}
