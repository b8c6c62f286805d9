package syncengine

import (
	"context"
	"fmt"
	"time"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/people"
)

// settingMarketoTest is the settings group with the last connection test.
const settingMarketoTest = "marketo_test"

// FieldMapping is one of the 13 fields and where Marketo keeps it.
type FieldMapping = people.FieldMapping

// MarketoTest is what a connection test found.
type MarketoTest struct {
	OK                bool
	Error             *Trouble
	User              string // the API user whose calls these are
	Fields            []FieldMapping
	ContactsSampled   int
	ContactsWithOwner int
	OwnerTrusted      bool // the owner field tells who has an owner, contacts included
	Notes             []string
	UsageDay          string // calls of the whole subscription that day, ours among them
	UsageTotal        int64
	UsageOurs         int64
	TestedAt          time.Time
}

// TestMarketo asks Marketo who we are, what it knows, and whether its owner field
// can be trusted; it keeps the answer for Settings to show.
func (e *Engine) TestMarketo(ctx context.Context) MarketoTest {
	ctx = budget.For(ctx, budget.ConnectionTest)
	test, err := e.testMarketo(ctx)
	if err == nil {
		err = e.forgetTrouble(ctx)
	}
	if err == nil {
		err = e.nudge(ctx, jobExtract)
	}
	test.TestedAt, test.OK = e.clock.Now(), err == nil
	if err != nil {
		test.Error = e.troubleOf(err)
	}
	if saveErr := models.SaveSetting(ctx, e.db, settingMarketoTest, test, models.AnyVersion, "system"); saveErr != nil {
		e.log.ErrorContext(ctx, "The connection test was not kept", "error", saveErr)
	}
	return test
}

// checkConnection tests a new connection and counts who would come, so that an
// admin finds both answered.
func (e *Engine) checkConnection(ctx context.Context) error {
	if test := e.TestMarketo(ctx); !test.OK {
		return nil // kept with the test, for Settings to show
	}
	if err := e.SetUpMarketoTypes(ctx, "system"); err != nil {
		e.log.WarnContext(ctx, "Marketo's activity types are not ready", "error", err) // kept with what was found
	}
	return e.people.Count(ctx)
}

func (e *Engine) testMarketo(ctx context.Context) (MarketoTest, error) {
	test := MarketoTest{}
	if err := e.budget.Reset(ctx); err != nil { // an admin wants to know now, whatever was said before
		return test, err
	}
	client, err := e.Marketo(ctx)
	if err != nil {
		return test, err
	}
	identity, err := client.Identity(ctx)
	if err != nil {
		return test, fmt.Errorf("sign in to Marketo: %w", err)
	}
	test.User = identity.Scope
	found, err := e.people.Check(ctx)
	if err != nil {
		return test, err
	}
	test.Fields, test.ContactsSampled, test.ContactsWithOwner = found.Fields, found.Contacts, found.ContactsWithOwner
	test.OwnerTrusted, test.Notes = found.OwnerTrusted, found.Notes
	if usage, err := client.Usage(ctx); err == nil {
		ours, err := e.budget.Usage(ctx)
		if err != nil {
			return test, err
		}
		test.UsageDay, test.UsageTotal, test.UsageOurs = usage.Date, usage.Total, ours.Calls
	} else {
		test.Notes = append(test.Notes, "Marketo did not tell what other integrations use: "+e.troubleOf(err).Text)
	}
	return test, nil
}

// LastMarketoTest returns the last connection test, nil when there was none.
func (e *Engine) LastMarketoTest(ctx context.Context) (*MarketoTest, error) {
	var test MarketoTest
	_, err := models.LoadSetting(ctx, e.db, settingMarketoTest, &test)
	if err != nil || test.TestedAt.IsZero() {
		return nil, err
	}
	return &test, nil
}

// Fields returns the 13 fields, with what the last connection test found of them.
func (e *Engine) Fields(ctx context.Context) ([]FieldMapping, error) {
	test, err := e.LastMarketoTest(ctx)
	if err != nil {
		return nil, err
	}
	if test != nil && len(test.Fields) > 0 {
		return test.Fields, nil
	}
	rule, err := e.Rule(ctx)
	if err != nil {
		return nil, err
	}
	return people.Unchecked(rule), nil
}
