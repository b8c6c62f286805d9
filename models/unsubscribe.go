package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// UnsubscribeSource is where an unsubscribe came from: one of those below, or what a
// program calls it.
type UnsubscribeSource string

// The sources.
const (
	ByLink       UnsubscribeSource = "link"       // the page that an email's link leads to
	ByOneClick   UnsubscribeSource = "one_click"  // the mail program's own button (RFC 8058)
	ByRep        UnsubscribeSource = "rep"        // a rep marked the person
	ByAdmin      UnsubscribeSource = "admin"      // an admin did
	ByAPI        UnsubscribeSource = "api"        // a program told
	ByBounce     UnsubscribeSource = "bounce"     // an email bounced for good
	BySalesforce UnsubscribeSource = "salesforce" // the record in Salesforce is opted out
)

// Name is the source in words.
func (s UnsubscribeSource) Name() string {
	switch s {
	case ByLink:
		return "Unsubscribe link"
	case ByOneClick:
		return "One click in the mail program"
	case ByRep:
		return "Marked by a rep"
	case ByAdmin:
		return "Marked by an admin"
	case ByAPI:
		return "Told by a program"
	case ByBounce:
		return "Email bounced for good"
	case BySalesforce:
		return "Opted out in Salesforce"
	}
	return string(s)
}

// UnsubscribeSources are those that we name.
func UnsubscribeSources() []UnsubscribeSource {
	return []UnsubscribeSource{ByLink, ByOneClick, ByRep, ByAdmin, ByAPI, ByBounce, BySalesforce}
}

// Unsubscribe is somebody's word that they want no sales email.
type Unsubscribe struct {
	ID                 int64
	PersonID           *int64 // nil until the person is in the workspace
	PersonMarketoID    *int64 // whom the sender named
	PersonSalesforceID *string
	PersonEmail        *string // at that time
	Source             UnsubscribeSource
	Reason             string
	Actor              string // as the audit log names actors; empty: the person
	Address            string // of the network, where a browser or mail server asked
	At                 time.Time
	ClearedAt          *time.Time
	ClearedBy          *string

	PersonName string `gorm:"-"`
	Push       *Push  `gorm:"-"` // to Salesforce; nil for what came from there
	Hold       *Hold  `gorm:"-"` // what the push waits for
}

// unsubscribeColumns are read from unsubscribes "u" with their delivery "d" and person "p".
const unsubscribeColumns = `u.id, u.person_id, u.person_marketo_id, u.person_salesforce_id, u.person_email, u.source, u.reason, u.actor, u.address, u.at,
	u.cleared_at, u.cleared_by, p.first_name, p.last_name, p.email AS current_email, d.id AS delivery_id, d.state, d.hold, d.remote_id, d.error_code, d.error_text, d.error_remedy, d.attempts`

const unsubscribeJoins = ` LEFT JOIN people p ON p.id = u.person_id LEFT JOIN deliveries d ON d.unsubscribe_id = u.id`

// unsubscribeRow is an unsubscribe as the database joins it.
type unsubscribeRow struct {
	Unsubscribe  `gorm:"embedded"`
	FirstName    *string
	LastName     *string
	CurrentEmail *string
	DeliveryID   *int64
	State        *DeliveryState
	Hold         *Hold
	RemoteID     *string
	ErrorCode    *string
	ErrorText    *string
	ErrorRemedy  *string
	Attempts     *int
}

func (r unsubscribeRow) unsubscribe() Unsubscribe {
	u := r.Unsubscribe
	if u.PersonID != nil {
		u.PersonName = Person{FirstName: r.FirstName, LastName: r.LastName, Email: r.CurrentEmail}.Name()
	}
	if r.DeliveryID != nil {
		u.Hold = r.Hold
		u.Push = &Push{DeliveryID: *r.DeliveryID, State: *r.State, RemoteID: r.RemoteID, ErrorCode: r.ErrorCode,
			ErrorText: r.ErrorText, ErrorRemedy: r.ErrorRemedy, Attempts: *r.Attempts}
	}
	return u
}

// UnsubscribesOf returns what is known of a person, cleared ones too, newest first.
func UnsubscribesOf(ctx context.Context, db *gorm.DB, personID int64) ([]Unsubscribe, error) {
	var rows []unsubscribeRow
	err := db.WithContext(ctx).Raw(`SELECT `+unsubscribeColumns+` FROM unsubscribes u`+unsubscribeJoins+`
		WHERE u.person_id = ? ORDER BY u.id DESC LIMIT 100`, personID).Scan(&rows).Error
	return unsubscribesOf(rows), translate(err, "read the unsubscribes of a person")
}

// FindUnsubscribe returns an unsubscribe or ErrNotFound.
func FindUnsubscribe(ctx context.Context, db *gorm.DB, id int64) (Unsubscribe, error) {
	var row unsubscribeRow
	found := db.WithContext(ctx).Raw(`SELECT `+unsubscribeColumns+` FROM unsubscribes u`+unsubscribeJoins+` WHERE u.id = ?`, id).Scan(&row)
	if found.Error == nil && found.RowsAffected == 0 {
		return Unsubscribe{}, translate(gorm.ErrRecordNotFound, "find unsubscribe")
	}
	return row.unsubscribe(), translate(found.Error, "find unsubscribe")
}

func unsubscribesOf(rows []unsubscribeRow) []Unsubscribe {
	list := make([]Unsubscribe, len(rows))
	for n, row := range rows {
		list[n] = row.unsubscribe()
	}
	return list
}

// UnsubscribedAmong says who of some people said no here, or is opted out in Salesforce.
func UnsubscribedAmong(ctx context.Context, db *gorm.DB, people []int64) (map[int64]bool, error) {
	if len(people) == 0 {
		return nil, nil
	}
	var ids []int64
	err := db.WithContext(ctx).Raw(`SELECT DISTINCT person_id FROM unsubscribes WHERE cleared_at IS NULL AND person_id IN ?`, people).Scan(&ids).Error
	if err != nil {
		return nil, translate(err, "find who is unsubscribed")
	}
	said := make(map[int64]bool, len(ids))
	for _, id := range ids {
		said[id] = true
	}
	return said, nil
}
