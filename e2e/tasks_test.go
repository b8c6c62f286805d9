package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestKilledWhileTasksChange kills the program again and again while reminder tasks are
// created, edited, completed and deleted on both sides, and Salesforce misbehaves: in the
// end both sides must agree, no task may be there twice, and nothing that was taken may
// be lost.
func TestKilledWhileTasksChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keyField, settings string
	}{
		"with_the_key_field":  {"Sales_Actions_Key__c", `{"sync_tasks":true}`},
		"with_a_marker_field": {"", `{"sync_tasks":true,"marker_field":"CallObject"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTaskWorld(t, c.keyField, c.settings)
			w.misbehave()
			random := rand.New(rand.NewPCG(5, 6))
			for range *kills {
				p := w.serve()
				w.workUntil(time.Now().Add(1500*time.Millisecond + time.Duration(random.Int64N(int64(1500*time.Millisecond))))) // a random moment is the point
				require.NoError(t, p.Process.Kill())
				_ = p.Wait() // says that it was killed
			}
			p := w.serve()
			w.workUntil(time.Now().Add(2 * time.Second))
			w.behave()
			w.agreed()
			require.NoError(t, p.Process.Signal(interrupt))
			require.NoError(t, p.Wait())
		})
	}
}

// TestTwoReplicasKeepTasks has two replicas read and write tasks, kills one, and then the
// other.
func TestTwoReplicasKeepTasks(t *testing.T) {
	t.Parallel()
	w := newTaskWorld(t, "Sales_Actions_Key__c", `{"sync_tasks":true}`)
	addresses := []string{w.addr, freeAddress(t)}
	first := w.serveAt(addresses[0])
	w.ready("the first replica")
	second := w.serveAt(addresses[1])
	w.addr = addresses[1]
	w.ready("the second replica")
	for n := range 4 {
		w.addr = addresses[n%2]
		w.workUntil(time.Now().Add(time.Second))
	}
	require.NoError(t, first.Process.Kill())
	_ = first.Wait()
	w.addr = addresses[1]
	w.workUntil(time.Now().Add(2 * time.Second))
	w.agreed()

	third := w.serveAt(addresses[0])
	w.addr = addresses[0]
	w.ready("the third replica")
	w.workUntil(time.Now().Add(time.Second))
	require.NoError(t, second.Process.Kill())
	_ = second.Wait()
	w.workUntil(time.Now().Add(2 * time.Second))
	w.agreed()
	require.NoError(t, third.Process.Signal(interrupt))
	require.NoError(t, third.Wait())
}
