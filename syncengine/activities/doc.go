// Package activities records sales activities and brings them to Marketo and to
// Salesforce, each once: it decides which deliveries an activity gets, and has the
// lanes of the outbox that send them and find out about those without an answer.
package activities
