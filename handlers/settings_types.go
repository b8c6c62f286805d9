package handlers

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/syncengine"
	view "salesactions/views/settings"
	"salesactions/views/ui"
)

// MarketoTypes creates and approves our activity types in Marketo, where they are
// missing. The result stays on the page.
func (h *Handlers) MarketoTypes(c echo.Context) error {
	ctx := c.Request().Context()
	if err := h.engine.SetUpMarketoTypes(ctx, request.Actor(c)); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return refuse(c, marketoPath+"#activity-types", h.engine.Explain(err))
	}
	return seeOther(c, marketoPath+"#activity-types", "The activity types are ready.")
}

// typesProps are our activity types as they were last found.
func typesProps(setup *syncengine.MarketoTypes, connected bool, csrf string) view.TypesProps {
	props := view.TypesProps{CSRF: csrf, Connected: connected, Tone: ui.Neutral, Title: "not set up yet",
		Text: "Activities are recorded in Marketo as custom activities, which marketers can filter on. Their types are made here, once."}
	if setup == nil {
		return props
	}
	props.At = &setup.At
	for _, t := range setup.Types {
		row := view.FieldRow{Ours: t.Name, Note: t.APIName, Tone: ui.Good, State: "ready"}
		if !t.OK {
			row.Tone, row.State = ui.Warning, t.Status
		}
		props.Rows = append(props.Rows, row)
	}
	if setup.Error != "" {
		props.Tone, props.Title, props.Text, props.Remedy = ui.Bad, "not ready", setup.Error, setup.Remedy
		return props
	}
	props.Tone, props.Title = ui.Good, "ready"
	props.Text = strconv.Itoa(setup.SlotsUsed) + " of the instance's " + strconv.Itoa(setup.SlotsTotal) + " custom activity types are in use. "
	switch setup.Layout {
	case syncengine.LayoutEight:
		props.Text += "Each kind of activity has a type of its own."
	case syncengine.LayoutGrouped:
		props.Text += "Kinds share types, told apart by the attribute Action, because there was no room for one each."
	}
	return props
}
