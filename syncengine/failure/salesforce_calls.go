package failure

// salesforceCalls has the codes about a whole call and about the org (Salesforce
// REST: status codes and error responses, API request limits). Where Salesforce or
// a gateway gives no code, the HTTP status stands for it.
var salesforceCalls = map[string]salesforceLine{
	"API_CURRENTLY_DISABLED":         {line{Access, "The connected user may not use the API.", "Give the connected user API Enabled; it is tried again every hour."}, Slow, "", 0},
	"API_DISABLED_FOR_ORG":           {line{Access, "This edition of Salesforce has no API.", "Ask Salesforce for an edition with the API, then press Test in Settings → Salesforce."}, Never, "", 0},
	"CLIENT_NOT_ACCESSIBLE_FOR_USER": {line{Access, "API Access Control keeps the connected user from this app.", "Allow the app for the connected user in Salesforce, then press Test in Settings → Salesforce."}, Never, "", 0},
	"TXN_SECURITY_NO_ACCESS":         {line{Access, "A transaction security policy blocks Sales Actions.", exempt}, Never, "", 0},
	"TXN_SECURITY_METERING_ERROR":    {line{Access, "A transaction security policy took too long.", exempt}, Never, "", 0},
	"TXN_SECURITY_RUNTIME_ERROR":     {line{Access, "A transaction security policy failed.", exempt}, Never, "", 0},
	"TXN_SECURITY_APEX_ERROR":        {line{Access, "The Apex code of a transaction security policy failed.", exempt}, Never, "", 0},

	"REQUEST_LIMIT_EXCEEDED":                {line{Intermittent, "The org's limit of API calls is reached.", "Work goes on by itself. If this happens often, lower the budget in Settings → Salesforce or buy more calls."}, Soon, "", 0},
	"QUERY_TIMEOUT":                         {line{Intermittent, "Salesforce took too long.", "It is tried again with less at once. If it lasts, give the connected user View All, which makes queries cheaper."}, Soon, HealSmallerBatch, 0},
	"REQUEST_RUNNING_TOO_LONG":              {line{Intermittent, "Salesforce took too long.", "It is tried again with less at once. If it lasts, look for slow triggers."}, Soon, HealSmallerBatch, 0},
	"OPERATION_TOO_LARGE":                   {line{Intermittent, "Salesforce would have had to look at too many records.", "It is tried again with less at once. If it lasts, give the connected user View All."}, Soon, HealSmallerBatch, 0},
	"QUERY_TOO_COMPLICATED":                 {line{Intermittent, "A query was too complicated for Salesforce.", "It is tried again with less at once. If it lasts, look for formula fields on Tasks."}, Soon, HealSmallerBatch, 0},
	"SERVER_UNAVAILABLE":                    {line{Intermittent, "Salesforce is busy.", byItself}, Soon, "", 0},
	"FUNCTIONALITY_TEMPORARILY_UNAVAILABLE": {line{Intermittent, "Salesforce has switched this off for a while.", byItself}, Soon, "", 0},
	"TOO_MANY_APEX_REQUESTS":                {line{Intermittent, "The org is running too much Apex code.", byItself}, Soon, "", 0},
	"UNKNOWN_EXCEPTION":                     {line{Other, "Salesforce had an internal error.", "It is tried three times. If it lasts, open a case with Salesforce and give it the numbers in its words."}, Soon, "", 3},
	"INTERNAL_ERROR":                        {line{Other, "Salesforce had an internal error.", "It is tried three times. If it lasts, open a case with Salesforce and give it the numbers in its words."}, Soon, "", 3},
	codeFailedWrite:                         {line{Intermittent, "The connection broke off before Salesforce answered.", "It is tried again by itself; a write is looked for first, so that nothing is there twice. If it lasts, look for slow triggers."}, Soon, "", 0},
	"408":                                   {line{Intermittent, "Salesforce waited too long for the request.", byItself}, Soon, "", 0},
	"420":                                   {line{Intermittent, "Salesforce has nothing at this address.", "It is tried a few times. If it lasts, check the address in Settings → Salesforce: the domain may have been renamed."}, Soon, "", 5},
	"429":                                   {line{Intermittent, "Salesforce asks for fewer calls.", byItself}, Soon, "", 0},
	"500":                                   {line{Other, "Salesforce had an internal error.", byItself}, Soon, "", 3},
	"502":                                   {line{Intermittent, "Salesforce's gateway did not get an answer.", byItself}, Soon, "", 0},
	"503":                                   {line{Intermittent, "Salesforce is busy.", byItself}, Soon, "", 0},
	"504":                                   {line{Intermittent, "Salesforce's gateway did not get an answer in time.", byItself}, Soon, "", 0},

	"INVALID_QUERY_LOCATOR":      {line{Other, "Salesforce does not know the place in the result any more.", "It is read anew from the start."}, Never, "", 0},
	"QUERY_LOCATOR_EXPIRED":      {line{Other, "Salesforce does not know the place in the result any more.", "It is read anew from the start."}, Never, "", 0},
	"MALFORMED_QUERY":            {line{Other, "Salesforce could not read a query.", reportBug}, Never, "", 0},
	"NUMBER_OUTSIDE_VALID_RANGE": {line{Other, "A number is outside of what Salesforce takes.", reportBug}, Never, "", 0},
	"METHOD_NOT_ALLOWED":         {line{Other, "Salesforce does not support this method at this address.", reportBug}, Never, "", 0},
	"405":                        {line{Other, "Salesforce does not support this method at this address.", reportBug}, Never, "", 0},
	"UNSUPPORTED_MEDIA_TYPE":     {line{Other, "Salesforce did not accept the request's content type.", reportBug}, Never, "", 0},
	"415":                        {line{Other, "Salesforce did not accept the request's content type.", reportBug}, Never, "", 0},
	"EXCEEDED_MAX_SIZE_REQUEST":  {line{Other, "A request was larger than Salesforce takes.", reportBug}, Never, "", 0},
	"413":                        {line{Other, "A request was larger than Salesforce takes.", reportBug}, Never, "", 0},
	"414":                        {line{Other, "An address was longer than Salesforce takes.", reportBug}, Never, "", 0},
	"431":                        {line{Other, "An address was longer than Salesforce takes.", reportBug}, Never, "", 0},
	"400":                        {line{Other, "Salesforce refused the request without saying why.", reportBug}, Never, "", 0},
	"401":                        {line{Authentication, "Salesforce does not accept the session, not even a new one.", reconnect}, Never, "", 0},
	"403":                        {line{Access, "Salesforce denies access without saying why.", "Check that the connected user has API Enabled, then press Test in Settings → Salesforce."}, Slow, "", 0},
	"404":                        {line{Other, "Salesforce has nothing at this address.", "Press Test in Settings → Salesforce; if it is well, please report this text."}, Never, "", 0},
	"GONE":                       {line{Other, "Salesforce no longer has this version of its API.", newVersion}, Never, "", 0},
	"410":                        {line{Other, "Salesforce no longer has this version of its API.", newVersion}, Never, "", 0},
	"UNSUPPORTED_API_VERSION":    {line{Other, "Salesforce does not have this version of its API.", newVersion}, Never, "", 0},
}

// Remedies of the table above.
const (
	exempt     = "Exempt the connected user from the policy, then press Test in Settings → Salesforce."
	newVersion = "Install a newer version of Sales Actions."
)

// codeFailedWrite is our name for a call without an answer.
const codeFailedWrite = "FAILED_WRITE"
