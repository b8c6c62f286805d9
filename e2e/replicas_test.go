package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// takeover is within which another replica goes on when one is killed, and delivers
// what came meanwhile.
const takeover = 30 * time.Second

// TestAnotherReplicaTakesOver kills the one of two replicas that delivers, and then
// the other, while activities keep coming.
func TestAnotherReplicaTakesOver(t *testing.T) {
	t.Parallel()
	d := newDelivering(t, "Sales_Actions_Key__c")
	d.prepare(`{}`, 1200)
	addresses := []string{d.addr, freeAddress(t)}
	first := d.serveAt(addresses[0])
	eventually(t, "the first replica", func() bool { return d.call("GET", "/sync", nil, nil) == nil })
	second := d.serveAt(addresses[1])
	d.addr = addresses[1]
	eventually(t, "the second replica", func() bool { return d.call("GET", "/sync", nil, nil) == nil })

	d.sendSome(t, 4)
	require.NoError(t, first.Process.Kill()) // in the middle of the burst
	_ = first.Wait()
	killed := time.Now()
	d.sendSome(t, 4)
	d.settledWithin(takeover - time.Since(killed))

	d.addr = addresses[0]
	third := d.serveAt(addresses[0])
	eventually(t, "the third replica", func() bool { return d.call("GET", "/sync", nil, nil) == nil })
	d.sendSome(t, 4)
	require.NoError(t, second.Process.Kill())
	_ = second.Wait()
	killed = time.Now()
	d.sendSome(t, len(d.unsent))
	d.settledWithin(takeover - time.Since(killed))
	require.NoError(t, third.Process.Signal(interrupt))
	require.NoError(t, third.Wait())
	d.compare()
}

// sendSome sends a number of batches, each until it is answered.
func (d *delivering) sendSome(t *testing.T, batches int) {
	t.Helper()
	want := max(len(d.unsent)-batches, 0)
	eventually(t, "the batches to be taken", func() bool {
		if len(d.unsent) > want {
			d.sendOne()
		}
		return len(d.unsent) <= want
	})
}
