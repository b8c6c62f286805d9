package handlers

import (
	"slices"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	view "salesactions/views/today"
)

const feedPath = "/today/feed"

const (
	maxFeed      = 20 // rows that are shown
	maxFeedFresh = 20 // rows that wait to be shown; with more, nothing that was read is among the newest
)

// peopleFeed is what the people of whoever is signed in did with emails. With a row
// that was the first, it goes on from there and counts what came since.
func (h *Handlers) peopleFeed(c echo.Context) (view.FeedProps, error) {
	owner, err := h.salesforceUser(c)
	if err != nil {
		return view.FeedProps{}, err
	}
	user, _ := request.User(c)
	ctx := c.Request().Context()
	newest, err := models.ListEngagement(ctx, h.db, models.EngagementQuery{
		RepEmail: user.Email, OwnerID: owner, Since: h.daysUntil(c)[0], Limit: maxFeed + maxFeedFresh,
	})
	if err != nil {
		return view.FeedProps{}, err
	}
	fresh := newSince(newest, c.QueryParam(paramTop))
	shown := newest[len(fresh):min(len(newest), len(fresh)+maxFeed)]
	rows, err := h.loadNames(ctx, slices.Concat(shown, fresh))
	if err != nil {
		return view.FeedProps{}, err
	}
	feed := view.FeedProps{Live: feedPath, Fresh: rows.freshText(fresh), Hint: unlinkedHint(owner, user)}
	for _, a := range shown {
		feed.Rows = append(feed.Rows, rows.engagement(a, user.Email))
	}
	switch {
	case len(shown) > 0:
		feed.Live += "?" + paramTop + "=" + shown[0].ID.String()
	case owner != "":
		feed.Empty = &view.Empty{Text: "Nobody answered in the last 14 days. What your people do with emails arrives here by itself.",
			Action: "See my people", URL: peopleURL(peoplePath, models.PeopleQuery{Mine: true})}
	}
	return feed, nil
}

// newSince are the activities before the one that was the first; none where it is
// not known.
func newSince(newest []models.Activity, top string) []models.Activity {
	id, err := uuid.Parse(top)
	if err != nil {
		return nil
	}
	n := slices.IndexFunc(newest, func(a models.Activity) bool { return a.ID == id })
	return newest[:max(n, 0)]
}

// unlinkedHint says what is missing where nobody knows who is the reader's user in
// Salesforce.
func unlinkedHint(owner string, user models.User) *view.Empty {
	switch {
	case owner != "":
		return nil
	case user.Role == models.RoleAdmin:
		return &view.Empty{Text: "You are not linked to a user in Salesforce, so only your own emails count here and not the people you own.", Action: "Link yourself", URL: usersPath + "#reps"}
	default:
		return &view.Empty{Text: "Only your own emails count here, since no people are linked to you. " + unlinked}
	}
}

// freshText says what waits to be shown.
func (r activityRows) freshText(fresh []models.Activity) string {
	switch len(fresh) {
	case 0:
		return ""
	case 1:
		alone, _ := engagementVerbs(fresh[0].Kind)
		return r.person(fresh[0]).Name + " " + alone
	default:
		return grouped(int64(len(fresh))) + " new"
	}
}

// engagementVerbs are what somebody did, alone and before the subject.
func engagementVerbs(kind models.ActivityKind) (alone, before string) {
	switch kind {
	case models.EmailReplied:
		return "replied", "replied to"
	case models.EmailClicked:
		return "clicked", "clicked in"
	default:
		return "opened", "opened"
	}
}

func (r activityRows) engagement(a models.Activity, reader string) view.Engagement {
	_, verb := engagementVerbs(a.Kind)
	row := view.Engagement{
		ID: a.ID.String(), Icon: kindIcon(a.Kind), Reply: a.Kind == models.EmailReplied, Person: r.person(a),
		Verb: verb, What: "“" + r.line(a) + "”", URL: activityURL(a.ID), At: a.OccurredAt,
	}
	if r.line(a) == "" {
		row.What = "an email"
	}
	of := text(a.RepEmail)
	if of == reader {
		of = ""
	}
	detail := a.Attributes.LinkURL
	if row.Reply {
		detail = a.Attributes.BodyPreview
	}
	row.Line = joined(" · ", numbered("email of", of), detail)
	return row
}
