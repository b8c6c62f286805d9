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

// moving is when and how: soon after something moved, seldom while much moves, and
// once more when it is quiet again, for the throttle leaves out the last. An answer
// that is none leaves the part as it is until the next time.
func moving() templ.Attributes {
	return templ.Attributes{
		"hx-trigger": "activity from:body throttle:3s, activity from:body delay:1s", "hx-swap": "outerMorph",
		"hx-status:4xx": "swap:none", "hx-status:5xx": "swap:none",
	}
}
