// Package live tells open pages that something changed.
//
// Whoever changes something calls pg_notify('salesactions_live', topic), best in
// the transaction of the change, so that the word is out exactly when the change
// can be seen. Each replica has one Hub with one connection of its own that
// listens, and hands the topic to the browsers that asked for it. An event says
// only "changed": the page fetches what it shows, with the rights of whoever looks.
//
// Events may be lost, never their effect: after a break of the connection every
// topic counts as changed, a browser that comes back is told of all its topics,
// and pages poll now and then besides.
package live
