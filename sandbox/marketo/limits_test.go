package marketo

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/sandbox/fault"
)

const cheap = "/rest/v1/leads/partitions.json"

func TestLimits(t *testing.T) {
	t.Parallel()
	t.Run("the 101st call in 20 seconds is 606 and the window slides", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		for range 50 {
			b.succeeded(b.get(cheap))
		}
		b.clock.Advance(10 * time.Second)
		for range 50 {
			b.succeeded(b.get(cheap))
		}
		r := b.get(cheap)
		b.refused(r, "606")
		require.Equal(t, "Max rate limit '100' exceeded with in '20' secs", r.Errors[0]["message"])
		b.clock.Advance(10 * time.Second)
		b.succeeded(b.get(cheap))
		require.Equal(t, 101, b.MaxInWindow())
		require.Equal(t, map[string]int{"more than the allowed calls in 20 s": 1}, b.Violations())
	})
	t.Run("with the quota off breaches are counted but pass", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{QuotaOff: true, Rate: 1, DailyQuota: 2})
		for range 3 {
			b.succeeded(b.get(cheap))
		}
		require.Equal(t, 2, b.Violations()["more than the allowed calls in 20 s"])
	})
	t.Run("the daily quota begins anew at midnight in Chicago", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{DailyQuota: 2})
		b.succeeded(b.get(cheap))
		b.succeeded(b.get(cheap))
		b.refused(b.get(cheap), "607")
		b.clock.Advance(17 * time.Hour) // 05:00 UTC, 23:00 in Chicago
		b.login()
		b.refused(b.get(cheap), "607")
		b.clock.Advance(time.Hour)
		b.login()
		b.succeeded(b.get(cheap))
	})
	t.Run("the 11th call at once is 615", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{Latency: 200 * time.Millisecond})
		answers := make(chan reply, 30)
		for range cap(answers) {
			go func() { answers <- b.get(cheap) }()
		}
		require.NoError(t, b.clock.BlockUntilContext(t.Context(), cap(answers)))
		b.clock.Advance(200 * time.Millisecond)
		refused := 0
		for range cap(answers) {
			if r := <-answers; len(r.Errors) > 0 {
				b.refused(r, "615")
				refused++
			}
		}
		require.Positive(t, refused)
		require.Equal(t, refused, b.Violations()["more than the allowed calls running"])
		require.Greater(t, b.MaxConcurrency(), 10)
	})
	t.Run("usage tells what the day cost", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		b.succeeded(b.get(cheap))
		b.refused(b.get(leads), "1002")
		require.EqualValues(t, 3, b.succeeded(b.get("/rest/v1/stats/usage.json")).Result[0]["total"])
		require.Len(t, b.succeeded(b.get("/rest/v1/stats/usage/last7days.json")).Result, 7)
		errors := b.succeeded(b.get("/rest/v1/stats/errors.json")).Result[0]
		require.Equal(t, []any{map[string]any{"errorCode": "1002", "count": 1.0}}, errors["errors"])
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	t.Run("a lost answer breaks the connection", func(t *testing.T) {
		t.Parallel()
		for _, kind := range []fault.Kind{fault.DropBefore, fault.DropAfter} {
			b := setup(t, Config{})
			b.Fault(fault.Rule{Path: cheap, Kind: kind, Count: 1})
			_, err := b.send(http.MethodPost, cheap, "") // a GET would be sent again by itself
			require.Error(t, err)
			b.succeeded(b.get(cheap))
		}
	})
	t.Run("answers are spoilt as told", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		for kind, wanted := range map[fault.Kind]string{
			fault.HTML: "<html>", fault.WrongType: `"result":{"oops":true}`, fault.EmptyResult: `"result":[]`,
			fault.SuccessWithErrors: `"success":true,"errors":[{"code":"611"`, fault.Truncate: `"requestId"`,
		} {
			b.Fault(fault.Rule{Path: cheap, Kind: kind, Count: 1})
			resp, err := b.send(http.MethodGet, cheap, "")
			require.NoError(t, err)
			body := make([]byte, 1<<10)
			n, _ := resp.Body.Read(body)
			require.NoError(t, resp.Body.Close())
			require.Contains(t, string(body[:n]), wanted, string(kind))
		}
		b.succeeded(b.get(cheap))
	})
	t.Run("codes with a star cost no call", func(t *testing.T) {
		t.Parallel()
		for code, cost := range map[string]int{"604": 0, "608": 0, "611": 0, "713": 1, "502": 1, "614": 1} {
			b := setup(t, Config{})
			b.Fault(fault.Rule{Kind: fault.Code, Code: code})
			b.refused(b.get(cheap), code)
			require.Equal(t, cost, b.MaxInWindow(), fmt.Sprint("code ", code))
		}
	})
	t.Run("a spent quota refuses until the next day", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		b.SpendQuota()
		b.refused(b.get(cheap), "607")
		b.RefillQuota()
		b.succeeded(b.get(cheap))
	})
}
