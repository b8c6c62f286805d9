package handlers

import (
	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	view "salesactions/views/today"
)

// fortnight is what whoever is signed in did on each of the last days.
func (h *Handlers) fortnight(c echo.Context) (view.ChartProps, error) {
	user, _ := request.User(c)
	days := h.daysUntil(c)
	counts, err := models.CountByDay(c.Request().Context(), h.db, user.Email, days)
	if err != nil {
		return view.ChartProps{}, err
	}
	var sum models.DayCount
	var chart view.ChartProps
	for i, n := range counts {
		sum.Sent, sum.Calls, sum.Engaged = sum.Sent+n.Sent, sum.Calls+n.Calls, sum.Engaged+n.Engaged
		chart.Days = append(chart.Days, view.Day{
			Name: days[i].Format("Mon 2 Jan"), Values: []int64{n.Sent, n.Calls, n.Engaged},
			Text: plural(n.Sent, "email sent", "emails sent") + ", " + plural(n.Calls, "call", "calls") + ", " +
				plural(n.Engaged, "open, click or reply", "opens, clicks and replies"),
		})
	}
	if sum == (models.DayCount{}) {
		return view.ChartProps{}, nil
	}
	chart.Series = []view.Series{
		series("sent", sum.Sent, "email sent", "emails sent"), series("calls", sum.Calls, "call", "calls"),
		series("engaged", sum.Engaged, "open, click or reply", "opens, clicks, replies"),
	}
	return chart, nil
}

func series(key string, sum int64, one, many string) view.Series {
	name := many
	if sum == 1 {
		name = one
	}
	return view.Series{Key: key, Name: name, Sum: grouped(sum)}
}
