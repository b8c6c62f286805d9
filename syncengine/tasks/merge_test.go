package tasks

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/sftask"
)

var (
	noon  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	rita  = "005000000000001AAA"
	alex  = "005000000000002AAA"
	plain = mapping{users: map[string]string{"rita@example.com": rita, "alex@example.com": alex},
		owners: map[string]string{rita: "rita@example.com", alex: "alex@example.com"}, template: models.DefaultSubjectTemplate}
)

// agreed is a task that both sides have alike.
func agreed(origin models.TaskOrigin) state {
	t := state{id: uuid.MustParse("0193a1b2-0000-7000-8000-00000000000a"), kind: models.TaskCall, origin: origin, edits: map[field]time.Time{},
		values: map[field]string{fieldName: "Call Ada", fieldStatus: "open", fieldPriority: "normal", fieldDue: "2026-12-01", fieldDetails: "About the pilot.", fieldRep: "rita@example.com"}}
	base := remote{Subject: plain.subject(t), Status: "Not Started", Priority: "Normal", Due: "2026-12-01", Description: "About the pilot.", OwnerID: rita}
	t.base = &base
	return t
}

// theirs is what Salesforce has after a change at noon.
func theirs(t state, change func(*remote)) remote {
	r := *t.base
	r.Modified, r.By = noon, "Rita Rep"
	change(&r)
	return r
}

func (t state) with(f field, value string, at time.Time) state {
	t.values[f], t.edits[f] = value, at
	return t
}

func TestMerge(t *testing.T) {
	t.Parallel()
	before, after := noon.Add(-time.Minute), noon.Add(time.Minute)
	fromThere := agreed(models.FromSalesforce)
	fromThere.values[fieldName], fromThere.base.Subject = "Call Ada", "Call Ada"
	cases := map[string]struct {
		task   state
		theirs func(*remote)
		want   map[field]string // values that differ from those agreed
		sent   []field          // edits that are left to be sent
		lost   map[field]string // values that stand in the history as lost
	}{
		"what_changed_there_is_taken": {agreed(models.FromHere), func(r *remote) { r.Due, r.Priority = "2026-12-24", "High" },
			map[field]string{fieldDue: "2026-12-24", fieldPriority: "high"}, nil, nil},
		"what_was_edited_here_is_sent": {agreed(models.FromHere).with(fieldDue, "2026-12-02", before), func(*remote) {},
			map[field]string{fieldDue: "2026-12-02"}, []field{fieldDue}, nil},
		"different_fields_of_both_sides_are_both_taken": {agreed(models.FromHere).with(fieldDue, "2026-12-02", before), func(r *remote) { r.Priority = "High" },
			map[field]string{fieldDue: "2026-12-02", fieldPriority: "high"}, []field{fieldDue}, nil},
		"of_two_edits_of_a_field_the_later_wins_there": {agreed(models.FromHere).with(fieldDue, "2026-12-02", before), func(r *remote) { r.Due = "2026-12-03" },
			map[field]string{fieldDue: "2026-12-03"}, nil, map[field]string{fieldDue: "2026-12-02"}},
		"of_two_edits_of_a_field_the_later_wins_here": {agreed(models.FromHere).with(fieldDue, "2026-12-02", after), func(r *remote) { r.Due = "2026-12-03" },
			map[field]string{fieldDue: "2026-12-02"}, []field{fieldDue}, map[field]string{fieldDue: "2026-12-03"}},
		"the_same_edit_on_both_sides_is_agreed": {agreed(models.FromHere).with(fieldDue, "2026-12-02", before), func(r *remote) { r.Due = "2026-12-02" },
			map[field]string{fieldDue: "2026-12-02"}, nil, nil},
		"a_date_that_was_cleared_there_is_cleared":                     {agreed(models.FromHere), func(r *remote) { r.Due = "" }, map[field]string{fieldDue: ""}, nil, nil},
		"completed_there":                                              {agreed(models.FromHere), func(r *remote) { r.Status, r.Closed = "Completed", true }, map[field]string{fieldStatus: "complete"}, nil, nil},
		"other_statuses_do_not_come_over":                              {agreed(models.FromHere), func(r *remote) { r.Status = "In Progress" }, nil, nil, nil},
		"low_priority_does_not_come_over":                              {agreed(models.FromHere), func(r *remote) { r.Priority = "Low" }, nil, nil, nil},
		"a_subject_edited_there_does_not_come_back_for_a_task_of_ours": {agreed(models.FromHere), func(r *remote) { r.Subject = "Ring Ada" }, nil, nil, nil},
		"a_subject_edited_there_comes_for_a_task_of_theirs":            {fromThere, func(r *remote) { r.Subject = "Ring Ada" }, map[field]string{fieldName: "Ring Ada"}, nil, nil},
		"it_goes_to_another_rep":                                       {agreed(models.FromHere), func(r *remote) { r.OwnerID = alex }, map[field]string{fieldRep: "alex@example.com"}, nil, nil},
		"it_goes_to_somebody_else":                                     {agreed(models.FromHere), func(r *remote) { r.OwnerID = "005000000000009AAA" }, map[field]string{fieldRep: ""}, nil, nil},
		"line_ends_are_all_alike":                                      {agreed(models.FromHere).with(fieldDetails, "a\nb", before), func(r *remote) { r.Description = "a\r\nb " }, map[field]string{fieldDetails: "a\nb"}, nil, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := theirs(c.task, c.theirs)
			want := map[field]string{}
			for f, v := range agreed(models.FromHere).values {
				want[f] = v
			}
			for f, v := range c.want {
				want[f] = v
			}
			lines := plain.merge(&c.task, r)
			require.Equal(t, want, c.task.values)
			require.Equal(t, r, *c.task.base, "what was read is the base of what comes")
			require.Len(t, c.task.edits, len(c.sent))
			for _, f := range c.sent {
				require.Contains(t, c.task.edits, f)
			}
			lost := map[field]string{}
			for _, l := range lines {
				if l.event == models.TaskLost {
					lost[l.field] = l.new
				}
			}
			if c.lost == nil {
				c.lost = map[field]string{}
			}
			require.Equal(t, c.lost, lost)
			require.Empty(t, plain.merge(&c.task, r), "reading it again changes nothing")
		})
	}
}

func TestDeletionsAndRestores(t *testing.T) {
	t.Parallel()

	t.Run("a_deletion_there_ends_the_task_and_keeps_both_edits_in_the_history", func(t *testing.T) {
		t.Parallel()
		task := agreed(models.FromHere).with(fieldDue, "2026-12-02", noon)
		lines := plain.merge(&task, theirs(task, func(r *remote) { r.Deleted, r.Priority = true, "High" }))
		require.True(t, task.deleted)
		require.Empty(t, task.edits)
		events := map[models.TaskEvent][]field{}
		for _, l := range lines {
			events[l.event] = append(events[l.event], l.field)
		}
		require.ElementsMatch(t, []field{fieldDue, fieldPriority}, events[models.TaskLost])
		require.Len(t, events[models.TaskDeleted], 1)
	})

	t.Run("a_task_that_was_deleted_here_takes_no_edit_and_forgets_none", func(t *testing.T) {
		t.Parallel()
		task := agreed(models.FromHere)
		task.deleted = true
		lines := plain.merge(&task, theirs(task, func(r *remote) { r.Due = "2026-12-24" }))
		require.True(t, task.deleted)
		require.Equal(t, "2026-12-01", task.values[fieldDue])
		require.Equal(t, []line{{at: noon, source: models.FromSalesforce, actor: "Rita Rep", event: models.TaskLost, field: fieldDue, old: "2026-12-01", new: "2026-12-24"}}, lines)
	})

	t.Run("one_taken_out_of_the_recycle_bin_is_back", func(t *testing.T) {
		t.Parallel()
		task := agreed(models.FromHere)
		plain.merge(&task, theirs(task, func(r *remote) { r.Deleted = true }))
		lines := plain.merge(&task, theirs(task, func(r *remote) { r.Deleted, r.Due = false, "2026-12-24" }))
		require.False(t, task.deleted)
		require.Equal(t, "2026-12-24", task.values[fieldDue])
		require.Equal(t, models.TaskRestored, lines[0].event)
	})

	t.Run("one_restored_here_is_not_deleted_again_by_what_is_known", func(t *testing.T) {
		t.Parallel()
		task := agreed(models.FromHere)
		gone := theirs(task, func(r *remote) { r.Deleted = true })
		plain.merge(&task, gone)
		task.deleted = false
		require.Empty(t, plain.merge(&task, gone))
		require.False(t, task.deleted)
	})
}

func TestDescriptionsKeepWhatIsOurs(t *testing.T) {
	t.Parallel()
	m := plain
	m.marked = true
	task := agreed(models.FromHere)
	task.values[fieldRep] = "guest@example.com"
	description := m.description(task)
	require.Equal(t, "About the pilot.\n\nSales rep: guest@example.com\n\n"+sftask.Marker(task.id), description)
	require.Equal(t, "About the pilot.", m.detailsOf(task, description))
	task.values[fieldDetails] = ""
	require.Equal(t, "", m.detailsOf(task, m.description(task)))
	require.Equal(t, "Edited there.", m.detailsOf(task, "Edited there.\r\n\r\n"+sftask.Marker(task.id)+"\r\n"))
	id, found := markedAs("", description)
	require.True(t, found)
	require.Equal(t, task.id, id)
}

func TestFieldsAreCheckedAndPutInOrder(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	f := Fields{Name: text("  Call\n Ada "), Details: text("a\r\nb \n"), Rep: text(" Rita@Example.com ")}
	require.NoError(t, f.Check())
	require.Equal(t, []string{"Call Ada", "a\nb", "rita@example.com"}, []string{*f.Name, *f.Details, *f.Rep})
	kind, status, priority := models.TaskKind("fax"), models.TaskStatus("done"), models.TaskPriority("low")
	for field, wrong := range map[string]Fields{"kind": {Kind: &kind}, "status": {Status: &status}, "priority": {Priority: &priority}, "name": {Name: text(" ")},
		"due_on": {DueOn: text("24.12.2026")}, "rep": {Rep: text("Rita")}, "details": {Details: text("\x00")}} {
		var invalid *InvalidError
		require.ErrorAs(t, wrong.Check(), &invalid)
		require.Equal(t, field, invalid.Field)
	}
}
