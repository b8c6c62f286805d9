package handlers

// auditText is what the audit log says for an action; one that it has no words for is
// shown as it is.
func auditText(action string) string {
	words := map[string]string{
		"deliveries.retry": "Retried deliveries", "logging.backfill": "Logged what happened before", "logging.change": "Changed what is logged",
		"marketo.activity_types": "Set up Marketo's activity types", "marketo.connect": "Connected Marketo", "marketo.disconnect": "Disconnected Marketo", "marketo.links": "Changed the links to records",
		"marketo.webhook_secret": "Made a webhook secret", "qualification.save": "Changed who qualifies",
		"reps.link": "Linked a rep with Salesforce", "reps.unlink": "Unlinked a rep from Salesforce",
		"salesforce.connect": "Connected Salesforce", "salesforce.disconnect": "Disconnected Salesforce", "salesforce.save": "Saved the app in Salesforce",
		"session.start": "Signed in", "session.end": "Signed out", "session.end_all": "Signed out everywhere",
		"sync.start": "Started the sync", "sync.pause": "Paused the sync", "sync.resume": "Resumed the sync", "sync.reconcile": "Started a reconciliation",
		"tokens.create": "Made an API token", "tokens.revoke": "Revoked an API token",
		"unsubscribes.change": "Changed the handling of unsubscribes", "unsubscribes.clear": "Cleared an unsubscribe", "unsubscribes.sync": "Compared unsubscribes with Salesforce",
		"users.accept": "Accepted an invitation", "users.add": "Added a user", "users.activate": "Reactivated a user", "users.deactivate": "Deactivated a user", "users.invite": "Invited a user",
		"users.invitation": "Made a new invitation link", "users.password": "Changed the password", "users.role": "Changed a role", "users.signout": "Signed a user out",
	}
	if text := words[action]; text != "" {
		return text
	}
	return action
}

// auditName is what the audit log calls a detail, such as a setting.
func auditName(name string) string {
	switch name {
	case "sync_tasks":
		return "reminder tasks in step with Salesforce"
	case "marketo_check":
		return "Marketo asked before a send"
	case "nightly_unsubscribes":
		return "compared with Salesforce each night"
	case "opt_out_field":
		return "opt-out field"
	case "log_emails":
		return "emails logged"
	case "log_replies":
		return "replies logged"
	case "log_calls":
		return "calls logged"
	}
	return ""
}
