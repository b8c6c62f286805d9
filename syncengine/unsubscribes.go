package syncengine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"salesactions/models"
	"salesactions/syncengine/activities"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/org"
	"salesactions/syncengine/unsubscribes"
)

// What handlers say and are told about unsubscribes.
type (
	UnsubscribeWord = unsubscribes.Word
	SendAnswer      = unsubscribes.Answer
	SendReason      = unsubscribes.Reason
	Linked          = unsubscribes.Linked
	PausedError     = failure.PausedError
)

// Why an unsubscribe link does nothing, and why no comparison begins.
var (
	ErrLinkForged  = unsubscribes.ErrLinkForged
	ErrLinkExpired = unsubscribes.ErrLinkExpired
)

// Unsubscribe records that somebody wants no email, and tells Salesforce at once.
// Whoever said so before has the first of them, and created is false. Errors:
// *InvalidError.
func (e *Engine) Unsubscribe(ctx context.Context, w UnsubscribeWord) (u models.Unsubscribe, created bool, err error) {
	id, created, err := e.unsubscribes.Add(ctx, w)
	if err != nil {
		return u, false, asInvalid(err)
	}
	if created {
		if err := e.nudgeDeliveries(ctx); err != nil {
			return u, created, err
		}
	}
	u, err = models.FindUnsubscribe(ctx, e.db, id)
	return u, created, err
}

// ClearUnsubscribe undoes an unsubscribe here. Errors: models.ErrNotFound.
func (e *Engine) ClearUnsubscribe(ctx context.Context, id int64, actor string) error {
	u, err := models.FindUnsubscribe(ctx, e.db, id)
	if err != nil {
		return err
	}
	if err := e.unsubscribes.Clear(ctx, id, actor); err != nil {
		return err
	}
	details := map[string]any{"source": u.Source}
	if u.PersonID != nil {
		details["person"] = *u.PersonID
	}
	return e.auditJSON(ctx, actor, "unsubscribes.clear", fmt.Sprint(id), details)
}

// MaySend says whether a person may be emailed. Errors: *InvalidError.
func (e *Engine) MaySend(ctx context.Context, ref PersonRef) (SendAnswer, error) {
	began := e.clock.Now()
	answer, err := e.unsubscribes.MaySend(ctx, ref)
	if err != nil {
		return answer, asInvalid(err)
	}
	e.checks.note(answer, e.clock.Since(began))
	return answer, nil
}

// UnsubscribeToken returns the end of a person's unsubscribe link, which follows "/u/".
func (e *Engine) UnsubscribeToken(person int64, email string) (string, error) {
	return e.unsubscribes.NewLink(person, email)
}

// OpenLink says whom an unsubscribe link is about, and changes nothing. Errors:
// ErrLinkForged, ErrLinkExpired.
func (e *Engine) OpenLink(ctx context.Context, token string) (Linked, error) {
	return e.unsubscribes.OpenLink(ctx, token)
}

// UseLink unsubscribes whom a link is about. Errors: ErrLinkForged, ErrLinkExpired.
func (e *Engine) UseLink(ctx context.Context, token string, source models.UnsubscribeSource, address string) (Linked, error) {
	linked, err := e.unsubscribes.UseLink(ctx, token, source, address)
	if err != nil {
		return linked, err
	}
	return linked, e.nudgeDeliveries(ctx)
}

// StartUnsubscribeSync compares both sides now. Errors: ErrAlreadyRunning;
// *PausedError where Salesforce is not connected.
func (e *Engine) StartUnsubscribeSync(ctx context.Context, actor string) error {
	err := e.unsubscribes.Begin(ctx, actor)
	if errors.Is(err, unsubscribes.ErrRunning) {
		return ErrAlreadyRunning
	}
	if err != nil {
		return err
	}
	if err := e.auditJSON(ctx, actor, "unsubscribes.sync", "", nil); err != nil {
		return err
	}
	return e.nudge(ctx, jobUnsubscribes)
}

// NextUnsubscribeSync is when the nightly run is due next, where it is switched on.
func NextUnsubscribeSync(now time.Time) (time.Time, error) { return unsubscribes.NextNight(now) }

// watchUnsubscribes does a run that is due, and has what it queued delivered.
func (e *Engine) watchUnsubscribes(ctx context.Context) error {
	return errors.Join(e.unsubscribes.Watch(ctx), e.nudgeDeliveries(ctx))
}

// UnsubscribingChange is what an admin changes about unsubscribes; nil leaves it as it is.
type UnsubscribingChange struct {
	Check       *bool
	Nightly     *bool
	OptOutField *string
}

// checkbox is how Salesforce spells the fields that may say so.
var checkbox = regexp.MustCompile(`^(HasOptedOutOfEmail|[A-Za-z][A-Za-z0-9_]{0,76}__c)$`)

// CheckForm says what is wrong with a change, as ChangeUnsubscribing does before it does
// anything. Errors: *InvalidError.
func (c UnsubscribingChange) CheckForm() error {
	if c.OptOutField != nil && !checkbox.MatchString(*c.OptOutField) {
		return &InvalidError{"opt_out_field", "Enter HasOptedOutOfEmail or the API name of a checkbox of leads and contacts, like " + models.SalesOptOut + "."}
	}
	return nil
}

// ChangeUnsubscribing changes the settings. With another field, what failed for the one
// before is tried again. Errors: *InvalidError.
func (e *Engine) ChangeUnsubscribing(ctx context.Context, change UnsubscribingChange, actor string) error {
	if err := change.CheckForm(); err != nil {
		return err
	}
	for try := 0; ; try++ {
		before, version, err := models.LoadUnsubscribing(ctx, e.db)
		if err != nil {
			return err
		}
		after, details := change.apply(before, e.clock.Now())
		if len(details) == 0 {
			return nil
		}
		err = e.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			err := models.SaveUnsubscribing(ctx, tx, after, version, actor)
			if err == nil && after.OptOutField != before.OptOutField {
				err = e.unsubscribes.PushAgain().ExecIn(ctx, tx)
			}
			return err
		})
		if errors.Is(err, models.ErrConflict) && try < changeTries {
			continue
		}
		if err != nil {
			return fmt.Errorf("save how unsubscribes are kept: %w", err)
		}
		if err := e.auditJSON(ctx, actor, "unsubscribes.change", "", details); err != nil {
			return err
		}
		return e.nudgeDeliveries(ctx)
	}
}

// apply returns the settings after the change, and what differs for the audit log.
func (c UnsubscribingChange) apply(u models.Unsubscribing, now time.Time) (models.Unsubscribing, map[string]any) {
	details := map[string]any{}
	if c.Check != nil && *c.Check != u.Check {
		u.Check, details["marketo_check"] = *c.Check, *c.Check
	}
	if c.Nightly != nil && *c.Nightly != u.Nightly.On {
		u.Nightly, details["nightly_unsubscribes"] = u.Nightly.Set(*c.Nightly, now), *c.Nightly
	}
	if c.OptOutField != nil && *c.OptOutField != u.OptOutField {
		details["opt_out_field"] = map[string]string{"old": u.OptOutField, "new": *c.OptOutField}
		u.OptOutField = *c.OptOutField
	}
	return u, details
}

// unsubscribeBounced unsubscribes the person of an email that bounced for good.
func (e *Engine) unsubscribeBounced(ctx context.Context, tx pgx.Tx, b activities.Bounce) error {
	_, _, err := e.unsubscribes.Record(ctx, tx, unsubscribes.NewUnsubscribe{PersonID: b.PersonID, MarketoID: b.MarketoID, SalesforceID: b.SalesforceID,
		Email: b.Email, Source: models.ByBounce, Reason: "An email bounced: " + b.Key, Actor: "system"})
	return err
}

// OptOut says on which objects of the org an opt-out field is.
type OptOut = org.OptOut
