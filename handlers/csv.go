package handlers

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	// exportPage is how many rows are read and sent at a time.
	exportPage = 500
	// exportWrite is how long a client may take for one page of an export.
	exportWrite = time.Minute
)

// sendCSV streams an export: next returns page after page of rows, and none after the
// last. The first page is read before anything is sent, so that its error is still
// answered as one. Memory does not grow with rows.
func (h *Handlers) sendCSV(c echo.Context, name string, head []string, next func() ([][]string, error)) error {
	rows, err := next()
	if err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	header.Set(echo.HeaderContentDisposition, `attachment; filename="`+name+"-"+h.clock.Now().UTC().Format(time.DateOnly)+`.csv"`)
	c.Response().WriteHeader(http.StatusOK)
	// Lines end with LF: with CRLF the writer would change the line ends inside values.
	w := csv.NewWriter(c.Response())
	if err := w.Write(head); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	for {
		if err := allowWrite(c); err != nil {
			return err
		}
		if err := w.WriteAll(rows); err != nil { // it flushes
			return fmt.Errorf("write CSV: %w", err)
		}
		c.Response().Flush()
		if len(rows) == 0 {
			return nil
		}
		if rows, err = next(); err != nil {
			return err
		}
	}
}

// allowWrite moves the server's limit on writing, which is meant for pages, so that
// an export may last as long as its client goes on reading.
func allowWrite(c echo.Context) error {
	err := http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(exportWrite))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("move the write deadline: %w", err)
	}
	return nil
}

// harmless keeps a spreadsheet from running a value as a formula (OWASP: CSV
// injection): one that starts like a formula gets an apostrophe, which
// spreadsheets hide. A telephone number such as "+1 (555) 010-7788" cannot do
// anything and stays as it is, for programs that read the file.
func harmless(value string) string {
	if value == "" || !strings.ContainsRune("=+-@\t\r\n", rune(value[0])) {
		return value
	}
	if strings.Trim(value, "+-0123456789 ().") == "" {
		return value
	}
	return "'" + value
}
