package failure

// Remedies that many of Salesforce's codes share.
const (
	reconnect   = "Press Reconnect in Settings → Salesforce."
	askSF       = "Ask a Salesforce admin to give the connected user this right, then press Retry in Diagnostics."
	checkConfig = "Check the client id, the client secret and the login address in Settings → Salesforce."
	retryAfter  = "Mend it in Salesforce, then press Retry in Diagnostics."
	nothingToDo = "Nothing needs to be done."
)

// salesforceLine is what one code means, and what may be done about it unasked.
type salesforceLine struct {
	line
	retry Retry
	heal  Heal
	tries int // most tries that make sense; 0 is no limit
}

func salesforceCode(code string) (salesforceLine, bool) {
	for _, table := range []map[string]salesforceLine{salesforceRecords, salesforceCalls, salesforceSignIn} {
		if l, known := table[code]; known {
			return l, true
		}
	}
	return salesforceLine{}, false
}

// salesforceRecords has the codes about a record and its values (Salesforce REST:
// status codes and error responses).
var salesforceRecords = map[string]salesforceLine{
	"INSUFFICIENT_ACCESS":                                 {line{Access, "The connected user may not do this in Salesforce.", "Give the connected user Edit Tasks and access to the records, then press Retry in Diagnostics."}, Never, "", 0},
	"INSUFFICIENT_ACCESS_OR_READONLY":                     {line{Access, "The connected user may only read this record.", "Give the connected user Edit Tasks and access to the records, then press Retry in Diagnostics."}, Never, "", 0},
	"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY":       {line{Access, "The connected user has no access to the lead, contact, account, opportunity or owner of the Task.", "Share these records with the connected user, then press Retry in Diagnostics."}, Never, "", 0},
	"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY":                {line{Access, "A trigger in Salesforce failed, or the connected user may not write this record.", "Salesforce's words name the trigger: have it mended, then press Retry in Diagnostics."}, Never, "", 0},
	"CUSTOM_APEX_ERROR":                                   {line{Access, "Apex code of the org refused the record.", "Salesforce's words name the code: have it mended, then press Retry in Diagnostics."}, Never, "", 0},
	"CANNOT_EXECUTE_FLOW_TRIGGER":                         {line{Access, "A flow in Salesforce failed.", "Salesforce's words name the flow: have it mended, then press Retry in Diagnostics."}, Never, "", 0},
	"ENTITY_IS_LOCKED":                                    {line{Access, "An approval process has locked the record.", "It is tried again now and then. To have it sooner, finish the approval or unlock the record, then press Retry in Diagnostics."}, Slow, "", 0},
	"RECORD_IN_USE_BY_WORKFLOW":                           {line{Access, "An approval process or a workflow is using the record.", "It is tried again now and then. To have it sooner, finish the approval, then press Retry in Diagnostics."}, Slow, "", 0},
	"FIELD_CUSTOM_VALIDATION_EXCEPTION":                   {line{Access, "A validation rule in Salesforce refused the record.", "Exempt the connected user from the rule, then press Retry in Diagnostics."}, Never, "", 0},
	"FIELD_FILTER_VALIDATION_EXCEPTION":                   {line{Access, "A lookup filter in Salesforce refused a value.", "Exempt the connected user from the filter, then press Retry in Diagnostics."}, Never, "", 0},
	"FIELD_INTEGRITY_EXCEPTION":                           {line{Access, "A value does not fit its field or the other values.", "Look at the record that Salesforce names, mend it there, then press Retry in Diagnostics."}, Never, "", 0},
	"REQUIRED_FIELD_MISSING":                              {line{Access, "The org requires a field that Sales Actions does not fill.", "Give the field a default, or require it on page layouts only, then press Retry in Diagnostics."}, Never, "", 0},
	"INVALID_FIELD":                                       {line{Access, "A field does not exist any more, or the connected user cannot see it.", "It is left out from now on. To have it, make it visible to the connected user and press Test in Settings → Salesforce."}, Never, HealDropField, 0},
	"INVALID_FIELD_FOR_INSERT_UPDATE":                     {line{Access, "The connected user may not write a field.", "It is left out from now on. To have it, make it editable for the connected user and press Test in Settings → Salesforce."}, Never, HealDropField, 0},
	"INVALID_TYPE":                                        {line{Access, "An object is hidden from the connected user.", askSF}, Never, "", 0},
	"INVALID_TYPE_ON_FIELD_IN_RECORD":                     {line{Other, "A value has the wrong type for its field.", "If the type of the field was changed in Salesforce, choose another field in Settings → Salesforce; else please report this text."}, Never, "", 0},
	"JSON_PARSER_ERROR":                                   {line{Other, "Salesforce could not read the request.", reportBug}, Never, "", 0},
	"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST":             {line{Access, "A picklist in Salesforce does not have the value.", "The value is left out. To have it, add it to the picklist or choose another in Settings → Salesforce."}, Never, HealOmitValue, 0},
	"STRING_TOO_LONG":                                     {line{Access, "A text is longer than its field.", "It is shortened. To keep it whole, make the field longer in Salesforce."}, Never, HealTruncate, 0},
	"MAX_TASK_DESCRIPTION_EXCEEEDED":                      {line{Access, "The comments of the Task are longer than Salesforce takes.", "They are shortened."}, Never, HealTruncate, 0},
	"INACTIVE_OWNER_OR_USER":                              {line{Access, "The owner of the Task is an inactive user.", "The Task goes to the connected user, and names the rep in its comments. Link the rep to an active user in Settings → Users."}, Never, HealDefaultOwner, 0},
	"INVALID_USERID":                                      {line{Access, "The owner of the Task is no user of the org.", "The Task goes to the connected user, and names the rep in its comments. Link the rep to a user of the org in Settings → Users."}, Never, HealDefaultOwner, 0},
	"TRANSFER_REQUIRES_READ":                              {line{Access, "The owner of the Task may not read the record that it belongs to.", "The Task goes to the connected user, and names the rep in its comments. Share the record with the rep's user."}, Never, HealDefaultOwner, 0},
	"OP_WITH_INVALID_USER_TYPE_EXCEPTION":                 {line{Access, "A user of this kind cannot own Tasks.", "The Task goes to the connected user, and names the rep in its comments. Link the rep to another user in Settings → Users."}, Never, HealDefaultOwner, 0},
	"INVALID_CROSS_REFERENCE_KEY":                         {line{Access, "A record that the Task belongs to is gone: it was deleted, merged or converted, or is in another org.", "Its successor is looked for. If there is none, check the person in Marketo and Salesforce."}, Never, HealFollowRecord, 0},
	"MALFORMED_ID":                                        {line{Other, "An id is no Salesforce id.", "Look at the person's Salesforce ids in Marketo."}, Never, "", 0},
	"INVALID_ID_FIELD":                                    {line{Other, "An id is no Salesforce id.", "Look at the person's Salesforce ids in Marketo."}, Never, "", 0},
	"ENTITY_IS_DELETED":                                   {line{Other, "The record was deleted in Salesforce.", "Its successor is looked for; without one, nothing needs to be done."}, Never, HealFollowRecord, 0},
	"ENTITY_IS_ARCHIVED":                                  {line{Other, "Salesforce has archived the record.", nothingToDo}, Never, "", 0},
	"NOT_FOUND":                                           {line{Other, "Salesforce does not find the record, or the connected user cannot see it.", "Its successor is looked for. If there is none, give the connected user access to it, then press Retry in Diagnostics; a reminder task that nobody needs any more can be deleted here."}, Never, HealFollowRecord, 0},
	"CANNOT_UPDATE_CONVERTED_LEAD":                        {line{Other, "The lead was converted.", "The contact is written to instead."}, Never, HealFollowRecord, 0},
	"DUPLICATE_VALUE":                                     {line{Other, "A record with this value exists already.", "If the value is the key of Sales Actions, the Task is there and nothing needs to be done; else look at the unique field that Salesforce names."}, Never, "", 0},
	"DUPLICATE_EXTERNAL_ID":                               {line{Other, "Several records have the same key.", "Tick Unique at the key field in Salesforce, then press Test in Settings → Salesforce."}, Never, "", 0},
	"300":                                                 {line{Other, "Several records have the same key.", "Tick Unique at the key field in Salesforce, then press Test in Settings → Salesforce."}, Never, "", 0},
	"MULTIPLE_CHOICES":                                    {line{Other, "Several records have the same key.", "Tick Unique at the key field in Salesforce, then press Test in Settings → Salesforce."}, Never, "", 0},
	"INVALID_EXTERNAL_ID_FIELD_NAME":                      {line{Other, "The key field of Sales Actions is gone from Salesforce.", "Tasks are told apart another way. To have the field back, install it and press Test in Settings → Salesforce."}, Never, "", 0},
	"INVALID_ENTITY_FOR_UPSERT":                           {line{Other, "The key field of Sales Actions cannot be used as a key.", "Tasks are told apart another way. To have the field back, tick External ID and Unique and press Test in Settings → Salesforce."}, Never, "", 0},
	"DUPLICATES_DETECTED":                                 {line{Access, "A duplicate rule in Salesforce blocks the change.", "It is sent again with leave to save. If that is refused too, let the rule alert instead of block."}, Never, HealAllowSave, 0},
	"UNABLE_TO_LOCK_ROW":                                  {line{Intermittent, "Somebody else was changing the same records.", byItself}, Soon, HealSmallerBatch, 0},
	"STORAGE_LIMIT_EXCEEDED":                              {line{Access, "The org's data storage is full.", "Free or buy storage in Salesforce; it is tried again now and then."}, Slow, "", 0},
	"EXCEEDED_QUOTA":                                      {line{Access, "The org's storage is full.", "Free or buy storage in Salesforce; it is tried again now and then."}, Slow, "", 0},
	"ALL_OR_NONE_OPERATION_ROLLED_BACK":                   {line{Other, "Another record of the same call was refused.", byItself}, Soon, "", 0},
	"PROCESSING_HALTED":                                   {line{Other, "Another record of the same call was refused.", byItself}, Soon, "", 0},
	"LIMIT_EXCEEDED":                                      {line{Access, "A trigger of the org does not bear this many records at once.", "Smaller batches are tried. If one record alone is refused, have the trigger mended, then press Retry in Diagnostics."}, Never, HealSmallerBatch, 0},
	"INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": {line{Intermittent, "Salesforce is being upgraded and can only be read.", byItself}, Soon, "", 0},
}
