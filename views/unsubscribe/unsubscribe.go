// Package unsubscribe has the public page that an email's unsubscribe link leads to.
package unsubscribe

import "salesactions/views"

// Props are the page. It is read by somebody who knows nothing of this program.
type Props struct {
	Page    views.Page
	Address string // to which the link was sent, masked
	Action  string // where the form goes; empty: there is nothing to do
	Title   string
	Text    string
	Done    bool // no more email will come
}
