package models

import (
	"database/sql/driver"
	"strings"
)

// SalesforceIDForms returns the 15- and 18-character forms of a Salesforce id,
// which name the same record; any other text only as it is.
func SalesforceIDForms(id string) []string {
	id = strings.TrimSpace(id)
	if len(id) != 15 && len(id) != 18 {
		return []string{id}
	}
	short := id[:15]
	return []string{short, short + salesforceSuffix(short)}
}

// NormalSalesforceID is the 18-character form of a Salesforce id.
func NormalSalesforceID(id string) string {
	forms := SalesforceIDForms(id)
	return forms[len(forms)-1]
}

// salesforceSuffix is the three characters that make an id safe where case is
// lost: one for each five characters, a bit for each capital letter.
func salesforceSuffix(short string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	suffix := make([]byte, 0, 3)
	for group := 0; group < 15; group += 5 {
		index := 0
		for i := range 5 {
			if c := short[group+i]; c >= 'A' && c <= 'Z' {
				index |= 1 << i
			}
		}
		suffix = append(suffix, alphabet[index])
	}
	return string(suffix)
}

// textArray hands a slice to PostgreSQL as one text[] parameter; GORM would
// spread it into a list.
type textArray []string

// Value implements driver.Valuer with PostgreSQL's array literal.
func (a textArray) Value() (driver.Value, error) {
	quoted := make([]string, len(a))
	for i, s := range a {
		quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}", nil
}
