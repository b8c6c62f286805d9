package handlers

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/views/people"
)

func TestGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -12345: "-12,345", 100: "100"} {
		require.Equal(t, want, grouped(n))
	}
}

func TestRoughly(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 0: "0 s", 59 * time.Second: "59 s", 60 * time.Second: "1 min", 89 * time.Second: "1 min",
		95 * time.Minute: "95 min", 3 * time.Hour: "3 h", 50 * time.Hour: "2 days",
	} {
		require.Equal(t, want, roughly(d), d)
	}
}

func TestByActor(t *testing.T) {
	t.Parallel()
	for actor, want := range map[string]string{
		"system": "by itself", "user:Ada": "by Ada", "token:Dialer": "by Dialer (API)", "cli": "by command line", "salesforce": "by salesforce", "": "",
	} {
		require.Equal(t, want, byActor(actor))
	}

	t.Run("what_the_program_undid_says_so_once", func(t *testing.T) {
		t.Parallel()
		at, system := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), "system"
		u := models.Unsubscribe{Source: models.BySalesforce, At: at, Actor: system, ClearedAt: &at, ClearedBy: &system}
		row := marker{}.unsubscribeRow(u)
		require.Equal(t, []string{"by itself", "by itself"}, []string{row.By, row.ClearedBy})
		var card strings.Builder
		require.NoError(t, people.Emails(people.EmailsProps{History: []people.Unsubscribe{marker{}.unsubscribe(u)}}).Render(t.Context(), &card))
		require.Contains(t, card.String(), "undone by itself")
	})
}

func TestTotalText(t *testing.T) {
	t.Parallel()
	for want, total := range map[string]models.Total{
		"1 person":            {N: 1, Exact: true},
		"12,345 people":       {N: 12345, Exact: true},
		"about 12,000 people": {N: 12345},
		"about 1,000 people":  {N: 995},
		"about 99 people":     {N: 99},
	} {
		require.Equal(t, want, totalText(total))
	}
}
