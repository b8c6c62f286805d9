// Package unsubscribes sees to it that nobody emails a person who said no.
//
// What was collected here is pushed to Salesforce at once, whatever the nightly run
// does; what Salesforce has is taken over by the nightly run, and by a look at what
// changed every few minutes in between. Only unsubscribes travel: nothing here ever
// sets an opt-out to false, nor clears an unsubscribe because a record is not opted
// out. To undo one, it is cleared on both sides by hand.
//
// Marketo is asked before a send, and never told.
package unsubscribes
