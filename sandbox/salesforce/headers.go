package salesforce

import (
	"net/http"
	"slices"
	"strings"
)

// asks is what a call's headers ask of its changes (Salesforce REST: headers). What
// people do in the org asks for nothing, and meets no such rule.
type asks struct {
	assign     bool // let assignment rules run
	duplicates bool // let duplicate rules block
}

func asked(h http.Header) asks {
	options := strings.FieldsFunc(lower(h.Get("Sforce-Duplicate-Rule-Header")), func(r rune) bool { return strings.ContainsRune(",; ", r) })
	return asks{
		assign:     !strings.EqualFold(h.Get("Sforce-Auto-Assign"), "FALSE"),
		duplicates: !slices.Contains(options, "allowsave=true"),
	}
}

// blocked is what the org's duplicate rule says to a lead or contact that is saved.
func (t *Transaction) blocked(ch *change) *recordError {
	if !t.server.cfg.DuplicateRule || !ch.asks.duplicates || ch.object.name != "Lead" && ch.object.name != "Contact" {
		return nil
	}
	return refused("DUPLICATES_DETECTED", "Use one of these records?")
}

// assigned gives a lead that is saved to whom the org's assignment rule finds: somebody
// who does not have it.
func (t *Transaction) assigned(ch *change, values map[string]any) {
	if !t.server.cfg.AssignmentRule || !ch.asks.assign || ch.object.name != "Lead" {
		return
	}
	for _, user := range slices.Backward(t.server.tables["user"].order) {
		if user.flag("IsActive") && user.id != values["OwnerId"] {
			values["OwnerId"] = user.id
			return
		}
	}
}
