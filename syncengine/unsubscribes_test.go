package syncengine_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine"
)

// newSmallOffice is an office of some dozens of people.
func newSmallOffice(t *testing.T, org sandboxsalesforce.Config, config syncengine.Config) *office {
	t.Helper()
	marketo := sandboxConfig()
	marketo.People, org.People, org.Seed = 60, 60, marketo.Seed
	org.QuotaOff, org.LockWait = true, 300*time.Millisecond
	return newOffice(t, marketo, org, config)
}

// somebody is a person with a lead, or with a contact, whose address nobody shares, and
// their record. Others have others.
func (o *office) somebody(object string, n int) (person models.Person, record string) {
	o.t.Helper()
	condition := map[string]string{"Lead": "salesforce_lead_id IS NOT NULL AND salesforce_contact_id IS NULL", "Contact": "salesforce_contact_id IS NOT NULL"}[object]
	var id int64
	require.NoError(o.t, o.db.Pool.QueryRow(o.t.Context(), `SELECT id FROM people p WHERE archived_at IS NULL AND NOT unsubscribed AND email LIKE '%@%' AND `+condition+`
		AND NOT EXISTS (SELECT FROM people x WHERE x.email_key = p.email_key AND x.id <> p.id) ORDER BY id LIMIT 1 OFFSET $1`, n).Scan(&id))
	person, err := models.FindPerson(o.t.Context(), o.db.Gorm, id)
	require.NoError(o.t, err)
	if object == "Lead" {
		return person, *person.SalesforceLeadID
	}
	return person, *person.SalesforceContactID
}

// optedOut says what a field of a lead or contact is.
func (o *office) optedOut(record, field string) bool {
	for _, object := range []string{"Lead", "Contact"} {
		for r := range o.org.Records(object, true) {
			if r.ID == models.NormalSalesforceID(record) {
				return r.Values[field] == true
			}
		}
	}
	return false
}

// told waits until Salesforce has heard of an unsubscribe.
func (o *office) told(record string) {
	o.t.Helper()
	require.Eventually(o.t, func() bool { return o.optedOut(record, models.StandardOptOut) }, 60*time.Second, 20*time.Millisecond, "%s is not opted out", record)
}

// said is a person's newest word, which has to be there.
func (o *office) said(person int64) models.Unsubscribe {
	o.t.Helper()
	list, err := models.UnsubscribesOf(o.t.Context(), o.db.Gorm, person)
	require.NoError(o.t, err)
	require.NotEmpty(o.t, list)
	return list[0]
}

// ways are all in which somebody can be unsubscribed here.
func (o *office) ways() map[models.UnsubscribeSource]func(models.Person) {
	word := func(source models.UnsubscribeSource) func(models.Person) {
		return func(p models.Person) {
			_, created, err := o.engine.Unsubscribe(o.t.Context(), syncengine.UnsubscribeWord{Whom: syncengine.PersonRef{PersonID: p.ID}, Source: source, Actor: "test"})
			require.NoError(o.t, err)
			require.True(o.t, created)
		}
	}
	link := func(source models.UnsubscribeSource) func(models.Person) {
		return func(p models.Person) {
			token, err := o.engine.UnsubscribeToken(p.ID, *p.Email)
			require.NoError(o.t, err)
			opened, err := o.engine.OpenLink(o.t.Context(), token)
			require.NoError(o.t, err)
			require.False(o.t, opened.Unsubscribed)
			_, err = o.engine.UseLink(o.t.Context(), token, source, "192.0.2.7")
			require.NoError(o.t, err)
		}
	}
	return map[models.UnsubscribeSource]func(models.Person){
		models.ByRep: word(models.ByRep), models.ByAdmin: word(models.ByAdmin), models.ByAPI: word(models.ByAPI),
		models.ByLink: link(models.ByLink), models.ByOneClick: link(models.ByOneClick),
		models.ByBounce: func(p models.Person) { o.record(bounce(p.ID, "hard")) },
	}
}

// bounce is an email to somebody that came back.
func bounce(person int64, kind string) syncengine.ActivityInput {
	return syncengine.ActivityInput{Key: fmt.Sprint("bounce ", person, kind), Kind: models.EmailBounced, OccurredAt: time.Now(), PersonID: person,
		Attributes: models.ActivityAttributes{BounceType: kind}}
}

func TestEveryUnsubscribeOfOursReachesSalesforceAtOnce(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{}, deliveryConfig())
	settings, _, err := models.LoadUnsubscribing(t.Context(), o.db.Gorm)
	require.NoError(t, err)
	require.False(t, settings.Nightly.On, "the nightly sync is off unless somebody switches it on")
	n := 0
	for source, unsubscribe := range o.ways() {
		for _, object := range []string{"Lead", "Contact"} {
			person, record := o.somebody(object, n)
			unsubscribe(person)
			o.told(record)
			require.Equal(t, source, o.said(person.ID).Source)
		}
		n++
	}
	require.Empty(t, o.org.Violations())
}

func TestOnlyABounceForGoodUnsubscribes(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{}, deliveryConfig())
	for n, kind := range []string{"soft", "", "block", "hardly"} {
		person, _ := o.somebody("Contact", n)
		o.record(bounce(person.ID, kind))
		list, err := models.UnsubscribesOf(t.Context(), o.db.Gorm, person.ID)
		require.NoError(t, err)
		require.Empty(t, list, "%q", kind)
	}
	for n, kind := range []string{"hard", "Hard", " HARD "} {
		person, record := o.somebody("Contact", 4+n)
		o.record(bounce(person.ID, kind))
		said := o.said(person.ID) // in the same transaction: nobody can ask in between
		require.Equal(t, models.ByBounce, said.Source)
		require.Contains(t, said.Reason, "bounce ")
		answer, err := o.engine.MaySend(t.Context(), syncengine.PersonRef{PersonID: person.ID})
		require.NoError(t, err)
		require.False(t, answer.Allowed)
		o.record(bounce(person.ID, kind)) // sent twice
		list, err := models.UnsubscribesOf(t.Context(), o.db.Gorm, person.ID)
		require.NoError(t, err)
		require.Len(t, list, 1)
		o.told(record)
	}
}

func TestABounceOfASharedAddressBlocksEverybodyWithIt(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{}, deliveryConfig())
	var adas []int64
	require.NoError(t, o.db.Pool.QueryRow(t.Context(), `SELECT array_agg(id ORDER BY id) FROM people WHERE email = 'ada@acme.example'`).Scan(&adas))
	require.Len(t, adas, 2)
	o.record(bounce(adas[0], "hard"))
	for _, ada := range adas {
		answer, err := o.engine.MaySend(t.Context(), syncengine.PersonRef{PersonID: ada})
		require.NoError(t, err)
		require.False(t, answer.Allowed)
	}
}

func TestABounceOfSomebodyWhoIsNotHereYetIsRemembered(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{}, deliveryConfig())
	in := bounce(0, "hard")
	in.Email = "late@acme.example"
	o.record(in)
	id, err := o.sandbox.Create(map[string]string{"firstName": "Late", "lastName": "Comer", "email": "late@acme.example", "sfdcLeadOwnerId": "005000000000001AAA"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		list, err := models.UnsubscribesOf(t.Context(), o.db.Gorm, id)
		return err == nil && len(list) == 1 && list[0].Hold != nil && *list[0].Hold == models.HoldRecord
	}, 60*time.Second, 50*time.Millisecond, "the word finds its person")
}

func TestAnUnsubscribeOutlivesAnOutageOfSalesforce(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{}, deliveryConfig())
	o.org.Fault(fault.Rule{Path: "/services/data", Kind: fault.HTML})
	person, record := o.somebody("Contact", 0)
	o.ways()[models.ByRep](person)
	require.Eventually(t, func() bool { return o.said(person.ID).Push.ErrorText != nil || len(o.pauses()) > 0 }, 60*time.Second, 20*time.Millisecond, "it was tried, in vain")
	require.False(t, o.optedOut(record, models.StandardOptOut))
	require.NoError(t, o.engine.Stop(t.Context()))
	config := deliveryConfig()
	config.Salesforce, config.SalesforceDaily = syncengine.SalesforceCredentials{LoginURL: o.server.URL, ClientID: "sandbox-app", ClientSecret: "sandbox-app-secret"}, 1<<40
	o.start(config) // the program is started anew meanwhile
	o.org.ClearFaults()
	o.told(record)
	require.Eventually(t, func() bool { return o.said(person.ID).Push.State == models.Delivered }, 30*time.Second, 20*time.Millisecond)
}

func TestAnotherFieldResumesWhatWasParked(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{OptOutField: models.SalesOptOut}, deliveryConfig())
	choose := func(field string) {
		require.NoError(t, o.engine.ChangeUnsubscribing(t.Context(), syncengine.UnsubscribingChange{OptOutField: &field}, "admin"))
	}
	choose("Nobody_Made_This__c")
	person, record := o.somebody("Lead", 0)
	o.ways()[models.ByRep](person)
	require.Eventually(t, func() bool { return o.said(person.ID).Push.State == models.Failed }, 60*time.Second, 20*time.Millisecond)
	require.Contains(t, *o.said(person.ID).Push.ErrorText, "Nobody_Made_This__c")
	choose(models.SalesOptOut)
	require.Eventually(t, func() bool { return o.said(person.ID).Push.State == models.Delivered }, 60*time.Second, 20*time.Millisecond, "without anybody's Retry")
	require.True(t, o.optedOut(record, models.SalesOptOut))
	require.False(t, o.optedOut(record, models.StandardOptOut))
}

func TestAFieldNameIsChecked(t *testing.T) {
	t.Parallel()
	for field, sound := range map[string]bool{models.StandardOptOut: true, models.SalesOptOut: true, "A__c": true, "": false, "DoNotCall": false,
		"Name__c OR Id != ''": false, "__c": false, "9__c": false, "Größe__c": false, "A__c\n": false, "A.B__c": false} {
		err := syncengine.UnsubscribingChange{OptOutField: &field}.CheckForm()
		require.Equal(t, sound, err == nil, "%q: %v", field, err)
	}
}

func TestRunNowComparesBothSides(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{}, deliveryConfig())
	there, record := o.somebody("Contact", 0)
	_, err := o.org.Act("update", "Contact", record, map[string]any{models.StandardOptOut: true})
	require.NoError(t, err)
	here, unticked := o.somebody("Contact", 1)
	o.ways()[models.ByRep](here)
	o.told(unticked)
	require.Eventually(t, func() bool { return o.said(here.ID).Push.State == models.Delivered }, 30*time.Second, 20*time.Millisecond)
	_, err = o.org.Act("update", "Contact", unticked, map[string]any{models.StandardOptOut: false})
	require.NoError(t, err)
	require.NoError(t, o.engine.StartUnsubscribeSync(t.Context(), "user:admin@example.com"))
	o.told(unticked)
	require.Equal(t, models.BySalesforce, o.said(there.ID).Source)
	runs, err := models.RecentUnsubscribeRuns(t.Context(), o.db.Gorm, 5)
	require.NoError(t, err)
	require.Len(t, runs, 1)
	require.Equal(t, "user:admin@example.com", runs[0].StartedBy)
}

// eavesdropper keeps the calls that pass.
type eavesdropper struct {
	next  http.RoundTripper
	mu    sync.Mutex
	calls []heard
}

type heard struct{ call, body string }

func (e *eavesdropper) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	e.mu.Lock()
	e.calls = append(e.calls, heard{r.Method + " " + r.URL.RequestURI() + " " + r.URL.Host, string(body)})
	e.mu.Unlock()
	return e.next.RoundTrip(r)
}

func (e *eavesdropper) heard(host string) []heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	var calls []heard
	for _, c := range e.calls {
		if call, to, _ := strings.Cut(c.call[strings.Index(c.call, " ")+1:], " "); to == host {
			calls = append(calls, heard{c.call[:strings.Index(c.call, " ")] + " " + call, c.body})
		}
	}
	return calls
}

// harmless are the calls to Marketo that are no reads and change nobody: to sign in, to
// have people exported, and to add activities and their types.
var harmless = regexp.MustCompile(`^POST (/identity/oauth/token|/bulk/v1/leads/export/(create|[^/]+/(enqueue|cancel))\.json|/rest/v1/activities/external\.json|/rest/v1/activities/external/type(\.json|/[^?]*\.json))($|\?)`)

func TestUnsubscribesAreNeverWrittenToMarketo(t *testing.T) {
	t.Parallel()
	ear := &eavesdropper{next: http.DefaultTransport}
	config := deliveryConfig()
	config.HTTP = ear
	o := newSmallOffice(t, sandboxsalesforce.Config{}, config)
	before := slices.Collect(o.sandbox.People())
	n := 0
	for _, unsubscribe := range o.ways() {
		person, record := o.somebody("Contact", n)
		unsubscribe(person)
		o.told(record)
		answer, err := o.engine.MaySend(t.Context(), syncengine.PersonRef{PersonID: person.ID})
		require.NoError(t, err)
		require.False(t, answer.Allowed)
		n++
	}
	there, record := o.somebody("Contact", n)
	_, err := o.org.Act("update", "Contact", record, map[string]any{models.StandardOptOut: true})
	require.NoError(t, err)
	on := true
	require.NoError(t, o.engine.ChangeUnsubscribing(t.Context(), syncengine.UnsubscribingChange{Nightly: &on}, "admin"))
	require.NoError(t, o.engine.StartUnsubscribeSync(t.Context(), "admin"))
	require.Eventually(t, func() bool {
		list, err := models.UnsubscribesOf(t.Context(), o.db.Gorm, there.ID)
		return err == nil && len(list) == 1
	}, 60*time.Second, 20*time.Millisecond)
	require.NoError(t, o.engine.ClearUnsubscribe(t.Context(), o.said(there.ID).ID, "admin"))
	_, _, err = o.engine.Unsubscribe(t.Context(), syncengine.UnsubscribeWord{Whom: syncengine.PersonRef{Email: "stranger@example.com"}, Source: models.ByAPI})
	require.NoError(t, err)
	o.settled(models.ToMarketo, 60*time.Second)

	counts := map[string]int{}
	for _, c := range ear.heard(strings.TrimPrefix(o.bundle.server.URL, "http://")) {
		if strings.HasPrefix(c.call, "GET ") || strings.Contains(c.call, "_method=GET") {
			counts["read"]++
			continue
		}
		require.Regexp(t, harmless, c.call)
		require.NotContains(t, strings.ToLower(c.body), `"unsubscribed":`, c.call)
		counts["write"]++
		if strings.Contains(c.call, "/activities/external.json") {
			counts["activities"]++
		}
	}
	require.Positive(t, counts["read"], "it did listen")
	require.Positive(t, counts["activities"], "the bounce is an activity there")
	require.Equal(t, before, slices.Collect(o.sandbox.People()), "nobody in Marketo was changed")
}
