// Package people keeps the workspace a faithful copy of the qualified people in
// Marketo: mark, copy, store, follow, reconcile.
//
//   - Mark: the change streams' cursors are taken for "now" before anything is
//     read (follow.go), so nothing that changes during the copy is missed.
//   - Copy: everybody is read in slices (plan.go), by bulk extract (extract.go) or
//     in batches of ids (scan.go). How far a slice got is saved in the transaction
//     that stores its rows (store.go), so that a process killed at any point goes
//     on where it was.
//   - Follow: the streams yield ids, never values; they go into an inbox
//     (touched_people) in the transaction that moves the cursor, and are read again
//     in batches (reread.go) into the same store.
//   - Reconcile: a fresh extract is compared with the workspace by counts and
//     checksums, slice by slice; people who differ go into the inbox (reconcile.go).
//
// One process at a time does each of these; a lease in the database says which.
// A process that was killed leaves its lease, which ends by itself in seconds, and
// the periodic job that looks for unfinished work takes over from the checkpoint.
package people
