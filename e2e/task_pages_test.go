package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// salesforceTasks are the Tasks of the demo's org that have a name, deleted ones too.
func (r *running) salesforceTasks(name string) (found []map[string]any) {
	r.t.Helper()
	for _, record := range lines(r.t, r.OrgURL+"/_sandbox/records?deleted=1&object=Task") {
		if subject, ok := record["Subject"].(string); ok && strings.HasSuffix(subject, name) {
			found = append(found, record)
		}
	}
	return found
}

// there waits until the one Task of a name has a value in Salesforce.
func (r *running) there(name, field string, value any) (record map[string]any) {
	r.t.Helper()
	eventually(r.t, fmt.Sprint(field, " in Salesforce"), func() bool {
		found := r.salesforceTasks(name)
		if len(found) != 1 {
			return false
		}
		record = found[0]
		return record[field] == value
	})
	return record
}

func TestTasksAreWorkedInTheBrowserAndInSalesforce(t *testing.T) {
	t.Parallel()
	demo := startDemo(t, "--actors-every", "0")
	demo.copied()
	b := openTab(t, demo.URL)
	b.signIn(demo.Rep.Email, demo.Rep.Password)

	b.open("/people/1001")
	b.do(chromedp.Click(`#person-tasks a[href^="/tasks/new"]`), chromedp.WaitVisible("#field-name"))
	require.Contains(t, b.text(), "About Ada Lovelace")
	b.do(chromedp.SendKeys("#field-name", "Call about the pilot"), chromedp.SetValue("#field-due_on", "2031-05-04"),
		chromedp.SendKeys("#field-details", "She asked for it"), chromedp.Click("form.form button"), chromedp.WaitVisible(".notice"))
	require.Contains(t, b.text(), "Task created.")
	address := eval[string](b, `location.pathname`)
	record := demo.there("Call about the pilot", "ActivityDate", "2031-05-04")
	require.Equal(t, []any{"Not Started", "She asked for it"}, []any{record["Status"], record["Description"]})
	eventually(t, "the mark", func() bool { return strings.Contains(b.text(), "in step") })

	act := func(do string, values string) {
		post(t, demo.OrgURL+"/_sandbox/act", fmt.Sprintf(`{"do":%q,"object":"Task","id":%q,"values":%s}`, do, record["Id"], values))
	}
	act("update", `{"ActivityDate":"2031-06-07"}`)
	eventually(t, "Salesforce's edit, by itself", func() bool { return strings.Contains(b.text(), "7 Jun 2031") })
	require.Contains(t, b.text(), "2031-05-04 → 2031-06-07")

	b.do(chromedp.Click(`a[href$="/edit"]`), chromedp.WaitVisible("#field-name"), chromedp.Click(`[name=priority]`), chromedp.Click("form.form button"), chromedp.WaitVisible(".notice"))
	demo.there("Call about the pilot", "Priority", "High")

	b.open("/tasks")
	b.do(chromedp.Click(`#tasks form[action$="/complete"] button`), chromedp.WaitVisible(".notice"))
	require.Contains(t, b.text(), "Completed: Call about the pilot")
	demo.there("Call about the pilot", "Status", "Completed")
	act("update", `{"Status":"Not Started"}`)
	eventually(t, "the task in the list again, by itself", func() bool {
		return eval[bool](b, `document.querySelector("#tasks form[action$='/complete']") !== null`)
	})

	b.open(address)
	b.do(chromedp.Click(`form[action$="/delete"] button`), chromedp.WaitVisible(`form[action$="/restore"]`))
	require.Contains(t, b.text(), "This task was deleted.")
	demo.there("Call about the pilot", "IsDeleted", true)
}
