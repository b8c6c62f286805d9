package e2e

import (
	"testing"
	"time"
)

// TestTheDemoHasSomethingToShow sees that the demo's people keep tasks on both sides and
// that some of them unsubscribe.
func TestTheDemoHasSomethingToShow(t *testing.T) {
	t.Parallel()
	demo := startOwnDemo(t, "--actors-every", "100ms")
	demo.copied()
	today := time.Now().Format(time.DateOnly)
	eventually(t, "tasks of both sides, some late and some done, and unsubscribes", func() bool {
		var tasks struct {
			Items []struct {
				Status, Origin string
				DueOn          string `json:"due_on"`
				SalesforceID   string `json:"salesforce_id"`
			}
		}
		var unsubscribes struct{ Items []struct{ Source string } }
		demo.api("GET", "/tasks?limit=500", "", &tasks)
		demo.api("GET", "/unsubscribes", "", &unsubscribes)
		seen := map[string]bool{}
		for _, task := range tasks.Items {
			seen[task.Origin] = true
			seen["late"] = seen["late"] || task.Status == "open" && task.DueOn != "" && task.DueOn < today
			seen["done"] = seen["done"] || task.Status == "complete"
			seen["in Salesforce"] = seen["in Salesforce"] || task.Origin == "here" && task.SalesforceID != ""
		}
		return seen["here"] && seen["salesforce"] && seen["late"] && seen["done"] && seen["in Salesforce"] && len(unsubscribes.Items) > 0
	})
}
