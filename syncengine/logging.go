package syncengine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"salesactions/models"
	"salesactions/syncengine/activities"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/sftask"
)

// LoggingChange is what an admin changes of the logging; nil leaves it as it is.
type LoggingChange struct {
	Emails          *bool
	Replies         *bool
	Calls           *bool
	Tasks           *bool
	SubjectTemplate *string
	KeyField        *string
	MarkerField     *string
}

// changeTries is how often a change is made anew when another came between.
const changeTries = 5

// ChangeLogging changes what is logged to Salesforce. It holds for what occurs from
// now on. Errors: *InvalidError.
func (e *Engine) ChangeLogging(ctx context.Context, change LoggingChange, actor string) error {
	if err := change.Check(); err != nil {
		return err
	}
	for try := 0; ; try++ {
		before, version, err := models.LoadLogging(ctx, e.db)
		if err != nil {
			return err
		}
		after, details := change.apply(before, e.clock.Now())
		if len(details) == 0 {
			return nil
		}
		err = models.SaveLogging(ctx, e.db, after, version, actor)
		if errors.Is(err, models.ErrConflict) && try < changeTries {
			continue
		}
		if err != nil {
			return err
		}
		if err := e.auditJSON(ctx, actor, "logging.change", "", details); err != nil {
			return err
		}
		if _, switched := details["sync_tasks"]; switched {
			return e.PullTasks(ctx)
		}
		return nil
	}
}

// BackdateLogging lets the switches that are on hold for all of the past, where
// nothing is logged twice by it: in a workspace that was just made.
func (e *Engine) BackdateLogging(ctx context.Context) error {
	logging, version, err := models.LoadLogging(ctx, e.db)
	if err != nil {
		return err
	}
	for _, s := range []*models.Switch{&logging.Emails, &logging.Replies, &logging.Calls, &logging.Tasks} {
		s.Since = time.Time{}
	}
	return models.SaveLogging(ctx, e.db, logging, version, "system")
}

// fieldName is how Salesforce spells custom fields.
var fieldName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]{0,60}__c|CallObject)?$`)

// Check says what is wrong with a change, as ChangeLogging does before it does anything.
// Errors: *InvalidError.
func (c LoggingChange) Check() error {
	if c.SubjectTemplate != nil {
		if err := checkTemplate(*c.SubjectTemplate); err != nil {
			return err
		}
	}
	for field, name := range map[string]*string{"key_field": c.KeyField, "marker_field": c.MarkerField} {
		if name != nil && !fieldName.MatchString(*name) {
			return &InvalidError{field, "Enter the API name of a custom field of Activity, like Sales_Actions_Key__c, or nothing."}
		}
	}
	return nil
}

func checkTemplate(template string) error {
	if wrong := sftask.CheckSubject(template); wrong != "" {
		return &InvalidError{"subject_template", wrong}
	}
	return nil
}

// apply returns the settings after the change, and what differs for the audit log.
func (c LoggingChange) apply(l models.Logging, now time.Time) (models.Logging, map[string]any) {
	details := map[string]any{}
	for name, s := range map[string]struct {
		to *models.Switch
		on *bool
	}{"log_emails": {&l.Emails, c.Emails}, "log_replies": {&l.Replies, c.Replies}, "log_calls": {&l.Calls, c.Calls}, "sync_tasks": {&l.Tasks, c.Tasks}} {
		if s.on != nil && s.to.On != *s.on {
			*s.to = s.to.Set(*s.on, now)
			details[name] = *s.on
		}
	}
	for name, s := range map[string]struct{ to, value *string }{"subject_template": {&l.SubjectTemplate, c.SubjectTemplate},
		"key_field": {&l.KeyField, c.KeyField}, "marker_field": {&l.MarkerField, c.MarkerField}} {
		if s.value != nil && *s.to != *s.value {
			details[name] = map[string]string{"old": *s.to, "new": *s.value}
			*s.to = *s.value
		}
	}
	return l, details
}

// SubjectField is a dynamic field of the subject's template.
type SubjectField = sftask.SubjectField

// SubjectFields are all of them.
func SubjectFields() []SubjectField { return sftask.SubjectFields() }

// SubjectPreview is what a template makes of a recent activity.
type SubjectPreview struct {
	Subject string
	Example string     // what it was made of, in words
	At      *time.Time // when that occurred; nil of a made-up one
}

// SubjectPreview renders a template for the latest email or call. Errors: *InvalidError.
func (e *Engine) SubjectPreview(ctx context.Context, template string) (SubjectPreview, error) {
	if err := checkTemplate(template); err != nil {
		return SubjectPreview{}, err
	}
	kind, attributes, preview := models.EmailSent, models.ActivityAttributes{Subject: "Quick question", CampaignName: "Q1 outreach",
		CampaignDay: "3", CampaignStep: "2"}, SubjectPreview{Example: "a made-up email"}
	for _, wanted := range []models.ActivityKind{models.EmailSent, models.CallReceived} {
		page, err := models.ListActivities(ctx, e.db, models.ActivityQuery{Kind: wanted, Limit: 1})
		if err != nil {
			return SubjectPreview{}, err
		}
		for _, a := range page.Activities {
			if preview.At == nil || a.OccurredAt.After(*preview.At) {
				kind, attributes, preview.At, preview.Example = a.Kind, a.Attributes, &a.OccurredAt, a.Kind.Name()
			}
		}
	}
	preview.Subject = activities.PreviewSubject(template, kind, attributes)
	return preview, nil
}

// Backfill says which activities of the past to log after all.
type Backfill = activities.Backfill

// CountBackfill returns how many Tasks a back-fill would create.
func (e *Engine) CountBackfill(ctx context.Context, b Backfill) (int64, error) {
	return b.Count(ctx, e.pool)
}

// StartBackfill queues a back-fill and returns how many Tasks it creates.
func (e *Engine) StartBackfill(ctx context.Context, b Backfill, actor string) (int64, error) {
	n, err := b.Run(ctx, e.pool, e.outbox)
	if err != nil {
		return 0, err
	}
	details := map[string]any{"since": b.Since.UTC().Format(time.RFC3339), "emails": b.Emails, "replies": b.Replies, "calls": b.Calls, "tasks": n}
	if err := e.auditJSON(ctx, actor, "logging.backfill", "", details); err != nil {
		return n, err
	}
	return n, e.nudgeDeliveries(ctx)
}

// Rep is a rep of recorded activities, or a user here, and their user in Salesforce.
type Rep struct {
	Email      string
	UserID     string
	UserName   string
	Linked     bool  // by an admin
	Refused    bool  // Salesforce does not take the user as an owner
	Matched    bool  // there is a user, and not refused
	Asked      bool  // Salesforce said whether it has somebody with the address
	Activities int64 // of the last 90 days
}

// ListReps returns the reps of the last 90 days' activities and the active users, those
// without a user in Salesforce first.
func (e *Engine) ListReps(ctx context.Context) ([]Rep, error) {
	var reps []Rep
	err := e.db.WithContext(ctx).Raw(`
		SELECT coalesce(a.email, u.email) AS email, coalesce(r.user_id, '') AS user_id, coalesce(r.user_name, '') AS user_name,
			r.linked_by IS NOT NULL AS linked, r.email IS NOT NULL AS asked, r.refused_at IS NOT NULL AS refused,
			r.user_id IS NOT NULL AND r.refused_at IS NULL AS matched, coalesce(a.activities, 0) AS activities
		FROM (SELECT rep_email AS email, count(*) AS activities FROM activities
			WHERE rep_email IS NOT NULL AND occurred_at > ? GROUP BY 1) a
		FULL JOIN (SELECT email FROM users WHERE deactivated_at IS NULL) u ON u.email = a.email
		LEFT JOIN salesforce_reps r ON r.email = coalesce(a.email, u.email)
		ORDER BY matched, a.activities DESC NULLS LAST, 1 LIMIT 1000`, e.clock.Now().AddDate(0, 0, -90)).Scan(&reps).Error
	if err != nil {
		return nil, fmt.Errorf("list reps: %w", err)
	}
	return reps, nil
}

// LinkRep says which Salesforce user a rep is; an empty id leaves it to the address
// again. Errors: *InvalidError.
func (e *Engine) LinkRep(ctx context.Context, email, userID, actor string) error {
	if userID == "" {
		if err := e.org.UnlinkRep(ctx, email); err != nil {
			return err
		}
		return e.auditJSON(ctx, actor, "reps.unlink", email, nil)
	}
	there, err := e.org.LinkRep(ctx, email, userID, actor)
	switch {
	case err != nil:
		return &InvalidError{"user_id", "Salesforce could not be asked: " + e.Explain(err)}
	case !there:
		return &InvalidError{"user_id", "Salesforce has no active user with this id, which begins with 005."}
	}
	return e.auditJSON(ctx, actor, "reps.link", email, map[string]any{"user_id": userID})
}

// Explain is what an error of another system says to people, with what helps.
func (e *Engine) Explain(err error) string {
	what := failure.Classify(err)
	return what.Text + " " + what.Remedy
}

// FailureCode is what one code of another system means.
type FailureCode = failure.Entry

// FailureCodes are all codes of Marketo and Salesforce, with what to do.
func FailureCodes() []FailureCode { return failure.Codes() }
