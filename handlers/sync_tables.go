package handlers

import (
	"strings"
	"time"

	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/settings"
	"salesactions/views/ui"
)

// fieldRows are the 13 fields with what the last connection test found.
func fieldRows(fields []syncengine.FieldMapping) []view.FieldRow {
	rows := make([]view.FieldRow, len(fields))
	for i, f := range fields {
		rows[i] = view.FieldRow{Marketo: f.MarketoName, Ours: f.Label, Note: f.Note, State: "not asked yet"}
		if f.Found == nil {
			continue
		}
		rows[i].Tone, rows[i].State = ui.Warning, "missing"
		if *f.Found {
			rows[i].Tone, rows[i].State = ui.Good, "found"
		}
	}
	return rows
}

func runRows(runs []models.SyncRun, now time.Time) []view.RunRow {
	rows := make([]view.RunRow, len(runs))
	for i, run := range runs {
		rows[i] = view.RunRow{
			Kind: runText(run.Kind), By: actorText(run.StartedBy), Started: run.StartedAt, Error: text(run.Error),
			Read: grouped(run.Processed), Created: grouped(run.Created), Updated: grouped(run.Updated),
			Archived: grouped(run.Archived), Calls: grouped(run.APICalls),
		}
		rows[i].Tone, rows[i].Outcome = outcomeText(run.Outcome)
		if end := now; run.Kind != models.RunFollow {
			if run.FinishedAt != nil {
				end = *run.FinishedAt
			}
			rows[i].Took = "for " + roughly(end.Sub(run.StartedAt))
		}
	}
	return rows
}

// outcomeText is how a run ended, nil while it is running.
func outcomeText(outcome *models.RunOutcome) (ui.Tone, string) {
	switch {
	case outcome == nil:
		return ui.Waiting, "running"
	case *outcome == models.RunDone:
		return ui.Good, "done"
	case *outcome == models.RunFailed:
		return ui.Bad, "failed"
	default:
		return ui.Neutral, string(*outcome)
	}
}

func reportProps(r *syncengine.Report) *view.ReportProps {
	if r == nil {
		return nil
	}
	props := view.ReportProps{
		At: r.FinishedAt, By: actorText(r.By), Tone: ui.Good,
		Verdict: "Equal: " + grouped(r.MarketoCount) + " people on both sides",
	}
	if !r.Equal {
		props.Tone, props.Verdict = ui.Warning, grouped(r.DifferencesTotal)+" differences"
		if r.DifferencesTotal == 1 {
			props.Verdict = "1 difference"
		}
	}
	for _, s := range r.Slices {
		props.Slices = append(props.Slices, sliceRow(s))
	}
	for _, d := range r.Differences {
		props.Differences = append(props.Differences, differenceRow(d))
	}
	if more := r.DifferencesTotal - int64(len(r.Differences)); more > 0 {
		props.More = "and " + grouped(more) + " more"
	}
	return &props
}

func sliceRow(s models.ReconcileSlice) view.SliceRow {
	row := view.SliceRow{
		Label: s.Label, Marketo: grouped(s.MarketoCount), Workspace: grouped(s.WorkspaceCount),
		Checksum: short(s.MarketoChecksum), Tone: ui.Good, Verdict: "equal",
	}
	if !s.Equal() {
		row.Tone, row.Verdict = ui.Warning, "different"
		row.Checksum = short(s.MarketoChecksum) + " / " + short(s.WorkspaceChecksum)
	}
	return row
}

// short keeps as much of a checksum as tells two apart by eye.
func short(checksum string) string {
	const enough = 12
	if len(checksum) <= enough {
		return checksum
	}
	return checksum[:enough]
}

func differenceRow(d syncengine.Difference) view.DifferenceRow {
	row := view.DifferenceRow{Name: d.Name, URL: personURL(d.PersonID), Healed: "not healed yet"}
	if d.Healed {
		row.Healed = "healed"
	}
	switch d.Kind {
	case "missing":
		row.Kind = "was missing here"
	case "extra":
		row.Kind = "was here, but not in Marketo"
	default:
		row.Kind = "had other values"
	}
	var changes []string
	for _, change := range d.Changes {
		changes = append(changes, fieldLabel(change.Field)+": "+shown(change.Old)+" → "+shown(change.New))
	}
	row.Changes = strings.Join(changes, "; ")
	return row
}

// fieldLabel is what the page of a person calls a field.
func fieldLabel(name string) string {
	for _, f := range personFields(models.Person{}, models.RecordLinks{}) {
		if f.name == name {
			return f.label
		}
	}
	switch name {
	case "owner_id":
		return "Owner"
	case "archived":
		return "Archived"
	default:
		return strings.ReplaceAll(name, "_", " ")
	}
}

func shown(value *string) string {
	if text(value) == "" {
		return "nothing"
	}
	return *value
}
