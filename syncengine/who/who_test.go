package who

import (
	"testing"

	"salesactions/models"

	"github.com/stretchr/testify/require"
)

// names are what a batch's references found: Ada (11), into whom 14 was merged; two
// people who share the office's address; Dora (15), who left and whose address Emil
// (16) has now; two people with one contact; Finn (18), who left.
func names() *People {
	return &People{
		ids: map[int64]int64{11: 11, 12: 12, 13: 13, 14: 11, 15: 15, 16: 16},
		records: map[string][]found{
			models.NormalSalesforceID("003000000000001"): {{11, true}},
			models.NormalSalesforceID("003000000000002"): {{12, true}, {13, true}},
			models.NormalSalesforceID("00Q000000000003"): {{15, false}, {16, true}},
		},
		emails: map[string][]found{
			"ada@acme.example":    {{11, true}},
			"office@acme.example": {{12, true}, {13, true}},
			"sales@acme.example":  {{15, false}, {16, true}},
			"finn@gone.example":   {{18, false}},
			"gone@gone.example":   {{18, false}, {19, false}},
		},
	}
}

func TestWhomAnActivityIsAbout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in    Ref
		want  int64
		wrong string // the field
	}{
		"our_id":                                   {in: Ref{PersonID: 11}, want: 11},
		"who_was_merged_is_the_winner":             {in: Ref{PersonID: 14}, want: 11},
		"who_left_is_still_the_person":             {in: Ref{PersonID: 15}, want: 15},
		"an_unknown_id_of_ours":                    {in: Ref{PersonID: 99}, wrong: "person_id"},
		"marketos_id":                              {in: Ref{MarketoID: 14}, want: 11},
		"an_unknown_id_of_marketo_waits":           {in: Ref{MarketoID: 99}},
		"loser_and_winner_are_one":                 {in: Ref{PersonID: 14, MarketoID: 11}, want: 11},
		"ids_of_two_people":                        {in: Ref{PersonID: 11, MarketoID: 12}, wrong: "person_id"},
		"a_contact_of_15":                          {in: Ref{SalesforceID: "003000000000001"}, want: 11},
		"a_contact_of_18":                          {in: Ref{SalesforceID: models.NormalSalesforceID("003000000000001")}, want: 11},
		"an_unknown_contact_waits":                 {in: Ref{SalesforceID: "003000000000009"}},
		"a_contact_of_two_people":                  {in: Ref{SalesforceID: "003000000000002"}, wrong: "salesforce_id"},
		"a_contact_of_two_people_and_whose":        {in: Ref{SalesforceID: "003000000000002", MarketoID: 13}, want: 13},
		"a_contact_of_two_people_and_a_third":      {in: Ref{SalesforceID: "003000000000002", PersonID: 11}, wrong: "salesforce_id"},
		"a_lead_of_who_is_here_not_of_who_left":    {in: Ref{SalesforceID: "00Q000000000003"}, want: 16},
		"a_lead_of_who_left_if_named_so":           {in: Ref{SalesforceID: "00Q000000000003", PersonID: 15}, want: 15},
		"a_contact_of_somebody_else":               {in: Ref{SalesforceID: "003000000000001", PersonID: 12}, wrong: "person_id"},
		"an_unknown_contact_of_a_known_id":         {in: Ref{SalesforceID: "003000000000009", PersonID: 12}, want: 12},
		"an_address":                               {in: Ref{Email: "Ada@Acme.example"}, want: 11},
		"an_unknown_address_waits":                 {in: Ref{Email: "new@acme.example"}},
		"a_shared_address":                         {in: Ref{Email: "office@acme.example"}, wrong: "email"},
		"a_shared_address_and_whose":               {in: Ref{Email: "office@acme.example", SalesforceID: "003000000000001"}, want: 11},
		"an_address_of_who_is_here_not_who_left":   {in: Ref{Email: "sales@acme.example"}, want: 16},
		"an_address_of_one_who_left":               {in: Ref{Email: "finn@gone.example"}, want: 18},
		"an_address_of_two_who_left":               {in: Ref{Email: "gone@gone.example"}, wrong: "email"},
		"an_id_decides_whatever_the_address_says":  {in: Ref{Email: "ada@acme.example", PersonID: 12}, want: 12},
		"an_unknown_id_is_not_guessed_around":      {in: Ref{Email: "ada@acme.example", MarketoID: 99}},
		"an_unknown_contact_is_not_guessed_around": {in: Ref{Email: "office@acme.example", SalesforceID: "003000000000009"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			person, err := names().Person(c.in)
			if c.wrong == "" {
				require.NoError(t, err)
				require.Equal(t, c.want, person)
				return
			}
			var wrong *InvalidError
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, c.wrong, wrong.Field)
			require.NotEmpty(t, wrong.Message)
		})
	}
}

func TestEverybodyWhomAnAddressMeans(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   Ref
		want []int64
	}{
		"the_one_who_has_it":                  {Ref{Email: "ada@acme.example"}, []int64{11}},
		"all_who_share_it":                    {Ref{Email: "office@acme.example"}, []int64{12, 13}},
		"who_is_here_not_who_left":            {Ref{Email: "sales@acme.example"}, []int64{16}},
		"the_one_who_left":                    {Ref{Email: "finn@gone.example"}, []int64{18}},
		"nobody_where_several_left":           {Ref{Email: "gone@gone.example"}, nil},
		"nobody_yet":                          {Ref{Email: "new@acme.example"}, nil},
		"whom_an_id_names_whatever_is_shared": {Ref{Email: "office@acme.example", MarketoID: 13}, []int64{13}},
		"an_unknown_id_is_not_guessed_around": {Ref{Email: "office@acme.example", MarketoID: 99}, nil},
		"who_was_merged_is_the_winner":        {Ref{PersonID: 14}, []int64{11}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := names().Everybody(c.in)
			require.NoError(t, err)
			require.Equal(t, c.want, all)
		})
	}
}
