package views_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"
)

// render returns a page of pages() as a document.
func render(t *testing.T, name string) *goquery.Document {
	t.Helper()
	component := pages()[name]
	require.NotNil(t, component, name)
	var out bytes.Buffer
	require.NoError(t, component.Render(t.Context(), &out))
	document, err := goquery.NewDocumentFromReader(&out)
	require.NoError(t, err)
	return document
}

func TestEveryPageInEveryState(t *testing.T) {
	t.Parallel()
	for name := range pages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := render(t, name)
			require.Equal(t, 1, d.Find("h1").Length(), "one heading of the page")
			require.Equal(t, 1, d.Find("main#main").Length(), "one main part")
			require.Zero(t, d.Find("[style], style, script:not([src])").Length(), "nothing inline")
			d.Find("*").Each(func(_ int, s *goquery.Selection) {
				for _, a := range s.Nodes[0].Attr {
					require.NotRegexp(t, `^(on|hx-on)`, a.Key, "no script in attributes")
				}
			})
			d.Find("form").Each(func(_ int, form *goquery.Selection) {
				action := form.AttrOr("action", "")
				require.NotEmpty(t, action, "forms work without scripts")
				if form.AttrOr("method", "") == "post" && !strings.HasPrefix(action, "/u/") { // whose sealed address is the proof
					require.Equal(t, "token", form.Find(`input[name="csrf"]`).AttrOr("value", ""), action)
				}
			})
			named(t, d)
			uniqueIDs(t, d)
		})
	}
}

// named requires a label for each field, and text for what explains a field.
func named(t *testing.T, d *goquery.Document) {
	t.Helper()
	d.Find(`input:not([type="hidden"]), select`).Each(func(_ int, field *goquery.Selection) {
		id := field.AttrOr("id", "")
		labelled := field.AttrOr("aria-label", "") != "" || field.Closest("label").Length() == 1 || (id != "" && d.Find(`label[for="`+id+`"]`).Length() == 1)
		require.True(t, labelled, "field %q", field.AttrOr("name", id))
	})
	d.Find("a, button").Each(func(_ int, s *goquery.Selection) {
		require.NotEmpty(t, s.Text(), "links and buttons say what they do")
	})
}

// uniqueIDs requires that no id stands twice, and that what names one finds it.
func uniqueIDs(t *testing.T, d *goquery.Document) {
	t.Helper()
	seen := map[string]bool{}
	d.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		require.False(t, seen[id], "id %q stands twice", id)
		seen[id] = true
	})
	d.Find("[aria-labelledby]").Each(func(_ int, s *goquery.Selection) {
		require.True(t, seen[s.AttrOr("aria-labelledby", "")], s.AttrOr("aria-labelledby", ""))
	})
}

func TestTheSyncOffersWhatItsStateAllows(t *testing.T) {
	t.Parallel()
	for state, action := range map[string]string{"ready": "start", "copying": "pause", "following": "pause", "paused": "resume", "failed": "resume"} {
		d := render(t, "sync "+state)
		require.Equal(t, 1, d.Find(`#sync-live form[action="/settings/sync/`+action+`"]`).Length(), state)
	}
	require.Equal(t, 1, render(t, "sync not connected").Find(`#sync-live a[href="/settings/marketo"]`).Length())
	require.Zero(t, render(t, "sync counting").Find(`form[action="/settings/sync/preview"]`).Length(), "one count at a time")
	require.Equal(t, 1, render(t, "sync following").Find(`form[action="/settings/sync/reconcile"]`).Length())
}

func TestTheExportIsOfWhatASearchFound(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/people.csv?q=ada", render(t, "people").Find("#results a#export").AttrOr("href", ""))
}

func TestSecretsAreNeverPutBackIntoAForm(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"signin refused", "account", "marketo"} {
		render(t, name).Find(`input[type="password"]`).Each(func(_ int, s *goquery.Selection) {
			require.Empty(t, s.AttrOr("value", ""), name)
		})
	}
}

func TestTheUnsubscribePageHasAButtonOnlyWhereItHelps(t *testing.T) {
	t.Parallel()
	for name, buttons := range map[string]int{"unsubscribe": 1, "unsubscribe done": 0, "unsubscribe forged": 0} {
		require.Equal(t, buttons, render(t, name).Find("form button").Length(), name)
	}
}

func TestAClearedUnsubscribeCannotBeClearedAgain(t *testing.T) {
	t.Parallel()
	d := render(t, "unsubscribes")
	require.Equal(t, 1, d.Find(`#unsubscribe-1 form[action$="/clear"]`).Length())
	require.Contains(t, d.Find(`#unsubscribe-1 form[action$="/clear"]`).AttrOr("data-confirm", ""), "by hand too")
	require.Equal(t, 1, d.Find(`#unsubscribe-1 form[action$="/retry"]`).Length())
	require.Zero(t, d.Find(`#unsubscribe-2 form`).Length())
}
