package enginetest

import (
	"cmp"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	sandboxmarketo "salesactions/sandbox/marketo"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine"
)

// Office is a desk with a Salesforce that the app signs in to by itself.
type Office struct {
	*Desk
	Org       *sandboxsalesforce.Server
	OrgServer *httptest.Server
}

// OrgConfig is a Salesforce without its waits.
func OrgConfig() sandboxsalesforce.Config {
	return sandboxsalesforce.Config{People: fewPeople, Seed: 1, QuotaOff: true, KeyField: models.DefaultKeyField, LockWait: 300 * time.Millisecond}
}

// NewOffice is connected with the app's own credentials, from the environment.
func NewOffice(t *testing.T, marketo sandboxmarketo.Config, org sandboxsalesforce.Config, config syncengine.Config) *Office {
	t.Helper()
	o := OpenOrg(t, org)
	config.Salesforce = syncengine.SalesforceCredentials{LoginURL: o.OrgServer.URL, ClientID: "sandbox-app", ClientSecret: "sandbox-app-secret"}
	config.SalesforceDaily = 1 << 40
	o.Desk = NewDesk(t, Setup(t, marketo, config))
	o.Logging(true, true, true)
	return o
}

// NewConsentedOffice is connected by an admin's consent, in Settings.
func NewConsentedOffice(t *testing.T, marketo sandboxmarketo.Config, org sandboxsalesforce.Config, config syncengine.Config) *Office {
	t.Helper()
	o := OpenOrg(t, org)
	config.SalesforceDaily = 1 << 40
	o.Desk = NewDesk(t, Setup(t, marketo, config))
	require.NoError(t, o.Engine.SaveSalesforce(t.Context(), o.OrgServer.URL, "sandbox-app", "sandbox-app-secret", "test"))
	o.Consent()
	o.Logging(true, true, true)
	return o
}

// OpenOrg begins a Salesforce without a workspace beside it: an office that has no desk
// yet.
func OpenOrg(t *testing.T, org sandboxsalesforce.Config) *Office {
	t.Helper()
	o := &Office{}
	org.Clock = cmp.Or(org.Clock, clockwork.NewRealClock())
	var err error
	o.Org, err = sandboxsalesforce.New(org)
	require.NoError(t, err)
	o.OrgServer = httptest.NewServer(o.Org)
	t.Cleanup(o.OrgServer.Close)
	return o
}

// Tasks returns the org's Tasks by our activity id, wherever that stands.
func (o *Office) Tasks() map[string][]map[string]any {
	o.T.Helper()
	keys := map[string]string{} // marker → id
	rows, err := o.DB.Pool.Query(o.T.Context(), `SELECT id::text, '[sa:' || rtrim(translate(encode(decode(replace(id::text, '-', ''), 'hex'), 'base64'), '+/', '-_'), '=') || ']' FROM activities`)
	require.NoError(o.T, err)
	defer rows.Close()
	for rows.Next() {
		var id, marker string
		require.NoError(o.T, rows.Scan(&id, &marker))
		keys[marker] = id
	}
	tasks := map[string][]map[string]any{}
	for r := range o.Org.Records("Task", true) {
		id, _ := r.Values[models.DefaultKeyField].(string)
		if id == "" {
			id, _ = r.Values["CallObject"].(string)
		}
		if description, _ := r.Values["Description"].(string); id == "" {
			if at := strings.LastIndex(description, "[sa:"); at >= 0 {
				id = keys[description[at:]]
			}
		}
		tasks[id] = append(tasks[id], r.Values)
	}
	return tasks
}

// Consent connects through the login page, as an admin does in the browser.
func (o *Office) Consent() {
	o.T.Helper()
	ctx := o.T.Context()
	var admin models.User
	if err := o.DB.Gorm.First(&admin).Error; err != nil {
		admin = models.User{Email: uuid.NewString() + "@example.com", Name: "Ada", Role: models.RoleAdmin}
		require.NoError(o.T, models.CreateUser(ctx, o.DB.Gorm, time.Now(), &admin))
	}
	target, err := o.Engine.BeginSalesforce(ctx, admin.ID, "http://127.0.0.1:1/settings/salesforce/callback")
	require.NoError(o.T, err)
	jar, err := cookiejar.New(nil)
	require.NoError(o.T, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page, err := browser.Get(target)
	require.NoError(o.T, err)
	for _, filled := range []map[string]string{{"username": "integration@example.com", "password": "sandbox-password"}, {"answer": "allow"}} {
		doc, err := goquery.NewDocumentFromReader(page.Body)
		require.NoError(o.T, err)
		require.NoError(o.T, page.Body.Close())
		form := url.Values{}
		doc.Find("input[name]").Each(func(_ int, s *goquery.Selection) {
			name, _ := s.Attr("name")
			value, _ := s.Attr("value")
			form.Set(name, value)
		})
		for name, value := range filled {
			form.Set(name, value)
		}
		page, err = browser.PostForm(page.Request.URL.String(), form)
		require.NoError(o.T, err)
	}
	defer page.Body.Close()
	back, err := page.Location()
	require.NoError(o.T, err, "the browser was not sent back: %s", page.Status)
	require.NoError(o.T, o.Engine.FinishSalesforce(ctx, admin.ID, back.Query().Get("state"), back.Query().Get("code"), "", "", "user:ada@example.com"))
}

// Logging switches kinds.
func (o *Office) Logging(emails, replies, calls bool) {
	o.T.Helper()
	require.NoError(o.T, o.Engine.ChangeLogging(o.T.Context(), syncengine.LoggingChange{Emails: &emails, Replies: &replies, Calls: &calls}, "test"))
}

// Email is an email to a contact or lead, a while after the switches were set.
func (o *Office) Email(key string) syncengine.ActivityInput {
	return syncengine.ActivityInput{Key: key, Kind: models.EmailSent, OccurredAt: time.Now(), PersonID: o.Linked(), Attributes: models.ActivityAttributes{Subject: "Subject " + key}}
}

// Linked is somebody with a contact in Salesforce.
func (o *Office) Linked() int64 {
	o.T.Helper()
	var id int64
	require.NoError(o.T, o.DB.Pool.QueryRow(o.T.Context(), `SELECT id FROM people WHERE archived_at IS NULL AND salesforce_contact_id IS NOT NULL ORDER BY id LIMIT 1`).Scan(&id))
	return id
}

// Reason is why an activity has no Task.
func (o *Office) Reason(id uuid.UUID) string {
	o.T.Helper()
	var reason *string
	require.NoError(o.T, o.DB.Pool.QueryRow(o.T.Context(), `SELECT reason FROM deliveries WHERE activity_id = $1 AND destination = 'salesforce' AND operation = 'create'`, id).Scan(&reason))
	if reason == nil {
		return ""
	}
	return *reason
}
