package syncengine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/enginetest"
)

// Ids of the sandbox's named cast.
const (
	ada     int64 = 1001
	wangWei int64 = 1002
	zoe     int64 = 1003
	grace   int64 = 1004
	noOwner int64 = 1005
	adaKing int64 = 1006
)

func archived(b *enginetest.Bundle, id int64) *models.Person {
	b.T.Helper()
	p, err := models.FindPerson(b.T.Context(), b.DB.Gorm, id)
	require.NoError(b.T, err)
	if p.ArchivedAt == nil {
		return nil
	}
	return &p
}

func TestIncrementalSync(t *testing.T) {
	t.Parallel()
	sandbox := enginetest.CrowdConfig()
	sandbox.HasOpportunity = true
	b := enginetest.Setup(t, sandbox, enginetest.EngineConfig())
	b.Copied()

	t.Run("each_field_that_changes_arrives", func(t *testing.T) {
		for _, theirs := range fieldNames {
			if theirs == "sfdcLeadOwnerId" {
				continue
			}
			require.NoError(t, b.Sandbox.Change(ada, map[string]string{theirs: "new " + theirs}))
			equal(b)
		}
		require.NoError(t, b.Sandbox.Change(ada, map[string]string{"title": "", "phone": "x\r\ny\n z "}))
		equal(b)
		changes, err := models.PersonChanges(t.Context(), b.DB.Gorm, ada, 100)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(changes), 13)
	})

	t.Run("an_owner_gained_brings_a_person_and_an_owner_lost_archives_one", func(t *testing.T) {
		require.NoError(t, b.Sandbox.SetOwner(noOwner, "005000000000001AAA"))
		require.NoError(t, b.Sandbox.SetOwner(grace, ""))
		equal(b)
		require.Equal(t, models.ArchivedOwnerLost, *archived(b, grace).ArchiveReason)
		require.NoError(t, b.Sandbox.SetOwner(grace, "005000000000001AAA"))
		equal(b)
		require.Nil(t, archived(b, grace))
	})

	t.Run("new_deleted_converted_and_merged_people_follow", func(t *testing.T) {
		id, err := b.Sandbox.Create(map[string]string{"lastName": "New", "email": "new@example.com", "sfdcLeadOwnerId": "005000000000001AAA"})
		require.NoError(t, err)
		equal(b)
		require.NoError(t, b.Sandbox.Convert(zoe))
		require.NoError(t, b.Sandbox.Delete(id))
		equal(b)
		require.Equal(t, models.ArchivedDeleted, *archived(b, id).ArchiveReason)
		require.NoError(t, b.Sandbox.Merge(ada, adaKing, wangWei))
		equal(b)
		for _, loser := range []int64{adaKing, wangWei} {
			p := archived(b, loser)
			require.Equal(t, models.ArchivedMerged, *p.ArchiveReason)
			require.Equal(t, ada, *p.MergedInto)
		}
	})

	t.Run("two_changes_in_one_second_both_count", func(t *testing.T) {
		require.NoError(t, b.Sandbox.Change(ada, map[string]string{"title": "First"}))
		require.NoError(t, b.Sandbox.Change(ada, map[string]string{"title": "Second", "phone": "2"}))
		require.NoError(t, b.Sandbox.Change(zoe, map[string]string{"title": "Same second"}))
		equal(b)
	})

	t.Run("a_company_renamed_for_an_account_reaches_all_its_people", func(t *testing.T) {
		require.NoError(t, b.Sandbox.RenameCompany(grace, "Renamed Ltd."))
		equal(b)
	})

	t.Run("a_place_in_the_log_that_is_refused_is_taken_anew_and_nothing_is_missed", func(t *testing.T) {
		require.NoError(t, b.Sandbox.Change(zoe, map[string]string{"title": "Before"}))
		b.Sandbox.RefuseTokens()
		require.NoError(t, b.Sandbox.Change(grace, map[string]string{"title": "After"}))
		equal(b)
	})

	t.Run("a_webhook_brings_a_change_at_once", func(t *testing.T) {
		require.NoError(t, b.Sandbox.Change(zoe, map[string]string{"title": "Pushed"}))
		require.NoError(t, b.Engine.Touch(t.Context(), zoe))
		equal(b)
	})

	b.Innocent()
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	b := enginetest.Setup(t, enginetest.CrowdConfig(), enginetest.EngineConfig())
	b.Copied()
	people, err := models.PeopleWithEmail(t.Context(), b.DB.Gorm, "ADA@acme.example", 10)
	require.NoError(t, err)
	require.Len(t, people, 2)
	shared, err := models.SharedEmails(t.Context(), b.DB.Gorm, []string{"nobody@example.com", "ada@acme.example"})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"ada@acme.example": 2}, shared)
}

func TestChangesDuringTheCopy(t *testing.T) {
	t.Parallel()
	b := enginetest.Setup(t, enginetest.CrowdConfig(), enginetest.EngineConfig())
	require.NoError(t, b.Engine.StartSync(t.Context(), "test"))
	people := []int64{}
	for p := range b.Sandbox.People() {
		people = append(people, p.ID)
	}
	for i, id := range people[100:400] {
		switch i % 5 {
		case 0:
			require.NoError(t, b.Sandbox.Delete(id))
		case 1:
			require.NoError(t, b.Sandbox.SetOwner(id, ""))
		case 2:
			require.NoError(t, b.Sandbox.SetOwner(id, "005000000000001AAA"))
		case 3:
			require.NoError(t, b.Sandbox.Merge(id, people[500+i]))
		default:
			require.NoError(t, b.Sandbox.Change(id, map[string]string{"title": "Changed meanwhile"}))
		}
	}
	equal(b)
	b.Innocent()
}
