package handlers

import (
	"salesactions/models"
	view "salesactions/views/activity"
	"salesactions/views/ui"
)

// activityForm fills the form above the feed.
func activityForm(f activityFilter) view.Filter {
	q := f.query
	form := view.Filter{
		Person: f.person, Rep: q.RepEmail, From: f.from, To: f.to, Waiting: q.Waiting,
		Set: q.Destination != "" || q.RepEmail != "" || f.from != "" || f.to != "" || q.Waiting,
	}
	form.Kinds = []ui.Option{{Label: "All kinds"}}
	for _, kind := range models.ActivityKinds() {
		form.Kinds = append(form.Kinds, ui.Option{Value: string(kind), Label: kind.Name(), Chosen: kind == q.Kind})
	}
	form.States = []ui.Option{{Label: "Any state"}}
	for _, state := range []models.DeliveryState{models.Delivered, models.Sending, models.Pending, models.Skipped, models.Failed} {
		form.States = append(form.States, ui.Option{Value: string(state), Label: stateText(state), Chosen: state == q.State})
	}
	form.Destinations = []ui.Option{{Label: "Marketo or Salesforce"}}
	for _, to := range []models.Destination{models.ToMarketo, models.ToSalesforce} {
		form.Destinations = append(form.Destinations, ui.Option{Value: string(to), Label: to.Name(), Chosen: to == q.Destination})
	}
	return form
}

// stateText is what screens call a state of deliveries.
func stateText(state models.DeliveryState) string {
	switch state {
	case models.Delivered:
		return "Logged"
	case models.Sending:
		return "On its way"
	case models.Pending:
		return "Waiting"
	case models.Skipped:
		return "Not to be logged"
	default:
		return "Failed"
	}
}

// about says in words what the feed shows.
func (f *activityFilter) about() string {
	switch {
	case f.who == "":
		return "Newest first"
	case f.others == 1:
		return "Of " + f.who + ", newest first. One other person fits; give the email or the Marketo id to choose."
	case f.others > 1:
		return "Of " + f.who + ", newest first. " + grouped(f.others) + " others fit; give the email or the Marketo id to choose."
	default:
		return "Of " + f.who + ", newest first"
	}
}

// emptyFeed says why no activity is listed, and what helps.
func emptyFeed(f *activityFilter) *view.Empty {
	switch {
	case f.query.Cursor != "":
		return &view.Empty{Title: "The list ends here", Text: "No activity comes after this.", Action: "Newest", URL: f.url("")}
	case f.nobody:
		return &view.Empty{Title: "Nobody found", Text: "Nobody in the workspace has this name, email or Marketo id.", Action: "Clear filters", URL: activityPath}
	case len(f.values) > 0:
		return &view.Empty{Title: "Nothing found", Text: "No activity meets these filters.", Action: "Clear filters", URL: activityPath}
	default:
		return &view.Empty{Title: "No activity yet", Text: "Emails, calls and campaigns appear here as soon as a program records them through the API.", Action: "Read how", URL: "/api/docs"}
	}
}
