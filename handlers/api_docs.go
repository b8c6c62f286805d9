package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/api"
	"salesactions/views"
)

// APIDocs shows the API's description, readable.
func (h *Handlers) APIDocs(c echo.Context) error {
	document, err := api.ReadDocument()
	if err != nil {
		return err
	}
	page, err := h.frame(c, "API documents")
	if err != nil {
		return err
	}
	examples := map[string]string{}
	for _, schema := range document.Schemas {
		examples[schema.Name] = schema.Example
	}
	props := views.DocsProps{Page: page, Intro: document.Description}
	for _, o := range document.Operations {
		props.Operations = append(props.Operations, operationProps(o, examples))
	}
	return h.render(c, http.StatusOK, views.Docs(props))
}

func operationProps(o api.Operation, examples map[string]string) views.Operation {
	props := views.Operation{Method: o.Method, Path: o.Path, Summary: o.Summary, Text: o.Description, Access: accessText(o.Access)}
	for _, p := range o.Parameters {
		props.Parameters = append(props.Parameters, views.Parameter{Name: p.Name, In: p.Type, Text: p.Description})
	}
	for _, a := range o.Answers {
		if example := examples[a.Schema]; example != "" && a.Status < "300" {
			props.Example = example
		}
	}
	return props
}

func accessText(access string) string {
	switch access {
	case "public":
		return "for everybody"
	case "webhook":
		return "with the webhook's secret"
	case "token:read":
		return "with any token"
	case "token:record":
		return "with a token that may record"
	case "token:admin":
		return "with a token that may administer"
	default:
		return access
	}
}
