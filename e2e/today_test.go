package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

func anAnswer(key, kind, subject string) string {
	return fmt.Sprintf(`{"key":%q,"type":%q,"occurred_at":%q,"person_id":"1001","rep":"rep@example.com","subject":%q}`,
		key, kind, time.Now().UTC().Format(time.RFC3339), subject)
}

func TestTodayIsWhereTheDayBegins(t *testing.T) {
	t.Parallel()
	demo := startDemo(t, "--actors-every", "0")
	demo.copied()
	b := openTab(t, demo.URL)
	abroad(t, b, "Pacific/Auckland")
	zone, err := time.LoadLocation("Pacific/Auckland")
	require.NoError(t, err)
	task := func(name string, days int) {
		due := time.Now().In(zone).AddDate(0, 0, days).Format(time.DateOnly)
		demo.api("POST", "/tasks", fmt.Sprintf(`{"kind":"call","name":%q,"due_on":%q,"rep":"rep@example.com","person_id":"1001"}`, name, due), nil)
	}
	task("Call before it is too late", -1)
	task("Call of the day", 0)

	b.signIn(demo.Rep.Email, demo.Rep.Password)
	require.Equal(t, "/", eval[string](b, `location.pathname`), "signing in leads here")
	names := func(part string) string {
		return eval[string](b, `document.querySelector(".due-`+part+`")?.innerText ?? ""`)
	}
	require.Contains(t, names("overdue"), "Call before it is too late")
	require.Contains(t, names("today"), "Call of the day", "the day is the reader's")
	task("Call that came by itself", 1)
	eventually(t, "the new task", func() bool { return strings.Contains(names("tomorrow"), "Call that came by itself") })

	feed := func() string { return eval[string](b, `document.querySelector("#engagement").innerText`) }
	chart := func() string { return eval[string](b, `document.querySelector("#chart").textContent`) }
	require.Contains(t, chart(), "are counted here")
	demo.record(anAnswer("first", "email_opened", "Quick question"))
	eventually(t, "the first answer", func() bool { return strings.Contains(feed(), "Ada Lovelace opened “Quick question”") })
	eventually(t, "the chart", func() bool { return strings.Contains(chart(), "1 open, click or reply") })
	demo.record(anAnswer("second", "email_replied", "Your trial"))
	eventually(t, "the link to what is new", func() bool { return strings.Contains(feed(), "Ada Lovelace replied") })
	require.NotContains(t, feed(), "Your trial", "what is read does not move")
	b.open(eval[string](b, `document.querySelector("#engagement [role=status] a").getAttribute("href")`))
	require.Contains(t, feed(), "Ada Lovelace replied to “Your trial”")
}

// abroad lets a browser be in another zone.
func abroad(t *testing.T, b *tab, zone string) {
	t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone})
	require.NoError(t, err)
}
