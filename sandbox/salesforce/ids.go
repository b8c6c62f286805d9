package salesforce

import (
	"fmt"
	"strings"
)

// Prefixes of ids say what a record is (Salesforce: key prefixes).
var prefixes = map[string]string{"Account": "001", "Contact": "003", "User": "005", "Opportunity": "006", "Lead": "00Q", "Task": "00T",
	"Organization": "00D", "OpportunityContactRole": "00K", "TaskStatus": "01J", "TaskPriority": "01K"}

func objectOf(id string) string {
	for object, prefix := range prefixes {
		if strings.HasPrefix(id, prefix) {
			return object
		}
	}
	return ""
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newID makes an 18-character id of a number.
func newID(prefix string, n int64) string {
	var digits [12]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = base62[n%62]
		n /= 62
	}
	copy(digits[:2], "5g") // as the people's ids have it
	return long(prefix + string(digits[:]))
}

// long makes the 18-character form: three letters tell which of the first 15 are
// capitals.
func long(id string) string {
	if len(id) != 15 {
		return id
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	suffix := ""
	for group := 0; group < 15; group += 5 {
		bits := 0
		for i := range 5 {
			if c := id[group+i]; c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		suffix += string(letters[bits])
	}
	return id + suffix
}

// checkID normalises an id, or says what is wrong with it.
func checkID(field, id string) (string, *recordError) {
	if len(id) != 15 && len(id) != 18 || strings.Trim(id, base62) != "" {
		return "", refused("MALFORMED_ID", fmt.Sprintf("%s: id value of incorrect type: %s", field, id), field)
	}
	if len(id) == 18 && long(id[:15]) != id {
		return "", refused("MALFORMED_ID", fmt.Sprintf("%s: id value of incorrect type: %s", field, id), field)
	}
	return long(id[:15]), nil
}

// recordError is an error of one record.
type recordError struct {
	Code    string   `json:"statusCode"`
	Message string   `json:"message"`
	Fields  []string `json:"fields"`
}

func (e *recordError) Error() string { return e.Code + ": " + e.Message }

func refused(code, message string, fields ...string) *recordError {
	if fields == nil {
		fields = []string{}
	}
	return &recordError{code, message, fields}
}
