package web

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

func TestPeopleAreExported(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const people = 1203 // more than two pages of the export
	b.addPeople(people)
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE people SET first_name = '=cmd|''/C calc''!A0', company = E'Acme, "North"\nLtd' WHERE id = 2`)
	require.NoError(t, err)
	_, err = b.db.Pool.Exec(t.Context(), `UPDATE people SET archived_at = now(), archive_reason = 'deleted' WHERE id = 3`)
	require.NoError(t, err)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))

	answer := v.get("/people.csv?dir=desc").status(http.StatusOK)
	require.Equal(t, "text/csv; charset=utf-8", answer.Header.Get("Content-Type"))
	require.Contains(t, answer.Header.Get("Content-Disposition"), "attachment")
	require.Contains(t, answer.body, "\"Acme, \"\"North\"\"\nLtd\"", "line ends inside values stay as they are")
	rows, err := csv.NewReader(strings.NewReader(answer.body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+people-1, "everybody but the archived one, after a line of names")
	require.Len(t, rows[0], 13)
	require.Equal(t, "1203", rows[1][0], "in the order of the list")
	require.Equal(t, []string{"2", "'=cmd|'/C calc'!A0", "0002", "p1@example.com", "+1 555 0100", "", "Acme, \"North\"\nLtd", "", "",
		"00Q000000000001AAA", "", "", ""}, rows[people-2], "formulas are harmless, the rest is as it is")

	filtered, err := csv.NewReader(strings.NewReader(v.get("/people.csv?q=0007").body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, filtered, 2)
	v.get("/people.csv?sort=nothing").status(http.StatusBadRequest)
}
