package handlers

import (
	"time"

	"salesactions/models"
	view "salesactions/views/activity"
	"salesactions/views/ui"
)

// marker writes what became of activities; its zero value knows of no links.
type marker struct {
	links  models.RecordLinks
	paused map[models.Destination]bool
	admin  bool
	now    time.Time
}

// marks are one for each destination of an activity.
func (m marker) marks(deliveries []models.Delivery) []view.Mark {
	summary := models.Summarise(deliveries)
	marks := make([]view.Mark, len(summary))
	for i, d := range summary {
		marks[i] = m.mark(d)
	}
	return marks
}

func (m marker) mark(d models.Delivery) view.Mark {
	mark := view.Mark{Destination: d.Destination.Name()}
	switch d.State {
	case models.Delivered:
		mark.Tone, mark.Text = ui.Good, "logged"
		if d.Destination == models.ToSalesforce {
			mark.URL, mark.Away = m.links.Record(d.RemoteID), true
		}
	case models.Sending:
		mark.Tone, mark.Text = ui.Waiting, "on its way"
		if d.ErrorCode != nil {
			mark.Note = "it is not known yet whether it arrived, and is being looked for"
		}
	case models.Skipped:
		mark.Text, mark.Note = "not to be logged", skipText(d.Reason)
	case models.Failed:
		mark.Tone, mark.Text, mark.Note = ui.Bad, "failed", joined(" ", text(d.ErrorText), text(d.ErrorRemedy))
		if m.admin {
			mark.URL = failuresURL(d.Destination, text(d.ErrorCode), "")
		}
	case models.Pending:
		m.waiting(d, &mark)
	}
	return mark
}

// waiting says what a delivery waits for.
func (m marker) waiting(d models.Delivery, mark *view.Mark) {
	mark.Tone = ui.Waiting
	switch {
	case d.Hold != nil && *d.Hold == models.HoldPerson:
		mark.Text = "waits for the person"
	case d.Hold != nil && *d.Hold == models.HoldReread:
		mark.Text = "waits until the person is read again"
	case d.Hold != nil && *d.Hold == models.HoldRecord:
		mark.Text = "waits for a record in Salesforce"
	case d.Hold != nil:
		mark.Text = "waits for the email's Task"
	case m.paused[d.Destination]:
		mark.Tone, mark.Text, mark.Note = ui.Warning, "waits", "nothing is sent to "+d.Destination.Name()+" now"
	case d.ErrorCode != nil && d.DueAt.After(m.now):
		due := d.DueAt
		mark.Tone, mark.Text, mark.At = ui.Warning, "next try", &due
	default:
		mark.Text = "on its way"
	}
}

// skipText says why an activity is not delivered.
func skipText(reason *models.SkipReason) string {
	if reason == nil {
		return "no reason was kept"
	}
	switch *reason {
	case models.SkippedKind:
		return "campaign steps never become Tasks"
	case models.SkippedOff:
		return "this kind is switched off"
	case models.SkippedBefore:
		return "it happened before this kind was switched on"
	case models.SkippedNoRecord:
		return "the person has neither lead nor contact"
	case models.SkippedNoEmail:
		return "it names no email"
	case models.SkippedEmail:
		return "its email has no Task"
	case models.SkippedNoFields:
		return "Tasks have no field that would show it"
	case models.SkippedTaskDeleted:
		return "somebody deleted the email's Task"
	case models.SkippedTaskUnseen:
		return "the connected user cannot see the email's Task"
	case models.SkippedCleared:
		return "the unsubscribe was cleared before"
	default:
		return string(*reason)
	}
}

// classText is what screens call a class of errors, with its colour.
func classText(class string) (string, ui.Tone) {
	switch class {
	case "authentication":
		return "authentication", ui.Bad
	case "access":
		return "access or validation", ui.Bad
	case "setup":
		return "set-up", ui.Bad
	case "intermittent":
		return "intermittent", ui.Warning
	case "limit":
		return "limit", ui.Warning
	default:
		return "other", ui.Bad
	}
}
