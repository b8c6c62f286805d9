// Package salesforce is a client of Salesforce's REST API. It knows nothing of
// budgets, databases or retries: limits arrive as the transport of its http.Client,
// tokens from a TokenSource, and errors leave it typed (see Error).
//
// Four facts shape it. An access token does not say when it ends, so the only sign
// is a 401, after which a call that was not executed is made once more (Salesforce
// REST: INVALID_SESSION_ID). Every answer tells how many calls the org has left
// (Salesforce REST: Sforce-Limit-Info). A call for many records succeeds as a whole
// and tells per record, in the order of the request, what became of it (Salesforce
// REST: sObject Collections). A call that the client gave up may run for ten more
// minutes, so that a lost answer proves nothing (see Error.Ambiguous).
package salesforce
