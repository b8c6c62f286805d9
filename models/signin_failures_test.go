package models_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres/postgrestest"
)

func TestSigninLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		allowed        int
		email, address func(i int) string
	}{
		{"one address from one place", models.SigninFailuresHere,
			func(int) string { return "ada@example.com" }, func(int) string { return "192.0.2.1" }},
		{"many addresses from one place", models.SigninFailuresPerAddress,
			func(i int) string { return fmt.Sprintf("p%d@example.com", i) }, func(int) string { return "192.0.2.1" }},
		{"one address from many places", models.SigninFailuresPerEmail,
			func(int) string { return "ada@example.com" }, func(i int) string { return fmt.Sprintf("192.0.2.%d", i) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t).Gorm
			begin := func(i int, at time.Time) *time.Time {
				_, until, err := models.BeginSignin(t.Context(), db, tt.email(i), tt.address(i), at)
				require.NoError(t, err)
				return until
			}
			for i := range tt.allowed {
				require.Nil(t, begin(i, noon().Add(time.Duration(i)*time.Second)), "try %d", i+1)
			}
			late := noon().Add(2 * time.Minute)
			for range 3 {
				until := begin(tt.allowed, late)
				require.NotNil(t, until)
				require.True(t, until.Equal(noon().Add(models.SigninWindow)), "refused tries must not prolong the wait")
			}
			require.Nil(t, begin(tt.allowed, noon().Add(models.SigninWindow)), "it opens again by itself")
		})
	}
}

func TestSigninLimitHoldsForTriesAtOnce(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t).Gorm
	var let atomic.Int64
	var wg sync.WaitGroup
	for range 4 * models.SigninFailuresHere {
		wg.Go(func() {
			_, until, err := models.BeginSignin(t.Context(), db, "ada@example.com", "192.0.2.1", noon())
			if err == nil && until == nil {
				let.Add(1)
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, let.Load(), int64(models.SigninFailuresHere))
}

func TestSuccessForgetsFailures(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t).Gorm
	for range 3 * models.SigninFailuresHere {
		_, until, err := models.BeginSignin(t.Context(), db, "Ada@example.com", "192.0.2.1", noon())
		require.NoError(t, err)
		require.Nil(t, until)
		require.NoError(t, models.SigninSucceeded(t.Context(), db, "ada@Example.com", "192.0.2.1"))
	}
}
