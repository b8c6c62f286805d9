package web

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/crypt"
	"salesactions/models"
)

// unsubscribes returns who is unsubscribed, and how.
func (b *bundle) unsubscribes() []models.Unsubscribe {
	b.t.Helper()
	page, err := models.ListUnsubscribes(b.t.Context(), b.db.Gorm, models.UnsubscribeQuery{Cleared: true})
	require.NoError(b.t, err)
	return page.Unsubscribes
}

// linkPath is the path of a person's unsubscribe link.
func (b *bundle) linkPath(person int64, email string) string {
	b.t.Helper()
	token, err := b.engine.UnsubscribeToken(person, email)
	require.NoError(b.t, err)
	return "/u/" + token
}

func TestALinkUnsubscribesOnlyWhenItsButtonIsPressed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(2)
	path := b.linkPath(2, "p1@example.com")
	v := b.visitor()
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		v.do(method, path+"?confirm=1&List-Unsubscribe=One-Click", nil).status(http.StatusOK)
		require.Empty(t, b.unsubscribes(), "mail scanners follow links")
	}
	page := v.get(path).says("p…@example.com")
	require.NotContains(t, page.body, "p1@example.com", "whoever finds the link does not learn the address")
	for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "Content-Security-Policy": policy} {
		require.Equal(t, want, page.Header.Get(name), name)
	}
	require.Empty(t, page.Header.Values("Set-Cookie"), "nobody is followed")

	v.do(http.MethodPost, path+"?confirm=1", url.Values{"confirm": {"0"}}).status(http.StatusUnprocessableEntity).says("Press the button")
	v.do(http.MethodPost, path, nil).status(http.StatusUnprocessableEntity)
	require.Empty(t, b.unsubscribes(), "only the body counts")

	page.submit("form").status(http.StatusOK).says("You are unsubscribed").says("You will get no more sales email at p…@example.com.")
	found := b.unsubscribes()
	require.Len(t, found, 1)
	require.Equal(t, models.ByLink, found[0].Source)
	require.EqualValues(t, 2, *found[0].PersonID)
	require.Equal(t, "127.0.0.1", found[0].Address)
	require.Empty(t, found[0].Actor, "the person did")

	again := v.get(path).status(http.StatusOK).says("You have unsubscribed already")
	require.Zero(t, again.doc.Find("form").Length())
	v.do(http.MethodPost, path, url.Values{"confirm": {"1"}}).status(http.StatusOK)
	require.Len(t, b.unsubscribes(), 1, "twice is once")
	require.NotContains(t, b.log.String(), strings.TrimPrefix(path, "/u/"), "the link is a key")
}

func TestOneClickUnsubscribes(t *testing.T) {
	t.Parallel()
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	require.NoError(t, parts.WriteField("List-Unsubscribe", "One-Click"))
	require.NoError(t, parts.Close())
	for name, sent := range map[string]struct{ kind, body string }{
		"form":      {"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"},
		"multipart": {parts.FormDataContentType(), form.String()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.addPeople(1)
			answer, err := http.Post(b.site.URL+b.linkPath(1, "p0@example.com"), sent.kind, strings.NewReader(sent.body))
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, http.StatusOK, answer.StatusCode)
			require.Empty(t, answer.Cookies())
			found := b.unsubscribes()
			require.Len(t, found, 1)
			require.Equal(t, models.ByOneClick, found[0].Source)
		})
	}
}

func TestAForgedOrExpiredLinkChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(1)
	box, err := crypt.New(make([]byte, crypt.KeySize))
	require.NoError(t, err)
	sealed := func(purpose string, until time.Time) string {
		return "/u/" + base64.RawURLEncoding.EncodeToString(box.Seal(fmt.Sprintf(`{"p":1,"e":"p0@example.com","u":%d}`, until.Unix()), purpose))
	}
	whole := b.linkPath(1, "p0@example.com")
	v := b.visitor()
	for path, want := range map[string]int{
		"/u/x": http.StatusNotFound, whole[:len(whole)-3]: http.StatusNotFound, whole + "A": http.StatusNotFound, "/u/%00%ff": http.StatusNotFound,
		sealed("another purpose", time.Now().Add(time.Hour)):   http.StatusNotFound,
		sealed("unsubscribe link", time.Now().Add(-time.Hour)): http.StatusGone,
	} {
		page := v.get(path).status(want).says("Nothing was changed")
		require.Equal(t, "no-referrer", page.Header.Get("Referrer-Policy"))
		v.do(http.MethodPost, path, url.Values{"confirm": {"1"}}).status(want)
		v.do(http.MethodPost, path, url.Values{"List-Unsubscribe": {"One-Click"}}).status(want)
	}
	require.Empty(t, b.unsubscribes())
}

func TestALinkOfSomebodyWhoIsNotHereIsHeard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := b.linkPath(77, "gone@example.com")
	b.visitor().get(path).submit("form").status(http.StatusOK)
	b.visitor().get(path).says("You have unsubscribed already")
	found := b.unsubscribes()
	require.Len(t, found, 1)
	require.Equal(t, models.HoldPerson, *found[0].Hold)
}
