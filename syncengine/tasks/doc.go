// Package tasks keeps reps' reminder tasks the same here and in Salesforce.
//
// Each task remembers its base: what Salesforce had when both sides last agreed. A
// field that differs from the base there was changed there; one that is among the
// task's edits was changed here. So two edits can be told apart and merged field by
// field, whichever side is read or written first (see merge).
//
//	edit here ─▶ task + edits, delivery pending ─▶ push ─▶ base, edits gone
//	edit there ─▶ pull: merge(base, task, theirs) ─▶ task, base
//
// Push never writes blindly. It reads the Task, merges, and writes what is left of the
// edits on the condition that nobody changed the Task since. What it reads may be a
// moment old and Salesforce counts in whole seconds, so a Task that was changed this
// very second is left alone until the second is over.
//
// Pull reads by SystemModstamp and reads the last quarter of an hour again each time:
// a stamp is taken when a transaction begins, and the row can be seen when it ends
// (Salesforce REST: polling for changes). Reading twice changes nothing, since what
// equals the base is no change. A reading that was sent before our own write ended
// says nothing about the Task that was written; it is left for the next one.
//
// A Task is created as the Tasks of activities are: with our id, and never again
// before the first is proven absent. Whatever the process did when it was killed, the
// rows say what is agreed, what is to be sent, and what is in doubt.
package tasks
