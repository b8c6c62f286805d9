package syncengine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
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

func (b *bundle) archived(id int64) *models.Person {
	b.t.Helper()
	p, err := models.FindPerson(b.t.Context(), b.db.Gorm, id)
	require.NoError(b.t, err)
	if p.ArchivedAt == nil {
		return nil
	}
	return &p
}

func TestIncrementalSync(t *testing.T) {
	t.Parallel()
	sandbox := crowdConfig()
	sandbox.HasOpportunity = true
	b := setup(t, sandbox, engineConfig())
	b.copied()

	t.Run("each_field_that_changes_arrives", func(t *testing.T) {
		for _, theirs := range fieldNames {
			if theirs == "sfdcLeadOwnerId" {
				continue
			}
			require.NoError(t, b.sandbox.Change(ada, map[string]string{theirs: "new " + theirs}))
			b.equal()
		}
		require.NoError(t, b.sandbox.Change(ada, map[string]string{"title": "", "phone": "x\r\ny\n z "}))
		b.equal()
		changes, err := models.PersonChanges(t.Context(), b.db.Gorm, ada, 100)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(changes), 13)
	})

	t.Run("an_owner_gained_brings_a_person_and_an_owner_lost_archives_one", func(t *testing.T) {
		require.NoError(t, b.sandbox.SetOwner(noOwner, "005000000000001AAA"))
		require.NoError(t, b.sandbox.SetOwner(grace, ""))
		b.equal()
		require.Equal(t, models.ArchivedOwnerLost, *b.archived(grace).ArchiveReason)
		require.NoError(t, b.sandbox.SetOwner(grace, "005000000000001AAA"))
		b.equal()
		require.Nil(t, b.archived(grace))
	})

	t.Run("new_deleted_converted_and_merged_people_follow", func(t *testing.T) {
		id, err := b.sandbox.Create(map[string]string{"lastName": "New", "email": "new@example.com", "sfdcLeadOwnerId": "005000000000001AAA"})
		require.NoError(t, err)
		b.equal()
		require.NoError(t, b.sandbox.Convert(zoe))
		require.NoError(t, b.sandbox.Delete(id))
		b.equal()
		require.Equal(t, models.ArchivedDeleted, *b.archived(id).ArchiveReason)
		require.NoError(t, b.sandbox.Merge(ada, adaKing, wangWei))
		b.equal()
		for _, loser := range []int64{adaKing, wangWei} {
			p := b.archived(loser)
			require.Equal(t, models.ArchivedMerged, *p.ArchiveReason)
			require.Equal(t, ada, *p.MergedInto)
		}
	})

	t.Run("two_changes_in_one_second_both_count", func(t *testing.T) {
		require.NoError(t, b.sandbox.Change(ada, map[string]string{"title": "First"}))
		require.NoError(t, b.sandbox.Change(ada, map[string]string{"title": "Second", "phone": "2"}))
		require.NoError(t, b.sandbox.Change(zoe, map[string]string{"title": "Same second"}))
		b.equal()
	})

	t.Run("a_company_renamed_for_an_account_reaches_all_its_people", func(t *testing.T) {
		require.NoError(t, b.sandbox.RenameCompany(grace, "Renamed Ltd."))
		b.equal()
	})

	t.Run("a_place_in_the_log_that_is_refused_is_taken_anew_and_nothing_is_missed", func(t *testing.T) {
		require.NoError(t, b.sandbox.Change(zoe, map[string]string{"title": "Before"}))
		b.sandbox.RefuseTokens()
		require.NoError(t, b.sandbox.Change(grace, map[string]string{"title": "After"}))
		b.equal()
	})

	t.Run("a_webhook_brings_a_change_at_once", func(t *testing.T) {
		require.NoError(t, b.sandbox.Change(zoe, map[string]string{"title": "Pushed"}))
		require.NoError(t, b.engine.Touch(t.Context(), zoe))
		b.equal()
	})

	b.innocent()
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	b := setup(t, crowdConfig(), engineConfig())
	b.copied()
	people, err := models.PeopleWithEmail(t.Context(), b.db.Gorm, "ADA@acme.example", 10)
	require.NoError(t, err)
	require.Len(t, people, 2)
	shared, err := models.SharedEmails(t.Context(), b.db.Gorm, []string{"nobody@example.com", "ada@acme.example"})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"ada@acme.example": 2}, shared)
}

func TestChangesDuringTheCopy(t *testing.T) {
	t.Parallel()
	b := setup(t, crowdConfig(), engineConfig())
	require.NoError(t, b.engine.StartSync(t.Context(), "test"))
	people := []int64{}
	for p := range b.sandbox.People() {
		people = append(people, p.ID)
	}
	for i, id := range people[100:400] {
		switch i % 5 {
		case 0:
			require.NoError(t, b.sandbox.Delete(id))
		case 1:
			require.NoError(t, b.sandbox.SetOwner(id, ""))
		case 2:
			require.NoError(t, b.sandbox.SetOwner(id, "005000000000001AAA"))
		case 3:
			require.NoError(t, b.sandbox.Merge(id, people[500+i]))
		default:
			require.NoError(t, b.sandbox.Change(id, map[string]string{"title": "Changed meanwhile"}))
		}
	}
	b.equal()
	b.innocent()
}
