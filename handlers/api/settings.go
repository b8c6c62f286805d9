package api

import (
	"errors"
	"reflect"
	"slices"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
)

// Settings are what an admin may set through the API.
type Settings struct {
	LogEmails       bool          `json:"log_emails"`
	LogReplies      bool          `json:"log_replies"`
	LogCalls        bool          `json:"log_calls"`
	SyncTasks       bool          `json:"sync_tasks"`
	MarketoCheck    bool          `json:"marketo_check"`
	NightlyUnsubs   bool          `json:"nightly_unsubscribes"`
	OptOutField     string        `json:"opt_out_field"`
	SubjectTemplate string        `json:"subject_template"`
	KeyField        string        `json:"key_field"`
	MarkerField     string        `json:"marker_field"`
	Qualification   Qualification `json:"qualification"`
}

// settingsPatch are the members of a change; those that are absent stay.
type settingsPatch struct {
	LogEmails       *bool          `json:"log_emails"`
	LogReplies      *bool          `json:"log_replies"`
	LogCalls        *bool          `json:"log_calls"`
	SyncTasks       *bool          `json:"sync_tasks"`
	MarketoCheck    *bool          `json:"marketo_check"`
	NightlyUnsubs   *bool          `json:"nightly_unsubscribes"`
	OptOutField     *string        `json:"opt_out_field"`
	SubjectTemplate *string        `json:"subject_template"`
	KeyField        *string        `json:"key_field"`
	MarkerField     *string        `json:"marker_field"`
	Qualification   *Qualification `json:"qualification"`
}

// Qualification is the rule that selects people.
type Qualification struct {
	Mode           string   `json:"mode"` // owner_field, smart_list, static_list, crm_linked
	ListID         *string  `json:"list_id"`
	ListName       *string  `json:"list_name"`
	OwnerFields    []string `json:"owner_fields"`
	LinkedInFields []string `json:"linkedin_fields"`
	SourceFields   []string `json:"source_fields"`
}

// ShowSettings answers GET /settings.
func (h *Handlers) ShowSettings(c echo.Context) error {
	if err := readQuery(c).problem(); err != nil {
		return err
	}
	rule, err := h.engine.Qualification(c.Request().Context())
	if err != nil {
		return err
	}
	logging, _, err := models.LoadLogging(c.Request().Context(), h.db)
	if err != nil {
		return err
	}
	unsubscribing, _, err := models.LoadUnsubscribing(c.Request().Context(), h.db)
	if err != nil {
		return err
	}
	return ok(c, Settings{MarketoCheck: unsubscribing.Check, NightlyUnsubs: unsubscribing.Nightly.On, OptOutField: unsubscribing.OptOutField,
		LogEmails: logging.Emails.On, LogReplies: logging.Replies.On, LogCalls: logging.Calls.On, SyncTasks: logging.Tasks.On,
		SubjectTemplate: logging.SubjectTemplate, KeyField: logging.KeyField, MarkerField: logging.MarkerField, Qualification: newQualification(rule)})
}

// ChangeSettings answers PATCH /settings, as a merge patch (RFC 7396): members that
// are absent stay as they are, null empties. The engine writes the audit log.
func (h *Handlers) ChangeSettings(c echo.Context) error {
	ctx := c.Request().Context()
	rule, err := h.engine.Qualification(ctx)
	if err != nil {
		return err
	}
	before, after := newQualification(rule), newQualification(rule)
	patch := settingsPatch{Qualification: &after}
	if err := readBody(c, &patch); err != nil {
		return err
	}
	if patch.Qualification == nil {
		return invalid(FieldError{Pointer: "#/qualification", Detail: "The rule that selects people cannot be removed."})
	}
	change := syncengine.LoggingChange{Emails: patch.LogEmails, Replies: patch.LogReplies, Calls: patch.LogCalls, Tasks: patch.SyncTasks,
		SubjectTemplate: patch.SubjectTemplate, KeyField: patch.KeyField, MarkerField: patch.MarkerField}
	unsubscribing := syncengine.UnsubscribingChange{Check: patch.MarketoCheck, Nightly: patch.NightlyUnsubs, OptOutField: patch.OptOutField}
	if err := errors.Join(change.Check(), unsubscribing.CheckForm()); err != nil { // it must not leave half of the patch behind
		return err
	}
	if after = after.withoutNil(); !reflect.DeepEqual(before, after) {
		wanted, err := after.rule(rule)
		if err != nil {
			return err
		}
		if err := h.engine.SaveQualification(ctx, wanted, request.Actor(c)); err != nil {
			return qualificationProblem(err)
		}
	}
	if err := h.engine.ChangeLogging(ctx, change, request.Actor(c)); err != nil {
		return err
	}
	if err := h.engine.ChangeUnsubscribing(ctx, unsubscribing, request.Actor(c)); err != nil {
		return err
	}
	return h.ShowSettings(c)
}

// qualificationProblem points at the member that the engine refused.
func qualificationProblem(err error) error {
	var wrong *syncengine.InvalidError
	if !errors.As(err, &wrong) {
		return err
	}
	return invalid(FieldError{Pointer: "#/qualification/" + wrong.Field, Detail: wrong.Message})
}

func newQualification(rule syncengine.Qualification) Qualification {
	q := Qualification{
		Mode: string(rule.Mode), OwnerFields: rule.OwnerFields, LinkedInFields: rule.LinkedInFields, SourceFields: rule.SourceFields,
	}
	if rule.ListID != 0 {
		q.ListID = idText(&rule.ListID)
	}
	if rule.ListName != "" {
		q.ListName = &rule.ListName
	}
	return q.withoutNil()
}

// withoutNil makes copies of the lists, empty ones where there are none: two rules
// never share one, and programs get [] rather than null.
func (q Qualification) withoutNil() Qualification {
	for _, list := range []*[]string{&q.OwnerFields, &q.LinkedInFields, &q.SourceFields} {
		*list = append([]string{}, *list...)
	}
	return q
}

// rule puts the wish into the rule that was read, so that its version guards the change.
func (q Qualification) rule(rule syncengine.Qualification) (syncengine.Qualification, error) {
	for _, text := range slices.Concat(q.OwnerFields, q.LinkedInFields, q.SourceFields, []string{q.Mode, deref(q.ListName)}) {
		if !isText(text) {
			return rule, invalid(FieldError{Pointer: "#/qualification", Detail: "A name holds characters that cannot be kept."})
		}
	}
	set(&rule.Mode, q.Mode)
	rule.ListID, rule.ListName = 0, deref(q.ListName)
	rule.OwnerFields, rule.LinkedInFields, rule.SourceFields = q.OwnerFields, q.LinkedInFields, q.SourceFields
	if q.ListID == nil {
		return rule, nil
	}
	id, valid := positive(*q.ListID)
	if !valid {
		return rule, invalid(FieldError{Pointer: "#/qualification/list_id", Detail: "The id of a list is a positive whole number, as a string."})
	}
	rule.ListID = id
	return rule, nil
}

// set assigns text to an enum that belongs to a package of the engine.
func set[T ~string](to *T, text string) { *to = T(text) }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
