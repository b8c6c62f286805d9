package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/models"
)

const activityPath = "/activity"

// The parameters of the feed's address, beside paramCursor; all of its state is in them.
const (
	paramKind        = "kind"
	paramState       = "state"
	paramDestination = "destination"
	paramPerson      = "person"
	paramRep         = "rep"
	paramFrom        = "from"
	paramTo          = "to"
	paramWaiting     = "waiting"
)

// activityFilter is the feed's address as it was asked for.
type activityFilter struct {
	query    models.ActivityQuery
	person   string // as it was typed
	from, to string
	values   url.Values // what of the address counts, without the page

	who    string // whom person was found to be
	others int64  // how many others it could mean
	nobody bool   // person was found to be nobody
}

// readActivityFilter reads the feed's address. Unknown parameters are left alone.
// Errors: Failure.
func readActivityFilter(c echo.Context) (activityFilter, error) {
	in := c.QueryParams()
	f := activityFilter{values: url.Values{}}
	value := func(name string) string {
		text := clean(in.Get(name))
		if text != "" {
			f.values.Set(name, text)
		}
		return text
	}
	f.query = models.ActivityQuery{
		Kind: models.ActivityKind(value(paramKind)), State: models.DeliveryState(value(paramState)),
		Destination: models.Destination(value(paramDestination)), RepEmail: value(paramRep),
		Waiting: isSet(in, paramWaiting), Cursor: in.Get(paramCursor),
	}
	if f.query.Waiting {
		f.values.Set(paramWaiting, "1")
	}
	f.person, f.from, f.to = value(paramPerson), value(paramFrom), value(paramTo)
	return f, f.check()
}

// check refuses what no form sends, and reads the dates.
func (f *activityFilter) check() error {
	q := &f.query
	if len(f.person) > maxParam || len(q.RepEmail) > maxParam {
		return Failure{Status: http.StatusBadRequest, Detail: "A filter is too long. Shorten it and try again."}
	}
	knownDestination := q.Destination == "" || q.Destination == models.ToMarketo || q.Destination == models.ToSalesforce
	if (q.Kind != "" && !q.Kind.Valid()) || (q.State != "" && !q.State.Valid()) || !knownDestination {
		return Failure{Status: http.StatusBadRequest, Detail: "This filter is not known. Choose one of the list."}
	}
	var err error
	if q.Since, err = day(f.from); err != nil {
		return err
	}
	if q.Before, err = day(f.to); err != nil {
		return err
	}
	if !q.Before.IsZero() {
		q.Before = q.Before.AddDate(0, 0, 1) // the day itself counts
	}
	return nil
}

// day reads a date as browsers send it: the beginning of that day in UTC.
func day(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return at, Failure{Status: http.StatusBadRequest, Detail: "A date of the filter cannot be read. Write it as 2026-03-31."}
	}
	return at, nil
}

// findPerson finds out whom the filter means: a Marketo id, or the first whose name,
// company or email fits.
func (f *activityFilter) findPerson(ctx context.Context, h *Handlers) error {
	if f.person == "" {
		return nil
	}
	if id, err := strconv.ParseInt(f.person, 10, 64); err == nil && id > 0 {
		names, err := models.PeopleNames(ctx, h.db, []int64{id})
		f.query.PersonID, f.who, f.nobody = id, names[id], names[id] == ""
		return err
	}
	found, err := models.ListPeople(ctx, h.db, models.PeopleQuery{Text: f.person, Limit: 1})
	if err != nil || len(found.People) == 0 {
		f.nobody = true
		return err
	}
	f.query.PersonID, f.who, f.others = found.People[0].ID, found.People[0].Name(), max(found.Total.N-1, 0)
	return nil
}

// url is the address of a page of the feed.
func (f *activityFilter) url(cursor string) string { return f.at(activityPath, paramCursor, cursor) }

// at is another address with the same filter, and parameters of its own in pairs.
func (f *activityFilter) at(path string, more ...string) string {
	values := url.Values{}
	for name, value := range f.values {
		values[name] = value
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] != "" {
			values.Set(more[i], more[i+1])
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}
