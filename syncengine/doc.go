// Package syncengine is everything that talks to another system: it keeps the
// connections, runs the background work, and answers what handlers may ask.
//
// Its stages are packages of their own (people, activities, tasks, unsubscribes,
// smartgrid), on what they share (outbox, org, sftask, who), as are the API clients
// (marketo, salesforce), the limits (budget) and the meaning of errors (failure). The
// work runs as jobs of River (jobs.go); the rows of the database are the truth and a job
// is only a nudge to look at them, so that a lost job costs seconds and nothing else.
package syncengine
