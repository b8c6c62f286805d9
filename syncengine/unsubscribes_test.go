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
	"salesactions/syncengine/enginetest"
)

// newSmallOffice is an office of some dozens of people.
func newSmallOffice(t *testing.T, org sandboxsalesforce.Config, config syncengine.Config) *enginetest.Office {
	t.Helper()
	marketo := enginetest.SandboxConfig()
	marketo.People, org.People, org.Seed = 60, 60, marketo.Seed
	org.QuotaOff, org.LockWait = true, 300*time.Millisecond
	return enginetest.NewOffice(t, marketo, org, config)
}

// somebody is a person with a lead, or with a contact, whose address nobody shares, and
// their record. Others have others.
func somebody(o *enginetest.Office, object string, n int) (person models.Person, record string) {
	o.T.Helper()
	condition := map[string]string{"Lead": "salesforce_lead_id IS NOT NULL AND salesforce_contact_id IS NULL", "Contact": "salesforce_contact_id IS NOT NULL"}[object]
	var id int64
	require.NoError(o.T, o.DB.Pool.QueryRow(o.T.Context(), `SELECT id FROM people p WHERE archived_at IS NULL AND NOT unsubscribed AND email LIKE '%@%' AND `+condition+`
		AND NOT EXISTS (SELECT FROM people x WHERE x.email_key = p.email_key AND x.id <> p.id) ORDER BY id LIMIT 1 OFFSET $1`, n).Scan(&id))
	person, err := models.FindPerson(o.T.Context(), o.DB.Gorm, id)
	require.NoError(o.T, err)
	if object == "Lead" {
		return person, *person.SalesforceLeadID
	}
	return person, *person.SalesforceContactID
}

// optedOut says what a field of a lead or contact is.
func optedOut(o *enginetest.Office, record, field string) bool {
	for _, object := range []string{"Lead", "Contact"} {
		for r := range o.Org.Records(object, true) {
			if r.ID == models.NormalSalesforceID(record) {
				return r.Values[field] == true
			}
		}
	}
	return false
}

// told waits until Salesforce has heard of an unsubscribe.
func told(o *enginetest.Office, record string) {
	o.T.Helper()
	require.Eventually(o.T, func() bool { return optedOut(o, record, models.StandardOptOut) }, 60*time.Second, 20*time.Millisecond, "%s is not opted out", record)
}

// said is a person's newest word, which has to be there.
func said(o *enginetest.Office, person int64) models.Unsubscribe {
	o.T.Helper()
	list, err := models.UnsubscribesOf(o.T.Context(), o.DB.Gorm, person)
	require.NoError(o.T, err)
	require.NotEmpty(o.T, list)
	return list[0]
}

// ways are all in which somebody can be unsubscribed here.
func ways(o *enginetest.Office) map[models.UnsubscribeSource]func(models.Person) {
	word := func(source models.UnsubscribeSource) func(models.Person) {
		return func(p models.Person) {
			_, created, err := o.Engine.Unsubscribe(o.T.Context(), syncengine.UnsubscribeWord{Whom: syncengine.PersonRef{PersonID: p.ID}, Source: source, Actor: "test"})
			require.NoError(o.T, err)
			require.True(o.T, created)
		}
	}
	link := func(source models.UnsubscribeSource) func(models.Person) {
		return func(p models.Person) {
			token, err := o.Engine.UnsubscribeToken(p.ID, *p.Email)
			require.NoError(o.T, err)
			opened, err := o.Engine.OpenLink(o.T.Context(), token)
			require.NoError(o.T, err)
			require.False(o.T, opened.Unsubscribed)
			_, err = o.Engine.UseLink(o.T.Context(), token, source, "192.0.2.7")
			require.NoError(o.T, err)
		}
	}
	return map[models.UnsubscribeSource]func(models.Person){
		models.ByRep: word(models.ByRep), models.ByAdmin: word(models.ByAdmin), models.ByAPI: word(models.ByAPI),
		models.ByLink: link(models.ByLink), models.ByOneClick: link(models.ByOneClick),
		models.ByBounce: func(p models.Person) { o.Record(bounce(p.ID, "hard")) },
	}
}

// bounce is an email to somebody that came back.
func bounce(person int64, kind string) syncengine.ActivityInput {
	return syncengine.ActivityInput{Key: fmt.Sprint("bounce ", person, kind), Kind: models.EmailBounced, OccurredAt: time.Now(), PersonID: person,
		Attributes: models.ActivityAttributes{BounceType: kind}}
}

func TestEveryUnsubscribeOfOursReachesSalesforceAtOnce(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{}, enginetest.DeliveryConfig())
	settings, _, err := models.LoadUnsubscribing(t.Context(), o.DB.Gorm)
	require.NoError(t, err)
	require.False(t, settings.Nightly.On, "the nightly sync is off unless somebody switches it on")
	n := 0
	for source, unsubscribe := range ways(o) {
		for _, object := range []string{"Lead", "Contact"} {
			person, record := somebody(o, object, n)
			unsubscribe(person)
			told(o, record)
			require.Equal(t, source, said(o, person.ID).Source)
		}
		n++
	}
	require.Empty(t, o.Org.Violations())
}

func TestOnlyABounceForGoodUnsubscribes(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{}, enginetest.DeliveryConfig())
	for n, kind := range []string{"soft", "", "block", "hardly"} {
		person, _ := somebody(o, "Contact", n)
		o.Record(bounce(person.ID, kind))
		list, err := models.UnsubscribesOf(t.Context(), o.DB.Gorm, person.ID)
		require.NoError(t, err)
		require.Empty(t, list, "%q", kind)
	}
	for n, kind := range []string{"hard", "Hard", " HARD "} {
		person, record := somebody(o, "Contact", 4+n)
		o.Record(bounce(person.ID, kind))
		said := said(o, person.ID) // in the same transaction: nobody can ask in between
		require.Equal(t, models.ByBounce, said.Source)
		require.Contains(t, said.Reason, "bounce ")
		answer, err := o.Engine.MaySend(t.Context(), syncengine.PersonRef{PersonID: person.ID})
		require.NoError(t, err)
		require.False(t, answer.Allowed)
		o.Record(bounce(person.ID, kind)) // sent twice
		list, err := models.UnsubscribesOf(t.Context(), o.DB.Gorm, person.ID)
		require.NoError(t, err)
		require.Len(t, list, 1)
		told(o, record)
	}
}

func TestABounceOfASharedAddressBlocksEverybodyWithIt(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{}, enginetest.DeliveryConfig())
	var adas []int64
	require.NoError(t, o.DB.Pool.QueryRow(t.Context(), `SELECT array_agg(id ORDER BY id) FROM people WHERE email = 'ada@acme.example'`).Scan(&adas))
	require.Len(t, adas, 2)
	o.Record(bounce(adas[0], "hard"))
	for _, ada := range adas {
		answer, err := o.Engine.MaySend(t.Context(), syncengine.PersonRef{PersonID: ada})
		require.NoError(t, err)
		require.False(t, answer.Allowed)
	}
}

func TestABounceOfSomebodyWhoIsNotHereYetIsRemembered(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{}, enginetest.DeliveryConfig())
	in := bounce(0, "hard")
	in.Email = "late@acme.example"
	o.Record(in)
	id, err := o.Sandbox.Create(map[string]string{"firstName": "Late", "lastName": "Comer", "email": "late@acme.example", "sfdcLeadOwnerId": "005000000000001AAA"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		list, err := models.UnsubscribesOf(t.Context(), o.DB.Gorm, id)
		return err == nil && len(list) == 1 && list[0].Hold != nil && *list[0].Hold == models.HoldRecord
	}, 60*time.Second, 50*time.Millisecond, "the word finds its person")
}

func TestAnUnsubscribeOutlivesAnOutageOfSalesforce(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{}, enginetest.DeliveryConfig())
	o.Org.Fault(fault.Rule{Path: "/services/data", Kind: fault.HTML})
	person, record := somebody(o, "Contact", 0)
	ways(o)[models.ByRep](person)
	require.Eventually(t, func() bool { return said(o, person.ID).Push.ErrorText != nil || len(o.Pauses()) > 0 }, 60*time.Second, 20*time.Millisecond, "it was tried, in vain")
	require.False(t, optedOut(o, record, models.StandardOptOut))
	require.NoError(t, o.Engine.Stop(t.Context()))
	config := enginetest.DeliveryConfig()
	config.Salesforce, config.SalesforceDaily = syncengine.SalesforceCredentials{LoginURL: o.OrgServer.URL, ClientID: "sandbox-app", ClientSecret: "sandbox-app-secret"}, 1<<40
	o.Start(config) // the program is started anew meanwhile
	o.Org.ClearFaults()
	told(o, record)
	require.Eventually(t, func() bool { return said(o, person.ID).Push.State == models.Delivered }, 30*time.Second, 20*time.Millisecond)
}

func TestAnotherFieldResumesWhatWasParked(t *testing.T) {
	t.Parallel()
	o := newSmallOffice(t, sandboxsalesforce.Config{OptOutField: models.SalesOptOut}, enginetest.DeliveryConfig())
	choose := func(field string) {
		require.NoError(t, o.Engine.ChangeUnsubscribing(t.Context(), syncengine.UnsubscribingChange{OptOutField: &field}, "admin"))
	}
	choose("Nobody_Made_This__c")
	person, record := somebody(o, "Lead", 0)
	ways(o)[models.ByRep](person)
	require.Eventually(t, func() bool { return said(o, person.ID).Push.State == models.Failed }, 60*time.Second, 20*time.Millisecond)
	require.Contains(t, *said(o, person.ID).Push.ErrorText, "Nobody_Made_This__c")
	choose(models.SalesOptOut)
	require.Eventually(t, func() bool { return said(o, person.ID).Push.State == models.Delivered }, 60*time.Second, 20*time.Millisecond, "without anybody's Retry")
	require.True(t, optedOut(o, record, models.SalesOptOut))
	require.False(t, optedOut(o, record, models.StandardOptOut))
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
	o := newSmallOffice(t, sandboxsalesforce.Config{}, enginetest.DeliveryConfig())
	there, record := somebody(o, "Contact", 0)
	_, err := o.Org.Act("update", "Contact", record, map[string]any{models.StandardOptOut: true})
	require.NoError(t, err)
	here, unticked := somebody(o, "Contact", 1)
	ways(o)[models.ByRep](here)
	told(o, unticked)
	require.Eventually(t, func() bool { return said(o, here.ID).Push.State == models.Delivered }, 30*time.Second, 20*time.Millisecond)
	_, err = o.Org.Act("update", "Contact", unticked, map[string]any{models.StandardOptOut: false})
	require.NoError(t, err)
	require.NoError(t, o.Engine.StartUnsubscribeSync(t.Context(), "user:admin@example.com"))
	told(o, unticked)
	require.Equal(t, models.BySalesforce, said(o, there.ID).Source)
	runs, err := models.RecentUnsubscribeRuns(t.Context(), o.DB.Gorm, 5)
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
	config := enginetest.DeliveryConfig()
	config.HTTP = ear
	o := newSmallOffice(t, sandboxsalesforce.Config{}, config)
	before := slices.Collect(o.Sandbox.People())
	n := 0
	for _, unsubscribe := range ways(o) {
		person, record := somebody(o, "Contact", n)
		unsubscribe(person)
		told(o, record)
		answer, err := o.Engine.MaySend(t.Context(), syncengine.PersonRef{PersonID: person.ID})
		require.NoError(t, err)
		require.False(t, answer.Allowed)
		n++
	}
	there, record := somebody(o, "Contact", n)
	_, err := o.Org.Act("update", "Contact", record, map[string]any{models.StandardOptOut: true})
	require.NoError(t, err)
	on := true
	require.NoError(t, o.Engine.ChangeUnsubscribing(t.Context(), syncengine.UnsubscribingChange{Nightly: &on}, "admin"))
	require.NoError(t, o.Engine.StartUnsubscribeSync(t.Context(), "admin"))
	require.Eventually(t, func() bool {
		list, err := models.UnsubscribesOf(t.Context(), o.DB.Gorm, there.ID)
		return err == nil && len(list) == 1
	}, 60*time.Second, 20*time.Millisecond)
	require.NoError(t, o.Engine.ClearUnsubscribe(t.Context(), said(o, there.ID).ID, "admin"))
	_, _, err = o.Engine.Unsubscribe(t.Context(), syncengine.UnsubscribeWord{Whom: syncengine.PersonRef{Email: "stranger@example.com"}, Source: models.ByAPI})
	require.NoError(t, err)
	o.Settled(models.ToMarketo, 60*time.Second)

	counts := map[string]int{}
	for _, c := range ear.heard(strings.TrimPrefix(o.Server.URL, "http://")) {
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
	require.Equal(t, before, slices.Collect(o.Sandbox.People()), "nobody in Marketo was changed")
}
