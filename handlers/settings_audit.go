package handlers

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"github.com/labstack/echo/v4"

	"salesactions/models"
)

const auditPath = "/settings/audit"

// SettingsAudit lists who did what, newest first.
func (h *Handlers) SettingsAudit(c echo.Context) error {
	query := models.AuditQuery{
		Actor: clean(c.QueryParam("actor")), Action: clean(c.QueryParam("action")),
		Cursor: c.QueryParam(paramCursor),
	}
	if len(query.Actor) > maxParam || len(query.Action) > maxParam {
		return Failure{Status: http.StatusBadRequest, Detail: "The filter is too long."}
	}
	page, err := models.ListAudit(c.Request().Context(), h.db, query)
	if err != nil {
		return err
	}
	return h.auditPage(c, query, page)
}

// auditURL is the address of the list for a query.
func auditURL(q models.AuditQuery) string {
	values := url.Values{}
	for name, value := range map[string]string{"actor": q.Actor, "action": q.Action, paramCursor: q.Cursor} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return auditPath
	}
	return auditPath + "?" + values.Encode()
}

// auditDetails is what changed, as people read it: "role: rep, hint: sa_AbCd".
func auditDetails(raw json.RawMessage) string {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var details map[string]any
	if err := decoder.Decode(&details); err != nil {
		return string(raw)
	}
	parts := make([]string, 0, len(details))
	for name, value := range details {
		parts = append(parts, cmp.Or(auditName(name), strings.ReplaceAll(name, "_", " "))+": "+auditValue(value))
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}

func auditValue(value any) string {
	switch v := value.(type) {
	case nil:
		return "none"
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case map[string]any:
		before, changed := v["old"].(string)
		after, is := v["new"].(string)
		if changed && is && len(v) == 2 {
			return "“" + before + "” → “" + after + "”"
		}
		return auditJSON(v)
	case []any:
		return auditJSON(v)
	default:
		return fmt.Sprint(v)
	}
}

func auditJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
