package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"salesactions/crypt"
)

// unsubscribeKey seals the links of the tests; linkKey tells the demo.
var (
	unsubscribeKey = []byte(strings.Repeat("k", crypt.KeySize))
	linkKey        = []string{"--secret-key", base64.StdEncoding.EncodeToString(unsubscribeKey)}
)

// startWithLinks runs a demo whose unsubscribe links the test can make.
func startWithLinks(t *testing.T) *running {
	t.Helper()
	return startDemo(t, append(linkKey, "--actors-every", "0")...)
}

// unsubscribePath is the path of a person's link.
func unsubscribePath(t *testing.T, person int64, email string) string {
	t.Helper()
	box, err := crypt.New(unsubscribeKey)
	require.NoError(t, err)
	link := fmt.Sprintf(`{"p":%d,"e":%q,"u":%d}`, person, email, time.Now().Add(time.Hour).Unix())
	return "/u/" + base64.RawURLEncoding.EncodeToString(box.Seal(link, "unsubscribe link"))
}

func TestUnsubscribeByLink(t *testing.T) {
	t.Parallel()
	demo := startWithLinks(t)
	demo.copied()
	admin := openTab(t, demo.URL)
	admin.signIn(demo.Admin.Email, demo.Admin.Password)
	admin.open("/settings/unsubscribes")
	require.Contains(t, admin.text(), "Nobody has unsubscribed")
	for person, scripts := range map[int64]bool{1001: true, 1002: false} {
		email := demo.qualified()[person]["email"]
		b := openTab(t, demo.URL)
		w := watch(t, b)
		if !scripts {
			_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			require.NoError(t, err)
		}
		path := unsubscribePath(t, person, email)
		b.open(path)
		b.open(path)
		require.Contains(t, b.text(), "Unsubscribe from sales email?", "opening it changes nothing")
		require.Contains(t, b.text(), email[strings.Index(email, "@"):])
		require.NotContains(t, b.text(), email)
		b.do(chromedp.Submit("form button"), chromedp.WaitVisible(".unsubscribe-done"))
		require.Contains(t, b.text(), "You will get no more sales email at")
		b.open(path)
		require.Contains(t, b.text(), "You have unsubscribed already")
		require.Empty(t, w.errors)
	}
	eventually(t, "the page to see both", func() bool {
		return eval[int](admin, `document.querySelectorAll("#unsubscribes tbody tr").length`) == 2
	})
	eventually(t, "Salesforce to know of both", func() bool { return strings.Count(admin.text(), "Open in Salesforce") == 2 })
	require.Contains(t, admin.text(), "Unsubscribe link")
}

func TestOneClickFromAMailServer(t *testing.T) {
	t.Parallel()
	demo := startWithLinks(t)
	demo.copied()
	path := unsubscribePath(t, 1001, demo.qualified()[1001]["email"])
	require.Contains(t, get(t, demo.URL+path+"?List-Unsubscribe=One-Click"), "Unsubscribe from sales email?")
	answer, err := http.PostForm(demo.URL+path, url.Values{"List-Unsubscribe": {"One-Click"}})
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Contains(t, get(t, demo.URL+path), "You have unsubscribed already")
	b := openTab(t, demo.URL)
	b.signIn(demo.Admin.Email, demo.Admin.Password)
	b.open("/settings/unsubscribes?source=one_click")
	require.Contains(t, b.text(), "127.0.0.1")

	// Cleared here, it may be said again.
	b.do(chromedp.Evaluate[chromedp.Void](`window.confirm = (question) => question.includes("by hand too")`))
	b.do(chromedp.Submit(`form[action$="/clear"] button`), chromedp.WaitVisible(".notice"))
	require.Contains(t, b.text(), "It is cleared here.")
	require.Contains(t, b.text(), "Nobody found")
	b.open("/settings/unsubscribes?source=one_click&cleared=1")
	require.Contains(t, b.text(), "by admin@example.com")
	require.Contains(t, get(t, demo.URL+path), "Unsubscribe from sales email?")
}

func TestUnsubscribesAndTasksAreSwitched(t *testing.T) {
	t.Parallel()
	demo := startWithLinks(t)
	demo.copied()
	b := openTab(t, demo.URL)
	b.signIn(demo.Admin.Email, demo.Admin.Password)
	b.open("/settings/unsubscribes")
	state := func(name string) string {
		return eval[string](b, `document.querySelector("#switch-`+name+`").getAttribute("aria-checked")`)
	}
	press := func(name string) bool {
		before := state(name)
		b.do(chromedp.Click("#switch-"+name), chromedp.WaitVisible(".saved"))
		eventually(t, "the switch", func() bool { return state(name) != before })
		require.Equal(t, "switch-"+name, eval[string](b, `document.activeElement.id`), "the cursor stays")
		return before == "false"
	}
	if !press("nightly") {
		require.True(t, press("nightly"))
	}
	require.Regexp(t, `^[A-Z][a-z]+day\b`, eval[string](b, `document.querySelector("time[data-clock]").textContent`), "on the reader's clock")
	require.False(t, press("check"))

	b.open("/settings/unsubscribes")
	b.do(chromedp.Submit(`form[action$="/run"] button`), chromedp.WaitVisible(".notice"))
	require.Contains(t, b.text(), "Both sides are being compared.")
	eventually(t, "the run", func() bool {
		return eval[bool](b, `document.querySelector("#unsubscribe-sync tbody .tone-good") !== null`)
	})
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".notice").remove()`)) // so that the next one is the answer
	b.do(chromedp.Click("#opt-out-other"), chromedp.SendKeys("[name=other]", "No_Such_Field__c"), chromedp.Submit("[name=other]"), chromedp.WaitVisible(".notice"))
	require.Equal(t, "/settings/unsubscribes", eval[string](b, `location.pathname`))
	require.Contains(t, eval[string](b, `document.querySelector("#opt-out-other-hint").innerText`), "not there, or hidden")

	b.open("/settings/tasks")
	require.Equal(t, "true", state("sync"))
	require.False(t, press("sync"))
	b.open("/settings/tasks")
	require.Contains(t, b.text(), "Nothing is read or sent")
	require.True(t, press("sync"))
	b.open("/settings/tasks")
	b.do(chromedp.Submit(`form[action$="/pull"] button`), chromedp.WaitVisible(".notice"))
	require.Contains(t, b.text(), "Salesforce's changes are being read.")
}
