package handlers

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"salesactions/models"
	view "salesactions/views/activity"
)

// activityRows writes activities as rows; what it needs to know of a page of them is
// asked once for all.
type activityRows struct {
	marker
	deliveries map[uuid.UUID][]models.Delivery
	names      map[int64]string
	subjects   map[uuid.UUID]string // of the emails that engagements belong to
	happened   map[uuid.UUID][]models.Engagement
}

// loadActivityRows asks for what rows of these activities show besides.
func (h *Handlers) loadActivityRows(ctx context.Context, activities []models.Activity, admin bool) (r activityRows, err error) {
	if r, err = h.loadNames(ctx, activities); err != nil {
		return r, err
	}
	r.admin, r.now = admin, h.clock.Now()
	ids := make([]uuid.UUID, len(activities))
	for i, a := range activities {
		ids[i] = a.ID
	}
	if r.deliveries, err = models.DeliveriesOf(ctx, h.db, ids); err != nil {
		return r, err
	}
	if r.links, _, err = models.LoadRecordLinks(ctx, h.db); err != nil {
		return r, err
	}
	pauses, err := models.ListPauses(ctx, h.db)
	r.paused = make(map[models.Destination]bool, len(pauses))
	for _, p := range pauses {
		r.paused[p.Destination] = true
	}
	return r, err
}

// loadNames asks only for the people and the emails that these activities are about.
func (h *Handlers) loadNames(ctx context.Context, activities []models.Activity) (r activityRows, err error) {
	var emails []uuid.UUID
	var people []int64
	for _, a := range activities {
		if a.PersonID != nil {
			people = append(people, *a.PersonID)
		}
		if a.EmailID != nil {
			emails = append(emails, *a.EmailID)
		}
	}
	if r.names, err = models.PeopleNames(ctx, h.db, people); err != nil {
		return r, err
	}
	r.subjects, err = models.EmailSubjects(ctx, h.db, emails)
	return r, err
}

func (r activityRows) rows(activities []models.Activity) []view.Row {
	rows := make([]view.Row, len(activities))
	for i, a := range activities {
		rows[i] = r.row(a)
	}
	return rows
}

func (r activityRows) row(a models.Activity) view.Row {
	row := view.Row{
		ID: a.ID.String(), URL: activityURL(a.ID), Icon: kindIcon(a.Kind), Kind: a.Kind.Name(), At: a.OccurredAt,
		Person: r.person(a), Line: r.line(a), Rep: text(a.RepEmail), Marks: r.marks(r.deliveries[a.ID]),
	}
	if a.Kind == models.EmailClicked {
		row.Link = a.Attributes.LinkURL
	}
	for _, e := range r.happened[a.ID] {
		h := view.Happened{Icon: kindIcon(e.Kind), Text: happenedText(e), Last: e.Last}
		if e.Failed > 0 {
			h.Bad = grouped(e.Failed) + " failed"
		}
		row.Happened = append(row.Happened, h)
	}
	return row
}

// person is whom an activity is about: by name, or as the sender named them.
func (r activityRows) person(a models.Activity) view.Person {
	if a.PersonID != nil {
		return view.Person{Name: r.names[*a.PersonID], URL: personURL(*a.PersonID)}
	}
	p := view.Person{Note: "not in the workspace yet"}
	switch {
	case a.PersonEmail != nil:
		p.Name = *a.PersonEmail
	case a.PersonSalesforceID != nil:
		p.Name = "Salesforce " + *a.PersonSalesforceID
	case a.PersonMarketoID != nil:
		p.Name = "Marketo " + strconv.FormatInt(*a.PersonMarketoID, 10)
	}
	return p
}

// line is what is said of an activity in one line.
func (r activityRows) line(a models.Activity) string {
	at := a.Attributes
	subject := at.Subject
	if subject == "" && a.EmailID != nil {
		subject = r.subjects[*a.EmailID]
	}
	switch a.Kind {
	case models.CallReceived:
		took := ""
		if at.CallDurationSeconds != nil {
			took = roughly(time.Duration(*at.CallDurationSeconds) * time.Second)
		}
		return joined(" · ", at.CallOutcome, at.CallReason, took)
	case models.CampaignAdded, models.CampaignRemoved:
		return joined(" · ", at.CampaignName, numbered("day", at.CampaignDay), numbered("step", at.CampaignStep))
	case models.EmailBounced:
		return joined(" · ", subject, numbered("bounce:", at.BounceType))
	case models.EmailSent:
		return joined(" · ", subject, at.CampaignName)
	default:
		return subject
	}
}

func numbered(what, value string) string {
	if value == "" {
		return ""
	}
	return what + " " + value
}

func activityURL(id uuid.UUID) string { return activityPath + "/" + id.String() }

func kindIcon(k models.ActivityKind) view.Icon {
	switch k {
	case models.EmailSent:
		return view.Sent
	case models.EmailOpened:
		return view.Opened
	case models.EmailClicked:
		return view.Clicked
	case models.EmailReplied:
		return view.Replied
	case models.EmailBounced:
		return view.Bounced
	case models.CallReceived:
		return view.Called
	case models.CampaignAdded:
		return view.Joined
	default:
		return view.Left
	}
}

// happenedText is how often something happened to an email: "opened 3 times".
func happenedText(e models.Engagement) string {
	words := map[models.ActivityKind]string{
		models.EmailOpened: "opened", models.EmailClicked: "clicked", models.EmailReplied: "replied", models.EmailBounced: "bounced",
	}[e.Kind]
	if e.Times > 1 {
		return words + " " + grouped(e.Times) + " times"
	}
	return words
}
