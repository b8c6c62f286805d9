package syncengine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

// ownerOf sends an email of a rep and returns whose the Task is.
func ownerOf(o *enginetest.Office, in syncengine.ActivityInput) any {
	o.T.Helper()
	id := o.Record(in)[0]
	o.Settled(models.ToSalesforce, 30*time.Second)
	tasks := o.Tasks()[id.String()]
	require.Len(o.T, tasks, 1)
	return tasks[0]["OwnerId"]
}

func TestALinkOfARepHoldsAtOnceAndIsNeverTakenAway(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	email := func(key string) syncengine.ActivityInput {
		in := o.Email(key)
		in.RepEmail = "rep@example.com"
		return in
	}
	matched := ownerOf(o, email("a"))
	var other string
	for r := range o.Org.Records("User", false) {
		if r.Values["Email"] == "admin@example.com" {
			other = r.ID
		}
	}
	require.NotEqual(t, other, matched)
	require.NoError(t, o.Engine.LinkRep(t.Context(), "rep@example.com", other, "test"))
	require.Equal(t, other, ownerOf(o, email("b")), "at once")

	_, err := o.Org.Act("deactivate", "User", other, nil)
	require.NoError(t, err)
	require.NotEqual(t, other, ownerOf(o, email("c")), "the connected user owns it")
	reps := func() syncengine.Rep {
		list, err := o.Engine.ListReps(t.Context())
		require.NoError(t, err)
		for _, r := range list {
			if r.Email == "rep@example.com" {
				return r
			}
		}
		return syncengine.Rep{}
	}
	require.True(t, reps().Linked, "the admin's link stays")
	require.False(t, reps().Matched, "and shows as not good")
	require.Equal(t, other, reps().UserID)
}

func TestUsersOfAnotherOrgAreNotBelieved(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	_, err := o.DB.Pool.Exec(t.Context(), `INSERT INTO salesforce_reps (email, user_id, user_name, linked_by, instance)
		VALUES ('rep@example.com', '005000000000001AAA', 'Of another', NULL, 'https://other.my.salesforce.com'),
			('linked@example.com', '005000000000001AAA', 'Of another', 'test', 'https://other.my.salesforce.com')`)
	require.NoError(t, err)
	for _, rep := range []string{"rep@example.com", "linked@example.com"} {
		in := o.Email(rep)
		in.RepEmail = rep
		require.NotEqual(t, "005000000000001AAA", ownerOf(o, in))
	}
	var refused bool
	require.NoError(t, o.DB.Pool.QueryRow(t.Context(), `SELECT refused_at IS NOT NULL FROM salesforce_reps WHERE email = 'linked@example.com'`).Scan(&refused))
	require.True(t, refused)
}
