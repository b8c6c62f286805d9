package models

import (
	"cmp"
	"context"
	"encoding/json"
	"strconv"
	"time"

	"gorm.io/gorm"
)

// AuditEvent is one thing that somebody did to the program's own state. Details
// hold what changed, never a secret.
type AuditEvent struct {
	ID      int64
	At      time.Time
	Actor   string // "user:ada@example.com", "token:Dialer", "cli", "system"
	Action  string // "users.invite", "sync.start"
	Subject string // what it was done to; may be empty
	Details json.RawMessage
	Address string // of the network, empty where there is none
}

// RecordAudit adds an event of now; its own At says nothing. Call it in the transaction
// that makes the change, so that neither exists without the other.
func RecordAudit(ctx context.Context, db *gorm.DB, now time.Time, e AuditEvent) error {
	if len(e.Details) == 0 {
		e.Details = json.RawMessage("{}")
	}
	err := db.WithContext(ctx).Exec(`
		INSERT INTO audit_events (at, actor, action, subject, details, address)
		VALUES (?, ?, ?, ?, ?::jsonb, ?)`,
		now, e.Actor, e.Action, e.Subject, string(e.Details), e.Address).Error
	return translate(err, "record an audit event")
}

// AuditQuery says which events; empty means all.
type AuditQuery struct {
	Actor  string // in full, or only the address or name after the colon
	Action string // in full, or the part before the dot
	Cursor string // from AuditPage, empty for the newest
	Limit  int    // default 50, most 500
}

// AuditPage is one page of events, newest first.
type AuditPage struct {
	Events []AuditEvent
	Next   string // empty on the last page
}

// ListAudit returns a page of events. Errors: ErrBadCursor.
func ListAudit(ctx context.Context, db *gorm.DB, q AuditQuery) (AuditPage, error) {
	limit := min(cmp.Or(max(q.Limit, 0), 50), 500)
	find := db.WithContext(ctx).Order("id DESC").Limit(limit + 1)
	if q.Cursor != "" {
		before, err := strconv.ParseInt(q.Cursor, 10, 64)
		if err != nil || before <= 0 {
			return AuditPage{}, ErrBadCursor
		}
		find = find.Where("id < ?", before)
	}
	if q.Actor != "" {
		find = find.Where("actor IN ?", []string{q.Actor, "user:" + q.Actor, "token:" + q.Actor})
	}
	if q.Action != "" {
		find = find.Where("(action = ? OR action LIKE ?)", q.Action, likeEscaper.Replace(q.Action)+".%")
	}
	var page AuditPage
	if err := find.Find(&page.Events).Error; err != nil {
		return AuditPage{}, translate(err, "list audit events")
	}
	if len(page.Events) > limit {
		page.Events = page.Events[:limit]
		page.Next = strconv.FormatInt(page.Events[limit-1].ID, 10)
	}
	return page, nil
}
