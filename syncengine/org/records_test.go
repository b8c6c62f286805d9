package org

import (
	"testing"

	"salesactions/models"

	"github.com/stretchr/testify/require"
)

func TestWhatATaskHangsOn(t *testing.T) {
	t.Parallel()
	contact, lead, account, opportunity := "003000000000001", "00Q000000000001", "001000000000001", "006000000000001"
	long := func(id string) string { return models.NormalSalesforceID(id) }
	cases := map[string]struct {
		i       SalesforceIDs
		records map[string]known
		want    Target
	}{
		"a_lead_has_no_what":            {SalesforceIDs{LeadID: &lead, AccountID: &account}, nil, Target{WhoID: long(lead)}},
		"a_contact_has_its_account":     {SalesforceIDs{ContactID: &contact, AccountID: &account}, nil, Target{WhoID: long(contact), WhatID: long(account)}},
		"a_contact_comes_before_a_lead": {SalesforceIDs{ContactID: &contact, LeadID: &lead}, nil, Target{WhoID: long(contact)}},
		"marketos_opportunity_first":    {SalesforceIDs{ContactID: &contact, AccountID: &account, OpportunityID: &opportunity}, nil, Target{WhoID: long(contact), WhatID: long(opportunity)}},
		"else_the_open_one": {SalesforceIDs{ContactID: &contact, AccountID: &account}, map[string]known{contact: {opportunity: opportunity}},
			Target{WhoID: long(contact), WhatID: long(opportunity)}},
		"a_converted_lead": {SalesforceIDs{LeadID: &lead}, map[string]known{lead: {follow: long(contact), account: account}},
			Target{WhoID: long(contact), WhatID: long(account)}},
		"a_lead_merged_into_a_converted_one": {SalesforceIDs{LeadID: &lead}, map[string]known{lead: {follow: "00Q000000000002AAA"}, "00Q000000000002": {follow: contact, opportunity: opportunity}},
			Target{WhoID: long(contact), WhatID: long(opportunity)}},
		"nobody": {SalesforceIDs{}, nil, Target{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, targetOf(c.i, c.records))
		})
	}
}
