package oauth

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed page.html
var pageSource string

// page is what the template shows; of Login, Consent and Error one is set.
type page struct {
	Title   string
	Asks    asks
	Login   *loginForm
	Consent *consentForm
	Error   *Error
}

type loginForm struct{ Username, Problem string }

type consentForm struct {
	Username string
	Ticket   string
	Allows   []string
}

// meanings say what a scope allows, in the words that people read.
var meanings = [...]struct{ scope, sentence string }{
	{"api", "Read and change your data through the API"},
	{"full", "Everything that you may do yourself"},
	{"web", "Open Salesforce's pages as you"},
	{"refresh_token", "Do this at any time, also when you are not here"},
	{"offline_access", "Do this at any time, also when you are not here"},
	{"id", "Know who you are"},
	{"openid", "Know who you are"},
}

func showLogin(w http.ResponseWriter, status int, asked asks, username, problem string) {
	show(w, status, page{Title: "Log in", Asks: asked, Login: &loginForm{username, problem}})
}

func showConsent(w http.ResponseWriter, asked asks, username, id string) {
	form := &consentForm{Username: username, Ticket: id}
	seen := map[string]bool{}
	for _, m := range meanings {
		if has(strings.TrimSpace(asked.Scope), m.scope) && !seen[m.sentence] {
			seen[m.sentence] = true
			form.Allows = append(form.Allows, m.sentence)
		}
	}
	if len(form.Allows) == 0 {
		form.Allows = []string{meanings[0].sentence}
	}
	show(w, http.StatusOK, page{Title: "Allow access?", Asks: asked, Consent: form})
}

func showError(w http.ResponseWriter, e *Error) {
	show(w, http.StatusBadRequest, page{Title: "OAuth error", Error: e})
}

// show lets browsers run no script, load nothing and put the page in no frame.
func show(w http.ResponseWriter, status int, p page) {
	var body bytes.Buffer
	t, err := template.New("page").Parse(pageSource)
	if err == nil {
		err = t.Execute(&body, p)
	}
	if err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	// A browser that has left misses the page; nobody else wants it.
	_, _ = w.Write(body.Bytes())
}
