package web

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"

	"salesactions/models"
)

// visitor is a browser without scripts.
type visitor struct {
	b      *bundle
	client *http.Client
	header http.Header
}

// visitor returns a new browser that does not follow redirects, so that tests see them.
func (b *bundle) visitor() *visitor {
	b.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(b.t, err)
	return &visitor{b: b, header: http.Header{}, client: &http.Client{
		Jar: jar, Transport: b.site.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signedIn returns a browser in which the user has signed in.
func (b *bundle) signedIn(u models.User) *visitor {
	b.t.Helper()
	v := b.visitor()
	v.get("/signin").submit("form[action='/signin']", "email", u.Email, "password", rightPassword).redirects("/")
	return v
}

// page is an answer.
type page struct {
	*http.Response
	v    *visitor
	body string
	doc  *goquery.Document
}

func (v *visitor) get(path string) *page { return v.do(http.MethodGet, path, nil) }

func (v *visitor) do(method, path string, form url.Values) *page {
	v.b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(v.b.t.Context(), method, v.b.site.URL+path, body)
	require.NoError(v.b.t, err)
	request.Header = v.header.Clone()
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := v.client.Do(request)
	require.NoError(v.b.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(v.b.t, err)
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(text)))
	require.NoError(v.b.t, err)
	return &page{Response: response, v: v, body: string(text), doc: doc}
}

// submit sends a form as a browser does: all its fields, some of them filled in.
func (p *page) submit(selector string, filled ...string) *page {
	t := p.v.b.t
	t.Helper()
	form := p.doc.Find(selector)
	require.Equal(t, 1, form.Length(), "form %s in %s", selector, p.Request.URL.Path)
	values := url.Values{}
	form.Find("input[name], select[name], textarea[name]").Each(func(_ int, s *goquery.Selection) {
		name, _ := s.Attr("name")
		value, _ := s.Attr("value")
		kind, _ := s.Attr("type")
		_, checked := s.Attr("checked")
		switch {
		case (kind == "checkbox" || kind == "radio") && !checked:
			return
		case goquery.NodeName(s) == "select":
			value, _ = s.Find("option[selected]").Attr("value")
		case goquery.NodeName(s) == "textarea":
			value = s.Text()
		}
		values.Set(name, value)
	})
	for i := 0; i < len(filled); i += 2 {
		values.Set(filled[i], filled[i+1])
	}
	action, ok := form.Attr("action")
	require.True(t, ok, "form %s has no action", selector)
	return p.v.do(http.MethodPost, action, values)
}

// post sends the fields to a path with the token of a form on this page.
func (p *page) post(path string, filled ...string) *page {
	p.v.b.t.Helper()
	token, ok := p.doc.Find("input[name=csrf]").First().Attr("value")
	require.True(p.v.b.t, ok, "no form on %s", p.Request.URL.Path)
	values := url.Values{"csrf": {token}}
	for i := 0; i < len(filled); i += 2 {
		values.Set(filled[i], filled[i+1])
	}
	return p.v.do(http.MethodPost, path, values)
}

func (p *page) redirects(path string) *page {
	p.v.b.t.Helper()
	require.Equal(p.v.b.t, http.StatusSeeOther, p.StatusCode, "%s", p.body)
	require.Equal(p.v.b.t, path, p.Header.Get("Location"))
	return p
}

func (p *page) status(code int) *page {
	p.v.b.t.Helper()
	require.Equal(p.v.b.t, code, p.StatusCode, "%s\n%s", p.body, p.v.b.log)
	return p
}

func (p *page) says(text string) *page {
	p.v.b.t.Helper()
	require.Contains(p.v.b.t, strings.Join(strings.Fields(p.doc.Find("body").Text()), " "), text)
	return p
}
