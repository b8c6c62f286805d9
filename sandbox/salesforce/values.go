package salesforce

import (
	"fmt"
	"regexp"
	"time"
	"unicode/utf16"
)

// check takes the values as the fields want them.
func (o *object) check(given map[string]any, creating bool) (map[string]any, *recordError) {
	values := map[string]any{}
	for name, value := range given {
		f := o.field(name) // unknown ones were refused for the whole call
		if creating && !f.create || !creating && !f.update {
			return nil, refused("INVALID_FIELD_FOR_INSERT_UPDATE", fmt.Sprintf("Unable to create/update fields: %s. Please check the security settings of this field and verify that it is read/write for your profile or permission set.", f.name), f.name)
		}
		if value == nil {
			if err := f.null(creating); err != nil {
				return nil, err
			}
			if !f.required { // else it has a default
				values[f.name] = nil
			}
			continue
		}
		checked, err := f.accept(value)
		if err != nil {
			return nil, err
		}
		values[f.name] = checked
	}
	return values, nil
}

// null says why a field cannot be empty; nil if it can.
func (f *field) null(creating bool) *recordError {
	switch {
	case f.kind == "boolean":
		return refused("INVALID_TYPE_ON_FIELD_IN_RECORD", f.label+": value not of required type: null", f.name)
	case f.required && !creating:
		return refused("REQUIRED_FIELD_MISSING", "Required fields are missing: ["+f.name+"]", f.name)
	}
	return nil
}

var datePattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// accept takes one value, or says why not.
func (f *field) accept(value any) (any, *recordError) {
	wrong := func() (any, *recordError) {
		return nil, refused("INVALID_TYPE_ON_FIELD_IN_RECORD", fmt.Sprintf("%s: value not of required type: %v", f.name, value), f.name)
	}
	switch f.kind {
	case "boolean":
		if _, ok := value.(bool); !ok {
			return wrong()
		}
		return value, nil
	case "int", "double":
		if number, ok := value.(float64); !ok || f.kind == "int" && number != float64(int64(number)) {
			return wrong()
		}
		return value, nil
	}
	text, ok := value.(string)
	if !ok {
		return wrong()
	}
	switch f.kind {
	case "reference":
		id, err := checkID(f.name, text)
		return id, err
	case "date":
		if _, err := time.Parse(time.DateOnly, text); err != nil || !datePattern.MatchString(text) {
			return nil, refused("JSON_PARSER_ERROR", fmt.Sprintf("Cannot deserialize instance of date from VALUE_STRING value %s", text), f.name)
		}
	case "picklist":
		if f.restricted && !contains(f.values, text) {
			return nil, refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", fmt.Sprintf("%s: bad value for restricted picklist field: %s", f.label, text), f.name)
		}
	}
	if f.length > 0 && len(utf16.Encode([]rune(text))) > f.length {
		return nil, refused("STRING_TOO_LONG", fmt.Sprintf("%s: data value too large: %.80s (max length=%d)", f.label, text, f.length), f.name)
	}
	return text, nil
}

func contains(list []string, text string) bool {
	for _, s := range list {
		if s == text {
			return true
		}
	}
	return false
}
