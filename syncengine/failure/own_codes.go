package failure

// NoOptOutField is our own code for a lead or contact that cannot be opted out.
const NoOptOutField = "no_opt_out_field"

// ownMarketo and ownSalesforce have the codes that we give to what keeps deliveries
// waiting, where that is no error of a call.
var (
	ownMarketo = map[string]salesforceLine{
		"not_connected": {line{Setup, "Marketo is not connected.", "Connect it in Settings → Marketo; what waits goes out by itself then."}, Soon, "", 0},
		"no_slots": {line{Setup, "Marketo has too little room for our custom activity types.",
			"Delete custom activity types that nobody needs in Marketo (Admin → Custom Activities), then press Try again in Settings → Marketo."}, Soon, "", 0},
		"types_missing": {line{Setup, "An activity type of ours is missing in Marketo, or not approved.",
			"Press Set up in Settings → Marketo; it is tried again by itself, too."}, Soon, "", 0},
	}
	ownSalesforce = map[string]salesforceLine{
		"not_connected": {line{Setup, "Salesforce is not connected.", "Connect it in Settings → Salesforce; what waits goes out by itself then."}, Soon, "", 0},
		"needs_reconnect": {line{Authentication, "Salesforce does not accept the connection any more.",
			"Press Connect in Settings → Salesforce; what waits goes out by itself then."}, Soon, "", 0},
		"no_tasks": {line{Access, "The connected Salesforce user may not create Tasks.",
			"Give the user the permission Edit Tasks in Salesforce, then press Test in Settings → Salesforce."}, Soon, "", 0},
		"field_gone": {line{Setup, "It is not known whether this Task was created, and the field by which it would be found again is gone from Salesforce, or hidden from the connected user.",
			"Put the field back, or give the user access to it, then press Retry in Diagnostics."}, Never, "", 0},
		NoOptOutField: {line{Access, "Leads or contacts have no checkbox for the opt-out that the connected user may edit.",
			"Give the user edit access to the field in Salesforce, or choose another in Settings → Unsubscribes; press Test in Settings → Salesforce, then Retry."}, Never, "", 0},
	}
)

// OwnMarketo returns why nothing is delivered to Marketo, by a code of ours. A code that
// is not in the table has no words: a test knows them all.
func OwnMarketo(code string) *PausedError { return own(ownMarketo, code) }

// OwnSalesforce does so for Salesforce.
func OwnSalesforce(code string) *PausedError { return own(ownSalesforce, code) }

func own(table map[string]salesforceLine, code string) *PausedError {
	l := table[code]
	return &PausedError{Class: l.class, Code: code, Text: l.text, Remedy: l.remedy}
}

// Saying returns the same reason in words that know more of this case.
func (e *PausedError) Saying(text string) *PausedError {
	said := *e
	said.Text = text
	return &said
}
