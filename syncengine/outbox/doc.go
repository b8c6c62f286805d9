// Package outbox brings what the workspace has to say to another system, once.
//
// The table deliveries is the outbox: a row for each thing that is to be in a
// destination, written in the transaction that writes the thing. One run at a time
// delivers to a destination, kept to one by a lease, because the destination's quota
// and the order of its answers are one. What the rows are about, and how they are
// sent, is the stages' affair: each gives the Deliverer its lanes.
//
//	pending ─ claim ─▶ sending ─┬─ told so ────────────▶ delivered
//	   ▲                        ├─ refused for good ───▶ failed (Diagnostics, Retry)
//	   │                        ├─ refused for now ────▶ pending, due later
//	   │                        └─ no answer ──────────▶ sending without a sender
//	   │                                                     │ looked for
//	   └───────────────── proven absent ◀───────────────────┴──▶ found: delivered
//
// A claim is committed before the call is made. So a row that is sending, and not by
// the run that looks at it, is one whose outcome nobody knows: a crash, a broken
// connection, an unreadable answer. It is never simply sent again. How its outcome is
// found out is each lane's own: Marketo's log is read back, Salesforce refuses the
// second Task with the same key, or is asked for the marker; a change that says what
// is, and not what to add, is made again.
//
// A record may itself be the reason why calls have no answer. The more often a row had
// none, the fewer others go with it; one that was alone in as many calls as the other
// system's documentation lets one try is parked when it is proven absent.
//
// What keeps everything from being sent pauses the destination, and no row is blamed
// for it. The pause ends with the first delivery, or with a run that nothing kept.
//
// What a crash leaves: before the claim, nothing; after it, sending rows of a run
// that is over, which the next run looks for; after the answer was stored, nothing.
package outbox
