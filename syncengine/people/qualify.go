package people

import (
	"fmt"
	"slices"
	"strings"
)

// Mode is the way in which people are selected.
type Mode string

// The modes. "Owner field" works everywhere and needs nothing of the admin; the
// others serve instances where Marketo does not hold the owner of contacts.
const (
	ModeOwnerField Mode = "owner_field"
	ModeSmartList  Mode = "smart_list"
	ModeStaticList Mode = "static_list"
	ModeCRMLinked  Mode = "crm_linked"
)

// Rule is the one predicate that decides who is in the workspace, with the names
// of the fields that instances keep in different places.
type Rule struct {
	Mode           Mode     `json:"mode"`
	ListID         int64    `json:"list_id,omitempty"`
	ListName       string   `json:"list_name,omitempty"`
	OwnerFields    []string `json:"owner_fields,omitempty"`
	LinkedInFields []string `json:"linkedin_fields,omitempty"`
	SourceFields   []string `json:"source_fields,omitempty"`
}

// Validate says what is wrong with a rule, in words for an admin.
func (r Rule) Validate() error {
	switch r.Mode {
	case ModeOwnerField, ModeCRMLinked:
		return nil
	case ModeSmartList, ModeStaticList:
		if r.ListID <= 0 && strings.TrimSpace(r.ListName) == "" {
			return fmt.Errorf("give the id or the name of the list")
		}
		return nil
	default:
		return fmt.Errorf("choose how people are selected: owner_field, smart_list, static_list or crm_linked")
	}
}

// Qualifies says whether a person belongs to the workspace. Membership of a list
// is not visible in a person's values: in the list modes everybody whom the list's
// extract returns qualifies (see Listed), and a change is judged by the owner.
func (r Rule) Qualifies(row Row) bool {
	if r.Mode == ModeCRMLinked {
		return row.LeadID != nil || row.ContactID != nil
	}
	return row.OwnerID != nil
}

// Listed says that the list decides, not the values.
func (r Rule) Listed() bool { return r.Mode == ModeSmartList || r.Mode == ModeStaticList }

// owners are the fields that may hold a sales owner (Marketo REST: standard fields).
func (r Rule) owners() []string {
	return orDefault(r.OwnerFields, "sfdcLeadOwnerId", "externalSalesPersonId")
}

// linkedIn are the fields that may hold the LinkedIn URL; a social field that not
// every instance has.
func (r Rule) linkedIn() []string { return orDefault(r.LinkedInFields, "linkedInProfileURL") }

func (r Rule) source() []string { return orDefault(r.SourceFields, "leadSource") }

func orDefault(names []string, defaults ...string) []string {
	names = slices.DeleteFunc(slices.Clone(names), func(s string) bool { return strings.TrimSpace(s) == "" })
	if len(names) == 0 {
		return defaults
	}
	return names
}
