// Package live tells open pages that something changed.
//
// Whoever changes something calls pg_notify('salesactions_live', topic), best in
// the transaction of the change, so that the word is out exactly when the change
// can be seen. Each replica has one Hub with one connection of its own that
// listens, and hands the topic to the browsers that asked for it. An event says
// only "changed": the page fetches what it shows, with the rights of whoever looks.
//
// Events may be lost, never their effect. A page is read at one moment and follows
// its topics from a later one, so it names the cursor of before it was read, and is
// told what changed in between. After a break of the connection every topic counts as
// changed, a browser that comes back is told of all its topics, and pages poll now
// and then besides.
package live
