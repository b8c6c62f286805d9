package activity

import "github.com/a-h/templ"

// live asks for a part again when activities move; empty: it stays as it is.
func live(url string) templ.Attributes {
	if url == "" {
		return nil
	}
	attributes := moving()
	attributes["hx-get"] = url
	return attributes
}

// moving is when and how: an answer that is none leaves the part as it is until the
// next time.
func moving() templ.Attributes {
	return templ.Attributes{
		"hx-trigger": "activity from:body throttle:3s", "hx-swap": "outerMorph",
		"hx-status:4xx": "swap:none", "hx-status:5xx": "swap:none",
	}
}
