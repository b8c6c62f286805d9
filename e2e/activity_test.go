package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// record records one activity and returns its id.
func (r *running) record(activity string) string {
	r.t.Helper()
	var answer struct {
		Results []struct{ ID, Status string }
	}
	r.api("POST", "/activities", `{"activities":[`+activity+`]}`, &answer)
	require.Len(r.t, answer.Results, 1)
	require.NotEqual(r.t, "invalid", answer.Results[0].Status)
	return answer.Results[0].ID
}

func anEmail(key, subject string) string {
	return fmt.Sprintf(`{"key":%q,"type":"email_sent","occurred_at":%q,"person_id":"1001","rep":"rep@example.com","subject":%q}`,
		key, time.Now().UTC().Format(time.RFC3339), subject)
}

// delivered waits until an activity is in a state everywhere, or not to be there.
func (r *running) delivered(id, state string) {
	r.t.Helper()
	eventually(r.t, "the deliveries", func() bool {
		var activity struct {
			Deliveries []struct{ State string }
		}
		r.api("GET", "/activities/"+id, "", &activity)
		for _, d := range activity.Deliveries {
			if d.State != state && d.State != "skipped" {
				return false
			}
		}
		return true
	})
}

// settled waits until no delivery is open.
func (r *running) settled() {
	r.t.Helper()
	eventually(r.t, "all deliveries", func() bool {
		for _, state := range []string{"pending", "sending"} {
			var page struct{ Items []struct{ ID string } }
			r.api("GET", "/activities?limit=1&state="+state, "", &page)
			if len(page.Items) > 0 {
				return false
			}
		}
		return true
	})
}

func TestConnectSalesforceThroughItsLoginPage(t *testing.T) {
	t.Parallel()
	demo := startDemo(t, "--actors-every", "0")
	demo.copied()
	b := openTab(t, demo.URL)
	b.signIn(demo.Admin.Email, demo.Admin.Password)
	b.open("/settings/salesforce")
	b.do(chromedp.Evaluate[chromedp.Void](`window.confirm = () => true`))
	b.do(chromedp.Submit(`form[action$="/disconnect"] button`), chromedp.WaitVisible(".notice"))
	require.Contains(t, b.text(), "Salesforce is disconnected")
	waits := demo.record(anEmail("waits", "Sent while disconnected"))

	b.open("/settings/salesforce")
	b.do(chromedp.Click(`a[href="/settings/salesforce/connect"]`), chromedp.WaitVisible(`[name=username]`))
	require.True(t, strings.HasPrefix(eval[string](b, `location.href`), demo.OrgURL), "at Salesforce's own page")
	b.do(chromedp.Clear(`[name=username]`), chromedp.SendKeys(`[name=username]`, "integration@example.com"), chromedp.SendKeys(`[name=password]`, "sandbox-password"),
		chromedp.Submit(`[name=password]`), chromedp.WaitVisible(`[name=answer][value=allow]`))
	b.do(chromedp.Click(`[name=answer][value=allow]`), chromedp.WaitVisible(".rail"))
	require.Equal(t, demo.URL+"/settings/salesforce", eval[string](b, `location.href`), "back, with nothing of it in the address")
	require.Contains(t, b.text(), "Salesforce is connected.")
	require.Contains(t, b.text(), "a user's consent")
	demo.delivered(waits, "delivered")
}

func TestLoggingChangesFromTheNextActivityOn(t *testing.T) {
	t.Parallel()
	demo := startDemo(t, "--actors-every", "0")
	demo.copied()
	b := openTab(t, demo.URL)
	b.signIn(demo.Admin.Email, demo.Admin.Password)
	b.open("/settings/logging")
	b.do(chromedp.Click("#switch-emails"), chromedp.WaitVisible(".saved"))
	require.Equal(t, "false", eval[string](b, `document.querySelector("#switch-emails").getAttribute("aria-checked")`))
	require.Equal(t, "switch-emails", eval[string](b, `document.activeElement.id`), "the cursor stays")
	id := demo.record(anEmail("off", "Not to be logged"))
	b.open("/activity/" + id)
	require.Contains(t, b.text(), "this kind is switched off")

	b.open("/settings/logging")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-insert-into]").value = ""`), chromedp.SendKeys("[data-insert-into]", "Mail: "),
		chromedp.Click(`[data-insert="{{activity_subject}}"]`))
	eventually(t, "the preview", func() bool {
		return strings.Contains(eval[string](b, `document.querySelector("#subject-preview").innerText`), "Mail: Not to be logged")
	})
	b.do(chromedp.Submit("[data-insert-into]"), chromedp.WaitVisible(".notice"))
	b.open("/settings/logging")
	b.do(chromedp.Click("#switch-emails"), chromedp.WaitVisible(".saved"))
	id = demo.record(anEmail("on", "Logged again"))
	demo.delivered(id, "delivered")
	require.Contains(t, get(t, demo.OrgURL+"/_sandbox/records?object=Task"), `"Subject":"Mail: Logged again"`)
	b.open("/settings/audit?action=logging")
	require.Contains(t, b.text(), "admin@example.com")
	require.Contains(t, b.text(), "“{{activity_type}}: {{activity_subject}}” → “Mail: {{activity_subject}}”")
}

func TestALiveActivityArrivesAndLeadsToItsTask(t *testing.T) {
	t.Parallel()
	demo := startDemo(t, "--actors-every", "0")
	demo.copied()
	demo.delivered(demo.record(anEmail("first", "Shown at first")), "delivered")
	b := openTab(t, demo.URL)
	b.signIn(demo.Rep.Email, demo.Rep.Password)
	b.open("/activity")
	require.Contains(t, b.text(), "Shown at first")
	id := demo.record(anEmail("live", "Came by itself"))
	eventually(t, "the bar that tells of it", func() bool { return strings.Contains(b.text(), "1 new activity") })
	require.NotContains(t, b.text(), "Came by itself", "what is read does not move")
	b.do(chromedp.Click(".fresh a"), chromedp.WaitVisible("#activity-"+id))
	eventually(t, "the mark", func() bool {
		return eval[bool](b, `document.querySelector("#activity-`+id+` a[rel=noreferrer]") !== null`)
	})
	b.do(chromedp.Click("#activity-"+id+" a[rel=noreferrer]"), chromedp.WaitVisible("h1"))
	require.True(t, strings.HasPrefix(eval[string](b, `location.href`), demo.OrgURL))
	require.Contains(t, b.text(), "Email: Came by itself")
}

func TestAFailedDeliveryIsRetriedFromDiagnostics(t *testing.T) {
	t.Parallel()
	demo := startDemo(t, "--actors-every", "0")
	demo.copied()
	post(t, demo.OrgURL+"/_sandbox/faults", `{"path":"/composite/sobjects","kind":"record_code","code":"FIELD_CUSTOM_VALIDATION_EXCEPTION","message":"Ask first"}`)
	var ids []string
	for i := range 16 { // a quarter of the records is refused
		ids = append(ids, demo.record(anEmail(fmt.Sprint("k", i), fmt.Sprint("Subject ", i))))
	}
	demo.settled() // what is still on its way when the rule is dropped might fail after Retry
	b := openTab(t, demo.URL)
	b.signIn(demo.Admin.Email, demo.Admin.Password)
	b.open("/settings/diagnostics")
	require.Contains(t, b.text(), "Somebody must act")
	require.Contains(t, b.text(), "Ask first", "in Salesforce's own words")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, demo.OrgURL+"/_sandbox/faults", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	b.do(chromedp.Submit(`form[action$="/retry-group"] button`), chromedp.WaitVisible(".notice"))
	require.Contains(t, b.text(), "tried again")
	for _, id := range ids {
		demo.delivered(id, "delivered")
	}
	eventually(t, "the page to see that all is well", func() bool { return strings.Contains(b.text(), "All is well") })
}

func TestTheSmartGridByKeyboard(t *testing.T) {
	t.Parallel()
	demo := startDemo(t, "--actors-every", "0")
	demo.copied()
	b := openTab(t, demo.URL)
	b.signIn(demo.Rep.Email, demo.Rep.Password)
	b.open("/people/1001")
	b.do(chromedp.WaitVisible("[data-grid]"))
	chosen := func() string { return eval[string](b, `document.querySelector("[data-grid] [aria-current]").id`) }
	before := chosen()
	press := func(key string) {
		eval[bool](b, `document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "`+key+`", bubbles: true, cancelable: true}))`)
	}
	b.do(chromedp.Focus("[data-grid] [aria-current]"))
	press("ArrowLeft")
	press("ArrowUp")
	cell := eval[string](b, `document.activeElement.id`)
	require.True(t, strings.HasPrefix(cell, "grid-web-"), cell)
	require.Equal(t, before, chosen(), "moving selects nothing")
	b.do(chromedp.Click("#" + cell))
	eventually(t, "the selection", func() bool { return chosen() == cell })
	require.Contains(t, b.text(), "Web visits in the week of")
	require.Equal(t, cell, eval[string](b, `document.activeElement.id`), "the cursor stays")
	require.Equal(t, "/people/1001", eval[string](b, `location.pathname`))
}
