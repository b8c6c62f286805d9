// Package outbox delivers to other systems what the workspace has for them, each thing
// once. It is the only writer of the tables deliveries and destinations: what may happen
// to a delivery is the list of operations in this folder.
//
// A delivery is a row about one thing (an activity, a reminder task or an unsubscribe)
// for one destination. The stages (activities, tasks, unsubscribes) write it in the
// transaction that writes the thing, and have a lane for each kind of work. One run at a
// time delivers to a destination, because the destination's quota is one.
//
// # States
//
//	            Enqueue
//	               │
//	skipped ◀─Skip─┤
//	               ▼
//	  ┌──────── pending ◀─Requeue─ delivered, failed, skipped
//	  │ Hold ▲     │
//	  └──────┘     │ Claim
//	    Release    ▼
//	            sending ── Record ─▶ delivered   it is there
//	               ▲   ├───────────▶ failed      a person must act, and press Retry
//	               │   ├───────────▶ pending     it is tried again, or was not sent
//	               │   └───────────▶ skipped     it is not to be there
//	               └── sending without a sender: nobody knows, it is looked for
//
//	operation  who calls it           from                   to
//	Enqueue    the stage              –                      pending, skipped, delivered
//	Claim      a lane                 pending, due, no hold  sending
//	Note       a lane, before a call  sending                sending, with how to find it
//	Record     a lane, after a call   sending                any, as the outcome says
//	Reclaim    a run, as it begins    sending of other runs  pending, or sending without sender
//	Requeue    a stage, Retry         all but sending        pending
//	Hold       a stage                pending                pending that waits
//	Release    a stage                pending that waits     pending, due now
//	GiveUp     a stage                pending that waits     failed
//	Skip       a stage                pending, failed        skipped
//	Settle     a stage                pending, failed        delivered
//	Link       a stage                any                    the same, about another record
//
// No operation but Record and Reclaim takes a row out of sending.
//
// # Exactly once
//
// A claim is committed before its call is made. So a row that is sending, and not by the
// run that looks at it, is one whose outcome nobody knows: the process was killed, the
// connection broke, the answer could not be read. Reclaim decides about such rows. Calls
// that say how something is to be (updates, opt-outs, changes of tasks, which are read
// before they are made) are simply made again. A creation is looked for in the
// destination first, and only what is proven absent is sent again:
//
//   - Marketo's log is read back twice, with a wait in between, since it shows rows late.
//   - Where the Salesforce org has a unique key field, the second creation is refused.
//   - Elsewhere Salesforce is asked for the marker, after the first call must have ended.
//
// Note keeps, before the call, by which field or marker a record can be found, since an
// admin may choose another field while the outcome is open. A record whose earlier
// attempt is open is sent only with the same key in the same field.
//
// # What a failed call means
//
// The function judge in verdict.go is the one table. A lane says only what it does about
// records that may be there (Rules.Unanswered), and how to read again which fields there
// are. In short: no answer means look for it; a call that could not be made costs no
// attempt; what every call would meet pauses the destination and blames no row; what
// passes is tried later; what one of the records may have caused is sent in halves until
// that record stands alone. What one code of a system means is package failure's.
//
// A record may itself be the reason why calls have no answer. The more often a row had
// none, the fewer others are sent with it (SplitByDoubt). One that was alone in as many
// calls as the system's documentation allows is parked once it is proven absent.
//
// # What a crash leaves
//
// Before the claim: nothing. Between claim and Note: a row without a proof, which was not
// sent to Salesforce; for Marketo it is looked for. After Note: a row that is looked for.
// Between the answer and Record: the same, and it is found. After Record: nothing, since
// Record stores all outcomes of a call, and what the stage queues beside them, in one
// transaction.
//
// # Time
//
// Due times, waits, lingering and pauses are by the clock that New was given, and reach
// SQL as a parameter. Replicas whose clocks differ by some seconds send a row as much
// earlier or later, which no promise depends on. What they must agree on is who delivers:
// the lease of a run is taken and kept by the database's shared_clock(), read after the
// lease's row is locked, and every write of an outcome names its run. A run that lost its
// lease changes no row that another run has claimed since.
package outbox
