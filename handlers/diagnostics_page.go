package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"salesactions/models"
	view "salesactions/views/settings"
)

func (h *Handlers) diagnosticsPage(c echo.Context, failures []models.FailureGroup, counts []models.DeliveryCounts, pauses []models.Pause) error {
	page, err := h.settingsFrame(c, "Diagnostics", "diagnostics")
	if err != nil {
		return err
	}
	page.Pauses = nil // the page tells more of them itself
	props := view.DiagnosticsProps{Page: page, Well: len(failures) == 0 && len(pauses) == 0}
	for _, p := range pauses {
		props.Pauses = append(props.Pauses, pauseRow(p))
	}
	for _, n := range counts {
		props.Counts = append(props.Counts, countRow(n))
	}
	for _, g := range failures {
		if g.Retrying {
			props.Retrying = append(props.Retrying, failureRow(g))
			continue
		}
		props.Groups = append(props.Groups, failureRow(g))
		props.Failed += g.Deliveries
	}
	return h.render(c, http.StatusOK, view.Diagnostics(props))
}

func (h *Handlers) failuresPage(c echo.Context, query models.FailureQuery, found models.FailurePage, groups []models.FailureGroup) error {
	page, err := h.settingsFrame(c, "Failed deliveries", "diagnostics")
	if err != nil {
		return err
	}
	props := view.FailuresProps{Page: page}
	for _, g := range groups {
		if !g.Retrying && g.Destination == query.Destination && g.Code == query.Code {
			row := failureRow(g)
			props.Group = &row
		}
	}
	for _, d := range found.Deliveries {
		props.Rows = append(props.Rows, failedRow(d))
	}
	if query.Cursor != "" {
		props.First = failuresURL(query.Destination, query.Code, "")
	}
	if found.Next != "" {
		props.Next = failuresURL(query.Destination, query.Code, found.Next)
	}
	return h.render(c, http.StatusOK, view.Failures(props))
}

func pauseRow(p models.Pause) view.PauseRow {
	class, tone := classText(p.Class)
	row := view.PauseRow{Tone: tone, Destination: p.Destination.Name(), Class: class, Code: p.Code, Text: p.Text, Remedy: p.Remedy, Since: p.Since}
	if p.Passing() {
		row.RetryAt = p.RetryAt
	}
	return row
}

func countRow(n models.DeliveryCounts) view.CountRow {
	return view.CountRow{
		Destination: n.Destination.Name(), Oldest: n.OldestDue,
		Facts: []view.FactRow{
			{Name: "waiting", Value: grouped(n.Pending)}, {Name: "held", Value: grouped(n.Held)},
			{Name: "on their way", Value: grouped(n.Sending - n.Unknown)}, {Name: "being looked for", Value: grouped(n.Unknown)},
			{Name: "failed", Value: grouped(n.Failed)},
		},
	}
}

func failureRow(g models.FailureGroup) view.FailureRow {
	class, tone := classText(g.Class)
	row := view.FailureRow{
		Destination: g.Destination.Name(), To: string(g.Destination), Code: g.Code, Class: class, Tone: tone,
		Text: g.Example, Remedy: g.Remedy, First: g.First, Last: g.Last, URL: failuresURL(g.Destination, g.Code, ""),
		Count: plural(g.Deliveries, "delivery", "deliveries") + " of " + plural(g.People, "person", "people"),
	}
	if row.Text == "" {
		row.Text = "No reason was told."
	}
	return row
}

func failedRow(d models.FailedDelivery) view.FailedRow {
	row := view.FailedRow{
		Kind: d.Subject(), URL: failedURL(d), Person: d.PersonName, Rep: d.RepEmail, Text: d.ErrorText,
		Tries: "sent " + plural(int64(d.Attempts), "time", "times"), At: d.OccurredAt, Retry: retryURL(d.ID),
	}
	if d.PersonID != nil {
		row.PersonURL = personURL(*d.PersonID)
	}
	return row
}

// failedURL is the page of what a delivery is about.
func failedURL(d models.FailedDelivery) string {
	switch {
	case d.ActivityID != nil:
		return activityURL(*d.ActivityID)
	case d.TaskID != nil:
		return "/tasks/" + d.TaskID.String()
	case d.PersonID != nil:
		return personURL(*d.PersonID)
	default:
		return unsubscribesPath // somebody who is not here yet
	}
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}
