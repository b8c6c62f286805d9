package failure

import "strings"

// salesforceSignIn has the codes about the connection (Salesforce REST: session
// errors; Salesforce OAuth: error codes). Those in capitals that OAuth does not
// send are names of ours for the kinds of invalid_grant.
var salesforceSignIn = map[string]salesforceLine{
	"INVALID_SESSION_ID":             {line{Authentication, "Salesforce does not accept the session, not even a new one.", reconnect}, Never, "", 0},
	"INVALID_AUTH_HEADER":            {line{Authentication, "Salesforce could not read who is calling.", reportBug}, Never, "", 0},
	"AUTHENTICATION_FAILURE":         {line{Authentication, "The connected user's password or the user was changed.", reconnect}, Never, "", 0},
	"EXPIRED_ACCESS":                 {line{Authentication, "The connection was revoked, has expired, or was replaced by newer ones.", reconnect}, Never, "", 0},
	"INACTIVE_USER":                  {line{Authentication, "The connected user was deactivated.", "Activate the user in Salesforce, or press Reconnect in Settings → Salesforce as another user."}, Never, "", 0},
	"INACTIVE_ORGANIZATION":          {line{Authentication, "The Salesforce org has expired or is locked.", "Ask Salesforce to activate the org, then press Reconnect in Settings → Salesforce."}, Never, "", 0},
	"INVALID_GRANT":                  {line{Authentication, "Salesforce does not renew the connection.", reconnect}, Never, "", 0},
	"IP_RESTRICTED":                  {line{Authentication, "Salesforce allows the connected user to sign in from some addresses only.", "Add this server's address to the login ranges of the user's profile, or relax IP restrictions in the app's policy, then press Reconnect in Settings → Salesforce."}, Never, "", 0},
	"EXPIRED_CODE":                   {line{Authentication, "Signing in took too long, or was done twice.", "Press Connect in Settings → Salesforce again."}, Never, "", 0},
	"CODE_VERIFIER":                  {line{Authentication, "Signing in was begun in another window or was interrupted.", "Press Connect in Settings → Salesforce again."}, Never, "", 0},
	"NOT_APPROVED":                   {line{Authentication, "The user has not approved the app.", "Let admins approve the app's users in Salesforce, and give the app to the user's profile or permission set."}, Never, "", 0},
	"NO_RUN_AS_USER":                 {line{Authentication, "The app in Salesforce has no user to run as.", "Choose a Run As user for the client credentials flow at the app in Salesforce."}, Never, "", 0},
	"WRONG_DOMAIN":                   {line{Authentication, "This way of signing in does not work at this login address.", "Put the org's My Domain address into Settings → Salesforce."}, Never, "", 0},
	"INVALID_ASSERTION":              {line{Authentication, "Salesforce does not accept the signed request.", "Check the certificate, the login address in Settings → Salesforce, and this server's clock."}, Never, "", 0},
	"INVALID_LOGIN":                  {line{Authentication, "The org's login policy does not let the connected user in.", reconnect}, Never, "", 0},
	"PASSWORD_LOCKOUT":               {line{Authentication, "The connected user is locked after wrong passwords.", "Unlock the user in Salesforce, then press Reconnect in Settings → Salesforce."}, Never, "", 0},
	"LOGIN_DURING_RESTRICTED_DOMAIN": {line{Authentication, "The connected user may not sign in from this server's address.", "Add the address to the login ranges of the user's profile, then press Reconnect in Settings → Salesforce."}, Never, "", 0},
	"LOGIN_DURING_RESTRICTED_TIME":   {line{Authentication, "The connected user may not sign in at this time.", "Lift the login hours of the user's profile, then press Reconnect in Settings → Salesforce."}, Never, "", 0},
	"ORG_LOCKED":                     {line{Authentication, "Salesforce has locked the org.", "Ask Salesforce why, then press Reconnect in Settings → Salesforce."}, Never, "", 0},
	"TRIAL_EXPIRED":                  {line{Authentication, "The org's trial has ended.", "Ask Salesforce to activate the org, then press Reconnect in Settings → Salesforce."}, Never, "", 0},
	"OAUTH_APP_BLOCKED":              {line{Access, "A Salesforce admin has blocked the app.", "Unblock the app in Salesforce, then press Reconnect in Settings → Salesforce."}, Never, "", 0},
	"OAUTH_APP_ACCESS_DENIED":        {line{Access, "The app is not allowed for the connected user.", "Give the app to the user's profile or permission set, then press Reconnect in Settings → Salesforce."}, Never, "", 0},

	"invalid_request":           {line{Authentication, "Salesforce does not accept the request to sign in.", "Press Connect in Settings → Salesforce again; if it lasts, please report this text."}, Never, "", 0},
	"invalid_app_access":        {line{Authentication, "The user is not approved for the app.", "Give the app to the user's profile or permission set in Salesforce, then press Connect in Settings → Salesforce."}, Never, "", 0},
	"invalid_client_id":         {line{Authentication, "Salesforce does not know the client id.", "Check the client id in Settings → Salesforce. A new app takes up to ten minutes to be known everywhere."}, Never, "", 0},
	"invalid_client":            {line{Authentication, "Salesforce does not accept the client id or the client secret.", "Copy both anew from the app in Salesforce to Settings → Salesforce. A new app takes up to ten minutes to be known everywhere."}, Never, "", 0},
	"redirect_uri_mismatch":     {line{Authentication, "The app in Salesforce does not have this callback address.", callback}, Never, "", 0},
	"redirect_uri_missing":      {line{Authentication, "The app in Salesforce has no callback address.", callback}, Never, "", 0},
	"access_denied":             {line{Authentication, "Access was denied while signing in to Salesforce.", "Press Connect in Settings → Salesforce again and choose Allow."}, Never, "", 0},
	"unsupported_grant_type":    {line{Authentication, "The app in Salesforce does not allow this way of signing in.", "Allow the flow at the app in Salesforce."}, Never, "", 0},
	"invalid_scope":             {line{Authentication, "The app in Salesforce lacks a scope.", "Add the scopes api and refresh_token to the app in Salesforce."}, Never, "", 0},
	"unsupported_response_type": {line{Authentication, "The app in Salesforce does not allow this way of signing in.", checkConfig}, Never, "", 0},
	"rate_limit_exceeded":       {line{Intermittent, "The connected user has signed in too often in the last hour.", "It is tried again every hour. If it lasts, let other integrations use users of their own."}, Slow, "", 0},
}

const callback = "Add the callback address that Settings → Salesforce shows to the app in Salesforce."

// grantKinds tells the kinds of invalid_grant apart, which has no codes for them
// (Salesforce OAuth: error codes). The first whose words are in the description
// counts.
var grantKinds = []struct{ words, code string }{
	{"expired access", "EXPIRED_ACCESS"},
	{"inactive user", "INACTIVE_USER"},
	{"inactive org", "INACTIVE_ORGANIZATION"},
	{"ip restricted", "IP_RESTRICTED"},
	{"authentication failure", "AUTHENTICATION_FAILURE"},
	{"authorization code", "EXPIRED_CODE"},
	{"code verifier", "CODE_VERIFIER"},
	{"code challenge", "CODE_VERIFIER"},
	{"approved this consumer", "NOT_APPROVED"},
	{"no client credentials user", "NO_RUN_AS_USER"},
	{"not supported on this domain", "WRONG_DOMAIN"},
	{"audience", "INVALID_ASSERTION"},
	{"assertion", "INVALID_ASSERTION"},
	{"login rate exceeded", "rate_limit_exceeded"},
}

// signInCode is the code in our table for what the token service says.
func signInCode(code, description string) string {
	switch code {
	case "inactive_user":
		return "INACTIVE_USER"
	case "inactive_org":
		return "INACTIVE_ORGANIZATION"
	case "invalid_grant", "invalid_request":
	default:
		return code
	}
	description = strings.ToLower(description)
	for _, kind := range grantKinds {
		if strings.Contains(description, kind.words) {
			return kind.code
		}
	}
	if code == "invalid_grant" {
		return "INVALID_GRANT"
	}
	return code
}
