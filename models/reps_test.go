package models_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

func TestSalesforceUserOf(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for email, want := range map[string]string{"Rita@example.com": ritaID, "otto@example.com": "", "nobody@example.com": ""} {
		user, err := models.SalesforceUserOf(t.Context(), o.db.Gorm, email)
		require.NoError(t, err)
		require.Equal(t, want, user, email)
	}
}
