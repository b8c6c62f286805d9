package org

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

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

// Setup is what the org has, as the connected user sees it.
type Setup struct {
	At         time.Time         `json:"at"`
	Instance   string            `json:"instance"`
	UserID     string            `json:"user_id"`
	TaskTypes  []string          `json:"task_types"` // of those that we use
	Fields     map[string]Field  `json:"fields"`     // of Task, those that we use
	KeyField   string            `json:"key_field"`
	MarkerName string            `json:"marker_field"`
	Scheme     Scheme            `json:"scheme"`
	Omitted    []string          `json:"omitted"`  // fields of Task that are left out since the org refused what we write there
	OptOuts    map[string]OptOut `json:"opt_outs"` // by field: the standard one, the usual custom one and the chosen one
	Sought     []string          `json:"sought"`   // the fields that the settings named
	Error      string            `json:"error"`
	Remedy     string            `json:"remedy"`
}

// Field is a field of the org's Task.
type Field struct {
	Label    string `json:"label"`
	Length   int    `json:"length"`
	Create   bool   `json:"create"`
	Update   bool   `json:"update"`
	External bool   `json:"external"` // an external id
	Unique   bool   `json:"unique"`
	Filter   bool   `json:"filter"`
	// Values are those that a restricted picklist takes; nil of other fields.
	Values []string `json:"values,omitempty"`
}

// OptOut says on which objects an opt-out field is, and may be set. A field that is
// hidden from the user is not there for us.
type OptOut struct {
	Lead    Access `json:"lead"`
	Contact Access `json:"contact"`
}

// Access is what the connected user may do with a field.
type Access struct {
	Read  bool `json:"read"`
	Write bool `json:"write"`
}

// On returns the access on an object, "Lead" or "Contact".
func (o OptOut) On(object string) Access {
	if object == "Lead" {
		return o.Lead
	}
	return o.Contact
}

// Settings are the admin's choices that say what to look for.
type Settings struct {
	Logging       models.Logging
	Unsubscribing models.Unsubscribing
}

func (s Settings) sought() []string {
	return []string{s.Logging.KeyField, s.Logging.MarkerField, s.Unsubscribing.OptOutField}
}

// Creates says whether a field can be set when a Task is created.
func (s Setup) Creates(field string) bool { return s.Fields[field].Create && !s.omits(field) }

// Updates says whether a field of a Task can be changed.
func (s Setup) Updates(field string) bool { return s.Fields[field].Update && !s.omits(field) }

// Takes says whether a value is one that a field has room for: a restricted picklist
// refuses all but its own. What a Task cannot be without is tried all the same.
func (s Setup) Takes(field string, value any) bool {
	text, isText := value.(string)
	values := s.Fields[field].Values
	return !isText || values == nil || s.needs(field) || slices.Contains(values, text)
}

func (s Setup) omits(field string) bool {
	return slices.ContainsFunc(s.Omitted, func(f string) bool { return strings.EqualFold(f, field) })
}

// needs says that a Task would not be what it is without a field.
func (s Setup) needs(field string) bool {
	switch strings.ToLower(field) {
	case "", "subject", "status", "activitydate", "whoid", "ownerid", strings.ToLower(s.KeyField), strings.ToLower(s.MarkerName):
		return true
	case "description":
		return s.Scheme == SchemeMarker
	}
	return false
}

// HasType says whether Task's Type has exactly that value.
func (s Setup) HasType(value string) bool {
	for _, t := range s.TaskTypes {
		if strings.EqualFold(t, value) {
			return t == value
		}
	}
	return false
}

// Look finds out what the org has, as the connected user sees it, and keeps what it
// found. A field that is hidden from the user is not there for us.
func Look(ctx context.Context, o *outbox.Outbox, session Session, settings Settings) (Setup, error) {
	s := Setup{At: o.Clock().Now(), Instance: session.Instance, UserID: session.UserID, Fields: map[string]Field{}, OptOuts: map[string]OptOut{}, Sought: settings.sought()}
	err := s.look(ctx, session.Client, settings.Logging)
	if err == nil {
		err = s.lookForOptOuts(ctx, session.Client, settings.Unsubscribing.OptOutField)
	}
	if err != nil {
		what := failure.Classify(err)
		s.Error, s.Remedy = what.Text, what.Remedy
	}
	return s, errors.Join(err, o.KeepSetup(ctx, models.ToSalesforce, s))
}

// Load returns what was found last, or nil.
func Load(ctx context.Context, pool *pgxpool.Pool) (*Setup, error) {
	var s *Setup
	if err := pool.QueryRow(ctx, `SELECT setup FROM destinations WHERE name = 'salesforce'`).Scan(&s); err != nil {
		return nil, fmt.Errorf("read what the org has: %w", err)
	}
	return s, nil
}

func (s *Setup) look(ctx context.Context, client *salesforce.Client, logging models.Logging) error {
	if err := checkVersion(ctx, client); err != nil {
		return err
	}
	task, _, err := client.Describe(ctx, "Task", time.Time{})
	if err != nil {
		return fmt.Errorf("describe Salesforce's Task: %w", err)
	}
	if !task.Createable {
		return failure.OwnSalesforce("no_tasks")
	}
	wanted := StandardFields()
	for _, f := range CustomFields() {
		wanted = append(wanted, f.Name)
	}
	for _, name := range append(wanted, logging.KeyField, logging.MarkerField) {
		if f, there := task.Field(name); there {
			s.Fields[name] = Field{Label: f.Label, Length: f.Length, Create: f.Createable, Update: f.Updateable,
				External: f.ExternalID, Unique: f.Unique, Filter: f.Filterable, Values: valuesOf(f)}
		}
	}
	if f, there := task.Field("Type"); there {
		for _, value := range []string{"Email", "Call", "Reply", "InMail"} {
			if f.HasValue(value) {
				s.TaskTypes = append(s.TaskTypes, value)
			}
		}
	}
	s.chooseScheme(logging)
	return nil
}

// checkVersion says whether the org has the version of the API that the client speaks:
// each is supported for three years (Salesforce REST: versions).
func checkVersion(ctx context.Context, client *salesforce.Client) error {
	versions, err := client.Versions(ctx)
	if err != nil {
		return fmt.Errorf("ask for the versions of Salesforce's API: %w", err)
	}
	for _, v := range versions {
		if "v"+v.Version == client.Version() {
			return nil
		}
	}
	return &failure.PausedError{Class: failure.Setup, Code: "UNSUPPORTED_API_VERSION", Text: "The Salesforce org does not have version " + client.Version() + " of the API.",
		Remedy: "Install a newer version of Sales Actions."}
}

// valuesOf are the active values of a restricted picklist, else nil.
func valuesOf(f salesforce.Field) []string {
	if !f.Restricted {
		return nil
	}
	values := []string{}
	for _, v := range f.Picklist {
		if v.Active {
			values = append(values, v.Value)
		}
	}
	return values
}

// lookForOptOuts describes leads and contacts; the field may be on one of them only.
func (s *Setup) lookForOptOuts(ctx context.Context, client *salesforce.Client, chosen string) error {
	for _, object := range []string{"Lead", "Contact"} {
		described, _, err := client.Describe(ctx, object, time.Time{})
		if err != nil && failure.Classify(err).Class != failure.Access { // the object may be hidden from the user
			return fmt.Errorf("describe Salesforce's %s: %w", object, err)
		}
		if err != nil {
			described = &salesforce.Description{}
		}
		for _, name := range []string{models.StandardOptOut, models.SalesOptOut, chosen} {
			f, there := described.Field(name)
			o := s.OptOuts[name]
			access := Access{Read: there && f.Type == "boolean", Write: there && f.Type == "boolean" && f.Updateable}
			if object == "Lead" {
				o.Lead = access
			} else {
				o.Contact = access
			}
			s.OptOuts[name] = o
		}
	}
	return nil
}

// chooseScheme takes the best that the org has. A field too short for our id is none.
func (s *Setup) chooseScheme(logging models.Logging) {
	s.Scheme = SchemeMarker
	if f := s.Fields[logging.KeyField]; logging.KeyField != "" && f.Create && f.External && f.Unique && f.Length >= 36 {
		s.Scheme, s.KeyField = SchemeKey, logging.KeyField
		return
	}
	for _, name := range []string{logging.MarkerField, logging.KeyField} {
		if f := s.Fields[name]; name != "" && f.Create && f.Filter && f.Length >= 36 {
			s.Scheme, s.MarkerName = SchemeField, name
			return
		}
	}
}
