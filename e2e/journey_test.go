package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// fields are the labels of a person's page and Marketo's names.
var fields = map[string]string{
	"First name": "firstName", "Last name": "lastName", "Title": "title", "Company": "company", "E-mail": "email", "Phone": "phone",
	"LinkedIn": "linkedInProfileURL", "Source": "leadSource", "Marketo id": "id", "Salesforce lead": "sfdcLeadId",
	"Salesforce contact": "sfdcContactId", "Salesforce account": "sfdcAccountId", "Salesforce opportunity": "sfdcOpptyId",
}

func TestFromMarketoIntoTheWorkspace(t *testing.T) {
	t.Parallel()
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("with_scripts_%t", scripts), func(t *testing.T) {
			t.Parallel()
			demo := startDemo(t, "--marketo-copy", "bulk", "--marketo-export-poll", "300ms") // so many slices that the progress can be seen
			b := openTab(t, demo.URL)
			if !scripts {
				_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
				require.NoError(t, err)
			}
			journey(t, demo, b)
		})
	}
}

func journey(t *testing.T, demo *running, b *tab) {
	b.signIn(demo.Admin.Email, demo.Admin.Password)
	b.open("/settings/sync")
	require.Equal(t, 13, eval[int](b, `document.querySelectorAll("#mapping-title ~ * tbody tr").length`))
	want := demo.qualified()
	eventually(t, "the count of who qualifies", func() bool {
		b.open("/settings/sync")
		return strings.Contains(b.text(), fmt.Sprint(len(want)))
	})
	b.do(chromedp.Submit(`form[action="/settings/sync/start"] button`), chromedp.WaitVisible("progress"))
	seen := map[int64]bool{}
	eventually(t, "the end of the initial sync", func() bool {
		var st syncState
		demo.api("GET", "/sync", "", &st)
		if st.Run != nil {
			seen[st.Run.Processed] = true
		}
		return st.State == "following"
	})
	require.Greater(t, len(seen), 2, "the progress moved")
	b.open("/settings/sync")
	require.Contains(t, b.text(), "Up to date")

	b.open("/account")
	b.do(chromedp.Click(".menu > summary"), chromedp.Submit(`form[action="/signout"] button`), chromedp.WaitVisible("#field-email"))
	b.signIn(demo.Rep.Email, demo.Rep.Password)
	for typed, found := range map[string]string{"Lovelace": "Ada Lovelace", "王伟": "王伟", "Ångström": "Zoë Ångström", "angstrom": "Zoë Ångström"} {
		b.open("/people?q=" + typed)
		require.Contains(t, b.text(), found)
	}
	b.open("/people?q=Lovelace")
	b.do(chromedp.Click(`td a.strong`), chromedp.WaitVisible(".fields"))
	sameFields(t, demo, b, 1001)

	b.open("/settings/sync")
	require.Contains(t, b.text(), "admin")
	require.Equal(t, "none", eval[string](b, `document.querySelector(".settings") ? "shown" : "none"`))
}

// sameFields holds the 13 fields of a person's page against Marketo.
func sameFields(t *testing.T, demo *running, b *tab, id int64) {
	t.Helper()
	page := eval[map[string]string](b, `Object.fromEntries([...document.querySelectorAll("#fields-title + .fields > div")].map(
		(row) => [row.querySelector("dt").innerText, (row.querySelector("dd a") ?? row.querySelector("dd")).innerText.trim()]))`)
	require.Len(t, page, 13)
	there := demo.qualified()[id]
	for label, name := range fields {
		value := there[name]
		if value == "" {
			value = "–"
		}
		require.True(t, strings.HasPrefix(page[label], value), "%s is %q, in Marketo %q", label, page[label], value)
	}
}

func TestAChangeInMarketoShowsBySelf(t *testing.T) {
	t.Parallel()
	demo := startDemo(t)
	demo.copied()
	b := openTab(t, demo.URL)
	b.signIn(demo.Rep.Email, demo.Rep.Password)
	body, err := json.Marshal(map[string]any{"do": "change", "id": 1001, "values": map[string]string{"title": "Countess of Computing"}})
	require.NoError(t, err)
	resp, err := http.Post(demo.MarketoURL+"/_sandbox/act", "application/json", strings.NewReader(string(body)))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	eventually(t, "the change", func() bool {
		b.open("/people/1001")
		return strings.Contains(b.text(), "Countess of Computing")
	})
	require.Contains(t, b.text(), "Incremental sync", "the page says where the value came from")
}

func TestSearchAsYouType(t *testing.T) {
	t.Parallel()
	demo := startDemo(t)
	demo.copied()
	b := openTab(t, demo.URL)
	b.signIn(demo.Rep.Email, demo.Rep.Password)
	b.open("/people")
	b.do(chromedp.SendKeys("#people-q", "lovel"))
	eventually(t, "the results", func() bool {
		return eval[bool](b, `document.querySelectorAll("#results tbody tr").length === 1 && location.search.includes("q=lovel")`)
	})
	require.Equal(t, "people-q", eval[string](b, `document.activeElement.id`), "the cursor stays")
}

func TestSettingsMoveBySelf(t *testing.T) {
	t.Parallel()
	demo := startDemo(t)
	b := openTab(t, demo.URL)
	b.signIn(demo.Admin.Email, demo.Admin.Password)
	b.open("/settings/sync")
	demo.api("POST", "/sync", `{"action":"start"}`, nil)
	eventually(t, "the page to see the start", func() bool {
		return eval[bool](b, `document.querySelector("#sync-live progress") !== null`)
	})
	eventually(t, "the page to see the end", func() bool { return strings.Contains(b.text(), "Up to date") })
}
