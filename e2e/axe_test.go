package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// pages are all pages that an admin can open. River's own pages under
// /settings/jobs/ are a third party's.
var pages = []string{
	"/", "/people", "/people?mine=1", "/people?q=nobody-has-this-name", "/people?source=Web&sort=company&dir=desc", "/people?archived=1", "/people/1001", "/people/999999",
	"/people/1001/smart-grid?week=all&account=1", "/activity", "/activity?kind=email_sent&state=failed", "/activity?waiting=1",
	"/tasks", "/tasks?who=all&show=done", "/tasks?who=all&kind=email", "/tasks/new", "/tasks/new?person=1001", "/people/1001/emails?ask=1",
	"/settings/salesforce", "/settings/logging", "/settings/tasks", "/settings/unsubscribes", "/settings/unsubscribes?stuck=1&cleared=1", "/settings/diagnostics", "/settings/diagnostics/failures?destination=salesforce&code=NONE", "/settings/diagnostics/codes",
	"/settings/sync", "/settings/marketo", "/settings/users", "/settings/tokens", "/settings/audit", "/settings/audit?actor=nobody",
	"/account", "/api/docs", "/nowhere",
}

func TestEveryPageIsAccessibleSmallAndQuiet(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile("vendor/axe.min.js")
	require.NoError(t, err, "run 'make setup', which brings axe")
	demo := startDemo(t, linkKey...)
	demo.copied()
	said := demo.record(`{"key":"axe-bounce","type":"email_bounced","occurred_at":"` + time.Now().UTC().Format(time.RFC3339) + `","person_id":"1002","rep":"rep@example.com","bounce_type":"hard"}`)
	activity := demo.record(`{"key":"axe","type":"email_sent","occurred_at":"` + time.Now().UTC().Format(time.RFC3339) + `","person_id":"1001","rep":"rep@example.com","subject":"Hello"}`)
	now := time.Now().UTC()
	var task struct{ ID string }
	demo.api("POST", "/tasks", `{"kind":"call","name":"Call","due_on":"`+now.Format(time.DateOnly)+`","priority":"high","rep":"`+demo.Admin.Email+`","person_id":"1001"}`, &task)
	demo.record(`{"key":"axe-answer","type":"email_replied","occurred_at":"` + now.Format(time.RFC3339) + `","person_id":"1001","rep":"` + demo.Admin.Email + `","subject":"Hello"}`)
	all := append(slices.Clone(pages), "/activity/"+activity, "/tasks/"+task.ID, "/tasks/"+task.ID+"/edit", "/activity/"+said,
		"/u/x", unsubscribePath(t, 1001, "ada@acme.example"), unsubscribePath(t, 1002, demo.qualified()[1002]["email"]))
	for _, width := range []int64{1280, 390} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			b := openTab(t, demo.URL)
			w := watch(t, b)
			b.do(chromedp.EmulateViewport(width, 900))
			b.open("/signin")
			b.inspect(string(axe), "/signin")
			b.signIn(demo.Admin.Email, demo.Admin.Password)
			for _, path := range all {
				w.reset()
				b.open(path)
				w.check(b, path)
				b.inspect(string(axe), path)
			}
		})
	}
}

// inspect runs axe in light, and what it has of colors in dark too, which changes nothing
// else; and looks for what scrolls sideways.
func (b *tab) inspect(axe, path string) {
	b.t.Helper()
	eval[int](b, axe+"; 1")
	for _, scheme := range []string{"light", "dark"} {
		rules := map[string]string{"light": `{}`, "dark": `{runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}}`}[scheme]
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media)
		require.NoError(b.t, err)
		require.Equal(b.t, scheme == "dark", eval[bool](b, `matchMedia("(prefers-color-scheme: dark)").matches`))
		// Colors that are still on their way would be taken for the scheme's.
		eval[int](b, `document.getAnimations().filter((a) => a instanceof CSSTransition).forEach((a) => a.finish()); 1`)
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`axe.run(document, `+rules+`).then((r) => r.violations.map(
			(v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ")).join(", ")))`, chromedp.EvalAwaitPromise))
		cancel()
		require.NoError(b.t, err)
		require.Empty(b.t, found, "%s in %s", path, scheme)
	}
	require.LessOrEqual(b.t, eval[int](b, `document.documentElement.scrollWidth - innerWidth`), 0, "%s scrolls sideways", path)
}

// watched is what a page loads and complains about.
type watched struct {
	mu       sync.Mutex
	page     cdp.LoaderID
	requests []asked
	bytes    float64
	errors   []string
}

// asked is a request, the page that made it, and the element whose content it is for
// where htmx made it.
type asked struct {
	url    string
	page   cdp.LoaderID
	source string
}

func watch(t *testing.T, b *tab) *watched {
	t.Helper()
	w := &watched{}
	_, err := chromedp.Call(b.ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	require.NoError(t, chromedp.Listen(b.ctx, func(ev any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch e := ev.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "data:") && !strings.Contains(e.Request.URL, "/events") {
				if e.Type == network.ResourceTypeDocument {
					w.page = e.LoaderID
				}
				source, _ := e.Request.Headers["HX-Source"].(string)
				w.requests = append(w.requests, asked{e.Request.URL, e.LoaderID, source})
			}
		case *network.EventLoadingFinished:
			w.bytes += e.EncodedDataLength
		case *cdplog.EventEntryAdded:
			if e.Entry.Level == "error" && !strings.Contains(e.Entry.Text, "404") {
				w.errors = append(w.errors, e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			w.errors = append(w.errors, e.ExceptionDetails.Text)
		}
	}))
	return w
}

func (w *watched) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests, w.bytes, w.errors = nil, 0, nil
}

// check holds a page's first load against its limits. What is taken anew since it
// changed meanwhile is not part of that, nor what the page before still asked for.
func (w *watched) check(b *tab, path string) {
	b.t.Helper()
	live := eval[[]string](b, `[...document.querySelectorAll("[hx-trigger*='from:body']")].map((part) => part.localName + "#" + part.id)`)
	w.mu.Lock()
	defer w.mu.Unlock()
	first := slices.DeleteFunc(slices.Clone(w.requests), func(a asked) bool { return a.page != w.page || slices.Contains(live, a.source) })
	require.NotEmpty(b.t, first, path)
	require.LessOrEqual(b.t, len(first), 5, "%s makes %v", path, first)
	require.LessOrEqual(b.t, w.bytes, 100*1024.0, path)
	require.Empty(b.t, w.errors, path)
}
