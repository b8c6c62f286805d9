package handlers

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/models"
)

// DiagnosticsExport streams all failed deliveries as CSV, newest first.
func (h *Handlers) DiagnosticsExport(c echo.Context) error {
	ctx, query := c.Request().Context(), models.FailureQuery{AnyCode: true, Limit: exportPage}
	page, err := models.ListFailedDeliveries(ctx, h.db, query)
	if err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	header.Set(echo.HeaderContentDisposition, `attachment; filename="failed-deliveries-`+h.now().UTC().Format("2006-01-02")+`.csv"`)
	c.Response().WriteHeader(http.StatusOK)
	w := csv.NewWriter(c.Response())
	if err := w.Write(failedHeader()); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	for {
		if err := allowWrite(c); err != nil {
			return err
		}
		for _, d := range page.Deliveries {
			if err := w.Write(failedLine(d)); err != nil {
				return fmt.Errorf("write CSV: %w", err)
			}
		}
		if w.Flush(); w.Error() != nil {
			return fmt.Errorf("write CSV: %w", w.Error())
		}
		c.Response().Flush()
		if page.Next == "" {
			return nil
		}
		query.Cursor = page.Next
		if page, err = models.ListFailedDeliveries(ctx, h.db, query); err != nil {
			return err
		}
	}
}

func failedHeader() []string {
	return []string{
		"destination", "operation", "activity_id", "type", "occurred_at", "marketo_id", "person", "rep_email",
		"error_class", "error_code", "error", "remedy", "attempts", "failed_at",
	}
}

// failedLine has the order of failedHeader.
func failedLine(d models.FailedDelivery) []string {
	person := ""
	if d.PersonID != nil {
		person = strconv.FormatInt(*d.PersonID, 10)
	}
	return []string{
		string(d.Destination), string(d.Operation), d.ActivityID.String(), string(d.Kind), d.OccurredAt.UTC().Format(time.RFC3339Nano), person,
		harmless(d.PersonName), harmless(d.RepEmail), d.ErrorClass, harmless(d.ErrorCode), harmless(d.ErrorText), harmless(d.ErrorRemedy),
		strconv.Itoa(d.Attempts), d.UpdatedAt.UTC().Format(time.RFC3339Nano),
	}
}
