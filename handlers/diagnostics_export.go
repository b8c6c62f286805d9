package handlers

import (
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/models"
)

// DiagnosticsExport streams all failed deliveries as CSV, newest first.
func (h *Handlers) DiagnosticsExport(c echo.Context) error {
	query, ended := models.FailureQuery{AnyCode: true, Limit: exportPage}, false
	return h.sendCSV(c, "failed-deliveries", failedHeader(), func() ([][]string, error) {
		if ended {
			return nil, nil
		}
		page, err := models.ListFailedDeliveries(c.Request().Context(), h.db, query)
		query.Cursor, ended = page.Next, page.Next == ""
		rows := make([][]string, len(page.Deliveries))
		for i, d := range page.Deliveries {
			rows[i] = failedLine(d)
		}
		return rows, err
	})
}

func failedHeader() []string {
	return []string{
		"destination", "operation", "activity_id", "type", "occurred_at", "marketo_id", "person", "rep_email",
		"error_class", "error_code", "error", "remedy", "attempts", "failed_at", "task_id", "unsubscribe_id",
	}
}

// failedLine has the order of failedHeader.
func failedLine(d models.FailedDelivery) []string {
	person, activity, kind, task, unsubscribe := "", "", string(d.Kind), "", ""
	if d.PersonID != nil {
		person = strconv.FormatInt(*d.PersonID, 10)
	}
	switch {
	case d.ActivityID != nil:
		activity = d.ActivityID.String()
	case d.TaskID != nil:
		kind, task = "reminder_task", d.TaskID.String()
	case d.UnsubscribeID != nil:
		kind, unsubscribe = "opt_out", strconv.FormatInt(*d.UnsubscribeID, 10)
	}
	return []string{
		string(d.Destination), string(d.Operation), activity, kind, d.OccurredAt.UTC().Format(time.RFC3339Nano), person,
		harmless(d.PersonName), harmless(d.RepEmail), d.ErrorClass, harmless(d.ErrorCode), harmless(d.ErrorText), harmless(d.ErrorRemedy),
		strconv.Itoa(d.Attempts), d.UpdatedAt.UTC().Format(time.RFC3339Nano), task, unsubscribe,
	}
}
