package sftask

import (
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

// Writer writes Tasks. Stages that write to one org share one Writer, which knows how
// many Tasks the org bears at once. It is safe for concurrent use.
type Writer struct {
	outbox  *outbox.Outbox
	org     *org.Org
	creates *outbox.Gauge
}

// New returns the writer to an org.
func New(o *outbox.Outbox, to *org.Org) *Writer {
	return &Writer{outbox: o, org: to, creates: outbox.NewGauge(salesforce.MaxCollection)}
}
