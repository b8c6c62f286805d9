package salesforce

import (
	"net/http"

	"github.com/jonboulle/clockwork"
)

// dated gives each answer the time of the sandbox's clock, which clients take for
// the server's (Salesforce REST: polling, the Date header).
type dated struct {
	http.ResponseWriter
	clock clockwork.Clock
}

// WriteHeader stamps the answer when it begins, not when the request came: what it
// tells is as of then.
func (d dated) WriteHeader(status int) {
	d.Header().Set("Date", d.clock.Now().UTC().Format(http.TimeFormat))
	d.ResponseWriter.WriteHeader(status)
}

// Write stamps an answer that has no status of its own.
func (d dated) Write(raw []byte) (int, error) {
	if d.Header().Get("Date") == "" {
		d.WriteHeader(http.StatusOK)
	}
	return d.ResponseWriter.Write(raw)
}
