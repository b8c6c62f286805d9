package enginetest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
)

// Desk is a workspace with people, beside its systems, and a token to record with.
type Desk struct {
	*Bundle
	token  int64
	People []int64 // by id
}

// DeliveryConfig settles what is not known within a test's time. People come in pages,
// which is no matter of deliveries and much cheaper than bulk jobs.
func DeliveryConfig() syncengine.Config {
	c := EngineConfig()
	c.Copy = syncengine.CopyPaged
	c.MarketoSettle, c.SalesforceSettle = 1200*time.Millisecond, 1500*time.Millisecond
	return c
}

// NewDesk copies everybody into the workspace, and makes the token.
func NewDesk(t *testing.T, b *Bundle) *Desk {
	t.Helper()
	b.Copied()
	// Whoever saves a connection has it checked, and our activity types made, beside the copy.
	require.Eventually(t, func() bool {
		var checking bool
		require.NoError(t, b.DB.Pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM river_job WHERE kind = 'marketo_check' AND finalized_at IS NULL)`).Scan(&checking))
		return !checking
	}, Patience, 5*time.Millisecond)
	return Seat(t, b)
}

// Seat makes the token in a workspace as it is.
func Seat(t *testing.T, b *Bundle) *Desk {
	t.Helper()
	d := &Desk{Bundle: b}
	_, token, err := models.CreateAPIToken(t.Context(), b.DB.Gorm, time.Now(), "test", models.ScopeRecord, "test")
	require.NoError(t, err)
	d.token = token.ID
	rows, err := b.DB.Pool.Query(t.Context(), `SELECT id FROM people WHERE archived_at IS NULL ORDER BY id`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var id int64
		require.NoError(t, rows.Scan(&id))
		d.People = append(d.People, id)
	}
	return d
}

// Record records activities and returns their ids.
func (d *Desk) Record(inputs ...syncengine.ActivityInput) []uuid.UUID {
	d.T.Helper()
	results, err := d.Engine.RecordActivities(d.T.Context(), d.token, inputs)
	require.NoError(d.T, err)
	ids := make([]uuid.UUID, len(results))
	for i, r := range results {
		require.NotEqual(d.T, syncengine.ActivityIsInvalid, r.Status, "%+v", r.Err)
		ids[i] = r.ID
	}
	return ids
}

// Mixed makes activities of all kinds: sends with what happens to them, calls and
// campaign steps.
func (d *Desk) Mixed(n int) []syncengine.ActivityInput {
	inputs := make([]syncengine.ActivityInput, n)
	kinds := models.ActivityKinds()
	for i := range inputs {
		kind := kinds[i%len(kinds)]
		in := syncengine.ActivityInput{Key: fmt.Sprintf("k%d", i), Kind: kind, OccurredAt: time.Now(), PersonID: d.People[(i/len(kinds))%len(d.People)],
			RepEmail: "rep@example.com", Attributes: models.ActivityAttributes{Subject: fmt.Sprintf("Subject %d", i)}}
		if kind.Engagement() {
			in.EmailKey, in.Attributes.Subject = fmt.Sprintf("k%d", i-i%len(kinds)), ""
		}
		inputs[i] = in
	}
	return inputs
}

// Settled waits until no delivery to a system is open. What waits for an email that
// nobody told of may wait for ever.
func (d *Desk) Settled(to models.Destination, limit time.Duration) {
	d.T.Helper()
	deadline := time.Now().Add(limit)
	for {
		var open int
		require.NoError(d.T, d.DB.Pool.QueryRow(d.T.Context(), `SELECT count(*) FROM deliveries WHERE destination = $1 AND (state = 'sending' OR state = 'pending' AND (hold IS DISTINCT FROM 'email'
			OR EXISTS (SELECT FROM activities a WHERE a.id = activity_id AND a.email_id IS NOT NULL)))`, to).Scan(&open))
		if open == 0 {
			return
		}
		if time.Now().After(deadline) {
			var left json.RawMessage
			require.NoError(d.T, d.DB.Pool.QueryRow(d.T.Context(), `SELECT json_agg(x) FROM (SELECT state, operation, hold, error_code, error_text, count(*), max(attempts) AS attempts, max(looks) AS looks
				FROM deliveries WHERE destination = $1 GROUP BY 1, 2, 3, 4, 5) x`, to).Scan(&left))
			pauses, _ := models.ListPauses(d.T.Context(), d.DB.Gorm)
			require.FailNow(d.T, "deliveries are still open", "%d: %s, pauses %+v", open, left, pauses)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// InMarketo returns how often each of our activities is in Marketo.
func (d *Desk) InMarketo() map[string]int {
	times := map[string]int{}
	for a := range d.Sandbox.CustomActivities() {
		times[fmt.Sprint(a.Attributes["saActivityId"])]++
	}
	return times
}

// OnceInMarketo checks that each is there exactly once, with nothing besides.
func (d *Desk) OnceInMarketo(ids []uuid.UUID) {
	d.T.Helper()
	times := d.InMarketo()
	for _, id := range ids {
		require.Equal(d.T, 1, times[id.String()], id)
	}
	require.Len(d.T, times, len(ids))
}

// Pauses are the systems to which nothing is sent.
func (d *Desk) Pauses() []models.Pause {
	d.T.Helper()
	pauses, err := models.ListPauses(d.T.Context(), d.DB.Gorm)
	require.NoError(d.T, err)
	return pauses
}

// Paused waits until nothing is sent to a system, and says why.
func (d *Desk) Paused(to models.Destination, code string) models.Pause {
	d.T.Helper()
	var found models.Pause
	require.Eventually(d.T, func() bool {
		for _, p := range d.Pauses() {
			if p.Destination == to && (code == "" || p.Code == code) {
				found = p
				return true
			}
		}
		return false
	}, 30*time.Second, 20*time.Millisecond, "%s is not paused by %q: %+v", to, code, d.Pauses())
	return found
}
