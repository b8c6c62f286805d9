package people

import (
	"context"
	"fmt"
	"strings"

	"salesactions/syncengine/marketo"
)

// FieldMapping is one of the 13 fields and where Marketo keeps it.
type FieldMapping struct {
	Field       string // as our API names it
	Label       string
	MarketoName string
	Found       *bool // nil: not asked yet
	Note        string
}

// Unchecked returns the 13 fields as they would be, before Marketo was asked.
func Unchecked(rule Rule) []FieldMapping {
	fields := Fields(rule)
	mapped := make([]FieldMapping, len(fields))
	for i, f := range fields {
		mapped[i] = FieldMapping{Field: f.Name, Label: f.Label, MarketoName: f.Candidates[0]}
	}
	return mapped
}

// Found is what a look at an instance tells.
type Found struct {
	Fields            []FieldMapping
	Contacts          int // contacts looked at
	ContactsWithOwner int
	OwnerTrusted      bool
	Notes             []string
}

// sampleBatches is how many batches of the newest people are looked at for contacts.
const sampleBatches = 3

// Check asks an instance for its fields, and looks whether the owner field is
// filled for contacts too, which Marketo's documentation leaves open.
func (s *Sync) Check(ctx context.Context) (Found, error) {
	s.mu.Lock()
	s.mapping.client = nil // ask anew
	s.mu.Unlock()
	ses, err := s.session(ctx)
	if err != nil {
		return Found{}, err
	}
	found := Found{Fields: ses.mapping.found()}
	if len(ses.mapping.Owners) == 0 {
		found.Notes = append(found.Notes, "This instance shows none of the owner fields "+strings.Join(ses.rule.owners(), ", ")+
			": choose another way of selecting people.")
	}
	if err := s.sampleContacts(ctx, ses, &found); err != nil {
		return found, err
	}
	found.OwnerTrusted = len(ses.mapping.Owners) > 0 && (found.Contacts == 0 || found.ContactsWithOwner > 0)
	if !found.OwnerTrusted && found.Contacts > 0 {
		found.Notes = append(found.Notes, fmt.Sprintf("None of %d contacts has an owner in Marketo's owner field, so selecting by it would leave contacts out: choose a smart list, a static list or everybody linked to Salesforce.", found.Contacts))
	}
	return found, nil
}

func (s *Sync) sampleContacts(ctx context.Context, ses session, found *Found) error {
	top, err := s.topID(ctx, ses)
	if err != nil {
		return err
	}
	for batch := range int64(sampleBatches) {
		from := max(top-(batch+1)*marketo.MaxBatch, 0) + 1
		leads, err := s.readIDs(ctx, ses, idRange(from, from+marketo.MaxBatch-1), ses.mapping.Request)
		if err != nil {
			return fmt.Errorf("look at some contacts: %w", err)
		}
		for _, lead := range leads {
			row := ses.mapping.leadRow(lead, s.now(), ses.rule)
			if row.ContactID == nil {
				continue
			}
			found.Contacts++
			if row.OwnerID != nil {
				found.ContactsWithOwner++
			}
		}
		if from == 1 {
			break
		}
	}
	return nil
}

// found tells of each field whether the instance has it.
func (m Mapping) found() []FieldMapping {
	mapped := make([]FieldMapping, len(m.Fields))
	for i, f := range m.Fields {
		name, has := m.Names[f.Name]
		mapped[i] = FieldMapping{Field: f.Name, Label: f.Label, MarketoName: name, Found: &has}
		if has {
			continue
		}
		mapped[i].MarketoName = strings.Join(f.Candidates, " or ")
		mapped[i].Note = "This Marketo instance does not show the field, so it stays empty."
		if f.Name == "salesforce_opportunity_id" {
			mapped[i].Note = "This Marketo instance does not show the field; the opportunity is asked of Salesforce when an activity is logged."
		}
	}
	return mapped
}
