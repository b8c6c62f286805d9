package sftask

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"salesactions/syncengine/failure"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
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
func Mark(task map[string]any, s org.Setup, id uuid.UUID) {
	switch s.Scheme {
	case org.SchemeKey:
		task[s.KeyField] = id.String()
	case org.SchemeField:
		task[s.MarkerName] = id.String()
	}
}

// proofField is the field by which Tasks that are sent now can be found again, or "".
func proofField(s org.Setup) string {
	switch s.Scheme {
	case org.SchemeKey:
		return s.KeyField
	case org.SchemeField:
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

// findTasks returns the Salesforce ids of those of the Tasks that are there, deleted
// ones too: a Task that a person deleted was there once. Errors: *failure.PausedError
// with the code field_gone where a field is not there to look by.
func (w *Writer) findTasks(ctx context.Context, sent []Sent) (map[uuid.UUID][]string, error) {
	client, err := w.org.Client(ctx)
	if err != nil {
		return nil, err
	}
	there := make(map[uuid.UUID][]string)
	byField := map[string][]Sent{}
	var byMarker []Sent
	for _, s := range sent {
		if org.Scheme(s.Scheme) == org.SchemeMarker {
			byMarker = append(byMarker, s)
		} else if s.Scheme != "" {
			field := w.fieldOf(s)
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
	return there, w.findByMarker(ctx, client.Client, byMarker, there)
}

// fieldOf is the field that a Task was sent with.
func (w *Writer) fieldOf(s Sent) string {
	setup, _ := w.org.Known()
	switch {
	case s.ProofField != "":
		return s.ProofField
	case org.Scheme(s.Scheme) == org.SchemeKey:
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
	soql := `SELECT Id, ` + field + ` FROM Task WHERE ` + field + ` IN (` + org.Quoted(keys) + `)`
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
func (w *Writer) findByMarker(ctx context.Context, client *salesforce.Client, sent []Sent, there map[uuid.UUID][]string) error {
	wanted := make(map[uuid.UUID]bool, len(sent))
	since := w.outbox.Clock().Now()
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
	whos, err := w.org.Successors(ctx, whos)
	if err != nil {
		return err
	}
	var about []string
	for some := range slices.Chunk(whos, org.IDsPerQuery) {
		about = append(about, `WhoId IN (`+org.Quoted(some)+`)`)
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
