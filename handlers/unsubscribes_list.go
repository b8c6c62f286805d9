package handlers

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"salesactions/models"
	view "salesactions/views/settings"
	"salesactions/views/ui"
)

// Parameters of the list's address, beside paramSource and paramCursor.
const (
	paramStuck   = "stuck"
	paramCleared = "cleared"
)

// readUnsubscribeFilter reads the list's address. Errors: Failure.
func readUnsubscribeFilter(c echo.Context) (models.UnsubscribeQuery, error) {
	in := c.QueryParams()
	q := models.UnsubscribeQuery{Source: models.UnsubscribeSource(in.Get(paramSource)), Stuck: isSet(in, paramStuck),
		Cleared: isSet(in, paramCleared), Cursor: in.Get(paramCursor)}
	if q.Source != "" && !slices.Contains(models.UnsubscribeSources(), q.Source) {
		return q, Failure{Status: http.StatusBadRequest, Detail: "This filter is not known. Choose one of the list."}
	}
	return q, nil
}

// unsubscribesURL is the address of a page of the list.
func unsubscribesURL(q models.UnsubscribeQuery, cursor string) string {
	values := url.Values{}
	for name, value := range map[string]string{paramSource: string(q.Source), paramStuck: flag(q.Stuck), paramCleared: flag(q.Cleared), paramCursor: cursor} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return unsubscribesPath
	}
	return unsubscribesPath + "?" + values.Encode()
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return ""
}

func unsubscribeForm(q models.UnsubscribeQuery) view.UnsubscribeFilter {
	f := view.UnsubscribeFilter{Stuck: q.Stuck, Cleared: q.Cleared, Sources: []ui.Option{{Label: "In any way"}}}
	for _, source := range models.UnsubscribeSources() {
		f.Sources = append(f.Sources, ui.Option{Value: string(source), Label: source.Name(), Chosen: source == q.Source})
	}
	return f
}

func (h *Handlers) unsubscribeList(ctx context.Context, q models.UnsubscribeQuery, csrf string) (view.UnsubscribeList, error) {
	here := unsubscribesURL(q, q.Cursor)
	list := view.UnsubscribeList{CSRF: csrf, Live: here, Here: here}
	page, err := models.ListUnsubscribes(ctx, h.db, q)
	if err != nil {
		return list, err
	}
	links, _, err := models.LoadRecordLinks(ctx, h.db)
	if err != nil {
		return list, err
	}
	pauses, err := models.ListPauses(ctx, h.db)
	if err != nil {
		return list, err
	}
	m := marker{links: links, paused: map[models.Destination]bool{}}
	for _, p := range pauses {
		m.paused[p.Destination] = true
	}
	for _, u := range page.Unsubscribes {
		list.Rows = append(list.Rows, m.unsubscribeRow(u))
	}
	const anchor = "#list"
	if q.Cursor != "" {
		list.First = unsubscribesURL(q, "") + anchor
	}
	if page.Next != "" {
		list.Next = unsubscribesURL(q, page.Next) + anchor
	}
	list.About = unsubscribesAbout(len(list.Rows), list.First != "" || list.Next != "")
	if len(list.Rows) == 0 {
		list.Empty = emptyUnsubscribes(q)
	}
	return list, nil
}

func unsubscribesAbout(n int, more bool) string {
	switch {
	case n == 0:
		return ""
	case more:
		return plural(int64(n), "unsubscribe", "unsubscribes") + " on this page, newest first."
	default:
		return plural(int64(n), "unsubscribe", "unsubscribes") + ", newest first."
	}
}

// emptyUnsubscribes says why nobody is listed, and what helps.
func emptyUnsubscribes(q models.UnsubscribeQuery) *view.EmptyProps {
	switch {
	case q.Cursor != "":
		return &view.EmptyProps{Title: "The list ends here", Text: "Nobody comes after this.", Action: "Newest", URL: unsubscribesURL(q, "")}
	case q.Stuck && q.Source == "":
		return &view.EmptyProps{Title: "Salesforce knows of all", Text: "Nothing waits, and nothing failed.", Action: "Show all", URL: unsubscribesPath}
	case q.Source != "" || q.Cleared:
		return &view.EmptyProps{Title: "Nobody found", Text: "Nobody unsubscribed that way.", Action: "Show all", URL: unsubscribesPath}
	default:
		return &view.EmptyProps{Title: "Nobody has unsubscribed", Text: "They appear here by themselves: from links in emails, from reps, from programs and from Salesforce."}
	}
}

// unsubscribeRow is a row of the list.
func (m marker) unsubscribeRow(u models.Unsubscribe) view.UnsubscribeRow {
	row := view.UnsubscribeRow{
		ID: strconv.FormatInt(u.ID, 10), Email: text(u.PersonEmail), Source: u.Source.Name(), Reason: u.Reason, At: u.At,
		By: unsubscribedBy(u), Address: u.Address, Cleared: u.ClearedAt != nil, ClearedAt: u.ClearedAt, ClearedBy: byActor(text(u.ClearedBy)),
		ClearAction: unsubscribesPath + "/" + strconv.FormatInt(u.ID, 10) + "/clear",
	}
	if u.PersonID != nil {
		row.Name, row.URL = u.PersonName, personURL(*u.PersonID)
	} else {
		row.Name = namedBySender(u)
	}
	if row.Name == row.Email {
		row.Email = ""
	}
	m.pushed(u, &row)
	return row
}

// namedBySender is somebody who is not here, as the sender named them.
func namedBySender(u models.Unsubscribe) string {
	switch {
	case text(u.PersonEmail) != "":
		return *u.PersonEmail
	case u.PersonMarketoID != nil:
		return "Marketo id " + strconv.FormatInt(*u.PersonMarketoID, 10)
	default:
		return "Salesforce id " + text(u.PersonSalesforceID)
	}
}

func unsubscribedBy(u models.Unsubscribe) string {
	switch {
	case u.Actor != "":
		return byActor(u.Actor)
	case u.Source == models.BySalesforce:
		return "by somebody in Salesforce"
	case u.Source == models.ByBounce:
		return ""
	default:
		return "by the person"
	}
}

// pushed says whether Salesforce knows, why not, and what to do.
func (m marker) pushed(u models.Unsubscribe, row *view.UnsubscribeRow) {
	p := u.Push
	switch {
	case u.Source == models.BySalesforce:
		row.State = "known from there"
		return
	case p == nil:
		row.State = "not told"
		return
	}
	switch p.State {
	case models.Delivered:
		row.Tone, row.State, row.StateURL = ui.Good, "opted out", m.links.Record(p.RemoteID)
	case models.Failed:
		row.Tone, row.State, row.Note = ui.Bad, "failed", joined(" ", text(p.ErrorText), text(p.ErrorRemedy))
		row.Retry = retryURL(p.DeliveryID)
	case models.Skipped:
		row.State = "not told"
		if !row.Cleared {
			row.Tone, row.State, row.Note = ui.Warning, "no record there", "The person had one, and has none any more."
		}
	default:
		row.Tone, row.State, row.Note = m.waitingPush(u)
	}
}

func (m marker) waitingPush(u models.Unsubscribe) (tone ui.Tone, state, note string) {
	switch hold := *cmp.Or(u.Hold, new(models.Hold)); {
	case hold == models.HoldPerson:
		return ui.Waiting, "nobody here yet", "It goes to Salesforce once the person is in the workspace."
	case hold == models.HoldRecord:
		return ui.Warning, "no record there", "It goes to Salesforce once the person has a lead or contact."
	case m.paused[models.ToSalesforce]:
		return ui.Warning, "waits", "Nothing is sent to Salesforce now."
	case u.Push.ErrorCode != nil:
		return ui.Warning, "tried again", text(u.Push.ErrorText)
	default:
		return ui.Waiting, "on its way", ""
	}
}
