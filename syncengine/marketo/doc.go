// Package marketo is a client of Marketo Engage's REST API. It knows nothing of
// budgets, databases or retries: limits arrive as the transport of its
// http.Client, and errors leave it typed (see Error).
//
// Three facts shape it. Almost every error arrives as HTTP 200, so success is
// decided by the envelope (Marketo REST: error codes). A token lives an hour and
// is shared by everybody who uses the same custom service (Marketo REST:
// authentication). A missing field is null, so a Lead has only fields with values.
package marketo
