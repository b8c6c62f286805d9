package syncengine_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"salesactions/postgres/postgrestest"
	"salesactions/syncengine/enginetest"
)

func TestMain(m *testing.M) {
	postgrestest.Widen(2) // they wait for what goes on in the background
	postgrestest.Main(m)
}

// names of the 13 fields and the owner: ours, and Marketo's.
var fieldNames = map[string]string{
	"first_name": "firstName", "last_name": "lastName", "salesforce_contact_id": "sfdcContactId", "salesforce_lead_id": "sfdcLeadId",
	"salesforce_account_id": "sfdcAccountId", "salesforce_opportunity_id": "sfdcOpptyId", "company": "company", "title": "title",
	"email": "email", "phone": "phone", "linkedin_url": "linkedInProfileURL", "source": "leadSource", "owner_id": "sfdcLeadOwnerId",
}

type workspace map[int64]map[string]string

// workspaceOf reads everybody here.
func workspaceOf(b *enginetest.Bundle) workspace {
	b.T.Helper()
	here := workspace{}
	rows, err := b.DB.Pool.Query(b.T.Context(), `SELECT id, jsonb_strip_nulls(to_jsonb(p)) FROM people p WHERE archived_at IS NULL`)
	require.NoError(b.T, err)
	defer rows.Close()
	for rows.Next() {
		var id int64
		var values map[string]any
		require.NoError(b.T, rows.Scan(&id, &values))
		here[id] = map[string]string{}
		for ours := range fieldNames {
			if v, ok := values[ours].(string); ok {
				here[id][ours] = v
			}
		}
	}
	require.NoError(b.T, rows.Err())
	return here
}

// marketoOf reads everybody there who has an owner.
func marketoOf(b *enginetest.Bundle) workspace {
	there := workspace{}
	for p := range b.Sandbox.People() {
		if p.Fields["sfdcLeadOwnerId"] == "" {
			continue
		}
		there[p.ID] = map[string]string{}
		for ours, theirs := range fieldNames {
			if v := p.Fields[theirs]; v != "" {
				there[p.ID][ours] = v
			}
		}
	}
	return there
}

// differenceOf compares both worlds. A bulk file writes the name null like no value:
// that much a copy cannot know (Marketo REST: bulk extract).
func differenceOf(b *enginetest.Bundle) string {
	b.T.Helper()
	there, here := marketoOf(b), workspaceOf(b)
	for _, world := range []workspace{there, here} {
		for _, values := range world {
			for name, v := range values {
				if v == "null" {
					delete(values, name)
				}
			}
		}
	}
	return cmp.Diff(there, here)
}

// equal waits until the workspace equals Marketo.
func equal(b *enginetest.Bundle) {
	b.T.Helper()
	deadline := time.Now().Add(enginetest.Patience)
	for {
		diff := differenceOf(b)
		if diff == "" {
			break
		}
		if time.Now().After(deadline) {
			require.FailNow(b.T, "the workspace does not equal Marketo", diff)
		}
		time.Sleep(50 * time.Millisecond)
	}
	counted(b)
}

// counted checks the kept totals.
func counted(b *enginetest.Bundle) {
	b.T.Helper()
	var kept, real [2]int64
	require.NoError(b.T, b.DB.Pool.QueryRow(b.T.Context(), `SELECT live, archived, (SELECT count(*) FROM people WHERE archived_at IS NULL),
		(SELECT count(*) FROM people WHERE archived_at IS NOT NULL) FROM people_totals`).Scan(&kept[0], &kept[1], &real[0], &real[1]))
	require.Equal(b.T, real, kept)
}
