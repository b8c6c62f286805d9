package activity

import (
	"github.com/a-h/templ"

	"salesactions/views/ui"
)

// live asks for a part again when activities move; empty: it stays as it is.
func live(url string) templ.Attributes {
	if url == "" {
		return nil
	}
	attributes := moving()
	attributes["hx-get"] = url
	return attributes
}

func moving() templ.Attributes { return ui.Live("activity", "3s") }
