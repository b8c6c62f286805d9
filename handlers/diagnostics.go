package handlers

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
)

const (
	diagnosticsPath = "/settings/diagnostics"
	paramCode       = "code"
)

// Diagnostics shows what was not delivered, why, and what to do.
func (h *Handlers) Diagnostics(c echo.Context) error {
	ctx := c.Request().Context()
	failures, err := models.ListFailures(ctx, h.db)
	if err != nil {
		return err
	}
	counts, err := models.CountDeliveries(ctx, h.db)
	if err != nil {
		return err
	}
	pauses, err := models.ListPauses(ctx, h.db)
	if err != nil {
		return err
	}
	return h.diagnosticsPage(c, failures, counts, pauses)
}

// DiagnosticsFailures lists the deliveries that failed for one reason.
func (h *Handlers) DiagnosticsFailures(c echo.Context) error {
	ctx := c.Request().Context()
	query := models.FailureQuery{
		Destination: models.Destination(c.QueryParam(paramDestination)), Code: clean(c.QueryParam(paramCode)), Cursor: c.QueryParam(paramCursor),
	}
	page, err := models.ListFailedDeliveries(ctx, h.db, query)
	if err != nil {
		return err
	}
	groups, err := models.ListFailures(ctx, h.db)
	if err != nil {
		return err
	}
	return h.failuresPage(c, query, page, groups)
}

// DiagnosticsRetry tries everything that failed again.
func (h *Handlers) DiagnosticsRetry(c echo.Context) error {
	n, err := h.engine.RetryAll(c.Request().Context(), request.Actor(c))
	if err != nil {
		return err
	}
	return seeOther(c, diagnosticsPath, retriedText(n))
}

// DiagnosticsRetryGroup tries all deliveries that failed for one reason again.
func (h *Handlers) DiagnosticsRetryGroup(c echo.Context) error {
	to := models.Destination(field(c, paramDestination))
	if to != models.ToMarketo && to != models.ToSalesforce {
		return Failure{Status: http.StatusBadRequest, Detail: "The destination is not known. Reload Diagnostics and try again."}
	}
	n, err := h.engine.RetryGroup(c.Request().Context(), to, field(c, paramCode), request.Actor(c))
	if err != nil {
		return err
	}
	return seeOther(c, diagnosticsPath, retriedText(n))
}

// DiagnosticsRetryOne tries one failed delivery again, and leads back to where the
// form says that it was.
func (h *Handlers) DiagnosticsRetryOne(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := h.engine.RetryDelivery(c.Request().Context(), id, request.Actor(c)); err != nil {
		return err
	}
	return seeOther(c, localPath(field(c, "next")), retriedText(1))
}

func retriedText(n int64) string {
	switch n {
	case 0:
		return "Nothing was left to retry."
	case 1:
		return "One delivery is tried again."
	default:
		return grouped(n) + " deliveries are tried again."
	}
}

// failuresURL is the list of the deliveries that failed for one reason.
func failuresURL(to models.Destination, code, cursor string) string {
	values := url.Values{paramDestination: {string(to)}, paramCode: {code}}
	if cursor != "" {
		values.Set(paramCursor, cursor)
	}
	return diagnosticsPath + "/failures?" + values.Encode()
}

// retryURL is where the form goes that tries a delivery again.
func retryURL(id int64) string {
	return diagnosticsPath + "/deliveries/" + strconv.FormatInt(id, 10) + "/retry"
}
