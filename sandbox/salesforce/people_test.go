package salesforce

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// two returns two people of an object.
func (o *bundle) two(object string) (first, second string) {
	o.t.Helper()
	for r := range o.server.Records(object, false) {
		if first == "" {
			first = r.ID
			continue
		}
		return first, r.ID
	}
	require.FailNow(o.t, "there are no two of "+object)
	return "", ""
}

func TestAConvertedLeadIsAContact(t *testing.T) {
	t.Parallel()
	o, clock := timed(t, Config{OptOutField: "No_Sales__c"})
	lead, other := o.two("Lead")
	open, closed := o.task(values{"Subject": "open", "WhoId": lead}), o.task(values{"Subject": "closed", "WhoId": lead, "Status": "Completed"})
	o.call(http.MethodPatch, "/sobjects/Lead/"+lead, values{"No_Sales__c": true, "HasOptedOutOfEmail": true}).is(http.StatusNoContent, nil)
	clock.Advance(time.Minute)
	_, err := o.server.Act("convert", "Lead", lead, nil)
	require.NoError(t, err)

	was := o.held("Lead", lead)
	require.Equal(t, true, was["IsConverted"])
	contact := o.held("Contact", was["ConvertedContactId"].(string))
	for _, name := range []string{"LastName", "Email", "OwnerId", "HasOptedOutOfEmail", "No_Sales__c"} {
		require.Equal(t, was[name], contact[name], name)
	}
	require.Equal(t, was["ConvertedAccountId"], contact["AccountId"])
	require.Equal(t, "2026-03-10T09:31:15.000+0000", contact["SystemModstamp"])
	require.Equal(t, contact["Id"], o.held("Task", open)["WhoId"])
	require.Equal(t, contact["AccountId"], o.held("Task", open)["AccountId"])
	require.Equal(t, lead, o.held("Task", closed)["WhoId"])

	o.call(http.MethodPatch, "/sobjects/Lead/"+lead, values{"HasOptedOutOfEmail": false}).refused(http.StatusBadRequest, "CANNOT_UPDATE_CONVERTED_LEAD")
	for do, with := range map[string]values{"convert": nil, "update": {"Title": "x"}, "merge": {"into": other}} {
		_, err = o.server.Act(do, "Lead", lead, with)
		require.ErrorContains(t, err, "CANNOT_UPDATE_CONVERTED_LEAD", do)
	}
}

func TestAMergedPersonIsDeletedAndTheWinnerHasTheirTasks(t *testing.T) {
	t.Parallel()
	for _, object := range []string{"Lead", "Contact"} {
		t.Run(object, func(t *testing.T) {
			t.Parallel()
			o, clock := timed(t, Config{})
			loser, winner := o.two(object)
			open, closed := o.task(values{"WhoId": loser}), o.task(values{"WhoId": loser, "Status": "Completed"})
			before := o.held("Task", open)
			clock.Advance(time.Minute)
			_, err := o.server.Act("merge", object, loser, values{"into": winner[:15]})
			require.NoError(t, err)
			require.Equal(t, true, o.held(object, loser)["IsDeleted"])
			require.Equal(t, winner, o.held(object, loser)["MasterRecordId"])
			for _, id := range []string{open, closed} {
				require.Equal(t, winner, o.held("Task", id)["WhoId"])
			}
			after := o.held("Task", open)
			require.NotEqual(t, before["SystemModstamp"], after["SystemModstamp"])
			require.Equal(t, before["LastModifiedDate"], after["LastModifiedDate"], "nobody has edited it")
			require.Equal(t, o.held(object, winner)["AccountId"], after["AccountId"])

			o.call(http.MethodPatch, "/sobjects/"+object+"/"+loser, values{"HasOptedOutOfEmail": true}).refused(http.StatusNotFound, "ENTITY_IS_DELETED")
			results := o.saveMany(http.MethodPatch, "", false, []values{{"attributes": values{"type": object}, "id": loser, "HasOptedOutOfEmail": true}})
			require.Equal(t, "ENTITY_IS_DELETED", results[0].Errors[0].StatusCode)
			for _, into := range []string{winner, loser, "", open} {
				_, err = o.server.Act("merge", object, winner, values{"into": into})
				require.Error(t, err, "into %q", into)
			}
		})
	}
}

func TestWhatIsNeverEmptyCannotBeCleared(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	lead, _ := o.someone("Lead")
	task := o.task(values{"Subject": "x", "Status": nil, "Priority": nil})
	require.Equal(t, "Not Started", o.held("Task", task)["Status"])
	o.call(http.MethodPatch, "/sobjects/Lead/"+lead, values{"HasOptedOutOfEmail": nil}).refused(http.StatusBadRequest, "INVALID_TYPE_ON_FIELD_IN_RECORD")
	o.call(http.MethodPatch, "/sobjects/Lead/"+lead, values{"HasOptedOutOfEmail": "true"}).refused(http.StatusBadRequest, "INVALID_TYPE_ON_FIELD_IN_RECORD")
	for _, name := range []string{"Status", "Priority", "OwnerId"} {
		o.call(http.MethodPatch, "/sobjects/Task/"+task, values{name: nil}).refused(http.StatusBadRequest, "REQUIRED_FIELD_MISSING")
	}
	var described struct {
		Fields []struct {
			Name                        string
			Nillable, DefaultedOnCreate bool
		}
	}
	o.call(http.MethodGet, "/sobjects/Lead/describe", nil).is(http.StatusOK, &described)
	for _, f := range described.Fields {
		if f.Name == "HasOptedOutOfEmail" {
			require.False(t, f.Nillable)
			require.True(t, f.DefaultedOnCreate)
		}
	}
}
