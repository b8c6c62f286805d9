package handlers

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/settings"
	"salesactions/views/ui"
)

// DiagnosticsCodes lists what the codes of other systems mean, and what to do.
func (h *Handlers) DiagnosticsCodes(c echo.Context) error {
	words, system := clean(c.QueryParam(paramText)), clean(c.QueryParam("system"))
	if len(words) > maxParam {
		return Failure{Status: http.StatusBadRequest, Detail: "The filter is too long. Shorten it and try again."}
	}
	page, err := h.settingsFrame(c, "All error codes", "diagnostics")
	if err != nil {
		return err
	}
	props := view.CodesProps{Page: page, Text: words, Systems: []ui.Option{{Label: "Both systems"}}}
	for _, to := range []models.Destination{models.ToMarketo, models.ToSalesforce} {
		props.Systems = append(props.Systems, ui.Option{Value: string(to), Label: to.Name(), Chosen: string(to) == system})
	}
	for _, code := range syncengine.FailureCodes() {
		if (system == "" || code.System == system) && fits(code, words) {
			props.Codes = append(props.Codes, codeRow(code))
		}
	}
	props.Count = plural(int64(len(props.Codes)), "code", "codes")
	return h.render(c, http.StatusOK, view.Codes(props))
}

// fits says whether all of the words are in what is told of a code.
func fits(code syncengine.FailureCode, words string) bool {
	told := strings.ToLower(code.Code + " " + string(code.Class) + " " + code.Text + " " + code.Remedy)
	for _, word := range strings.Fields(strings.ToLower(words)) {
		if !strings.Contains(told, word) {
			return false
		}
	}
	return true
}

func codeRow(code syncengine.FailureCode) view.CodeRow {
	class, tone := classText(string(code.Class))
	row := view.CodeRow{
		System: models.Destination(code.System).Name(), Code: code.Code, Class: class, Tone: tone,
		Text: code.Text, Remedy: code.Remedy, Retry: "waits for somebody",
	}
	switch code.Retry {
	case "soon":
		row.Retry = "tried again soon"
	case "slow":
		row.Retry = "tried again every hour or so"
	}
	return row
}
