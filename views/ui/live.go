package ui

import "github.com/a-h/templ"

// Live is when and how a part is taken anew: soon after its topic changed, seldom
// (such as "5s") while much changes, and once more when it is quiet again, for the
// throttle leaves out the last. It is also taken now and then in any case, since a
// stream may never have begun, or an answer have failed: a missed event costs half a
// minute, not the truth. An answer that is none leaves the part as it is until then.
func Live(topic, seldom string) templ.Attributes {
	return templ.Attributes{
		"hx-trigger": topic + " from:body throttle:" + seldom + ", " + topic + " from:body delay:1s, every 30s", "hx-swap": "outerMorph",
		"hx-status:4xx": "swap:none", "hx-status:5xx": "swap:none",
	}
}
