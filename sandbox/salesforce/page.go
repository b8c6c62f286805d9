package salesforce

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

// recordTemplate is the page of a record, for people who follow a link.
var recordTemplate = template.Must(template.New("record").Parse(`<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.Title}} · Salesforce (sandbox)</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui;margin:2rem auto;max-width:48rem;padding:0 1rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.5rem}dt{opacity:.75}dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}</style>
<main><p>Salesforce (sandbox)</p><h1>{{.Title}}</h1>{{if .Deleted}}<p>In the recycle bin</p>{{end}}<dl>{{range .Fields}}<dt>{{.Name}}</dt><dd>{{.Value}}</dd>{{end}}</dl></main></html>`))

// recordPage shows a record to people: its id after the instance's address.
func (s *Server) recordPage(w http.ResponseWriter, r *http.Request) {
	id := long(strings.Trim(r.URL.Path, "/"))
	type line struct{ Name, Value string }
	var shown struct {
		Title   string
		Deleted bool
		Fields  []line
	}
	s.mu.RLock()
	t := s.tables[lower(objectOf(id))]
	if t != nil && t.byID[id] != nil {
		found := t.byID[id]
		shown.Title, shown.Deleted = objectOf(id)+" "+id, !found.deleted.IsZero()
		for name, value := range found.values {
			if value != nil && value != "" {
				shown.Fields = append(shown.Fields, line{name, fmt.Sprint(value)})
			}
		}
		if subject := found.text("Subject"); subject != "" {
			shown.Title = subject
		}
	}
	s.mu.RUnlock()
	if shown.Title == "" {
		http.NotFound(w, r)
		return
	}
	slices.SortFunc(shown.Fields, func(a, b line) int { return strings.Compare(a.Name, b.Name) })
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = recordTemplate.Execute(w, shown) // a reader that went away needs no page
}
