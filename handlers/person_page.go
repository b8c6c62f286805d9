package handlers

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"salesactions/models"
	view "salesactions/views/people"
)

// personPage fills the page of a person.
func (h *Handlers) personPage(c echo.Context, s personState) error {
	page, err := h.frame(c, s.person.Name())
	if err != nil {
		return err
	}
	page.Active = "people"
	history := byField(s.changes)
	props := view.PersonProps{
		Page: page, Name: s.person.Name(), Line: joined(" · ", text(s.person.Title), text(s.person.Company)),
		Unsubscribed: s.person.Unsubscribed, Kind: text(s.person.SalesforceType), Owner: text(s.person.OwnerID),
		ReadAt: s.person.ReadAt, SyncedAt: s.person.SyncedAt, Since: runText(models.RunCopy),
		History: workspaceHistory(history), GridURL: gridURL(s.person.ID),
	}
	if props.Timeline, err = h.timeline(c, s.person.ID); err != nil {
		return err
	}
	if props.Tasks, err = h.personTasks(c, s.person.ID); err != nil {
		return err
	}
	if props.Emails, err = h.personEmails(c, s.person.ID); err != nil {
		return err
	}
	for _, f := range personFields(s.person, s.links) {
		field := view.Field{Label: f.label, Value: f.value, URL: f.link, Changes: provenance(history[f.name])}
		props.Fields = append(props.Fields, field)
		if f.link != "" && strings.Contains(f.name, "_id") {
			props.Links = append(props.Links, view.Link{Label: recordLabel(f), URL: f.link})
		}
	}
	for _, other := range s.sharing {
		props.Sharing = append(props.Sharing, view.Link{Label: joined(", ", other.Name(), text(other.Company)), URL: personURL(other.ID)})
	}
	if s.person.ArchivedAt != nil && s.person.ArchiveReason != nil {
		props.Archived, props.ArchivedAt = archiveText(*s.person.ArchiveReason), s.person.ArchivedAt
		if props.MergedName, props.MergedURL, err = h.mergedInto(c.Request().Context(), s.person); err != nil {
			return err
		}
	}
	return h.render(c, http.StatusOK, view.Person(props))
}

// mergedInto is who a merged person goes on as, if that one is in the workspace.
func (h *Handlers) mergedInto(ctx context.Context, p models.Person) (name, url string, err error) {
	if p.MergedInto == nil {
		return "", "", nil
	}
	winner, err := models.FindPerson(ctx, h.db, *p.MergedInto)
	if errors.Is(err, models.ErrNotFound) {
		return "", "", nil
	}
	return winner.Name(), personURL(*p.MergedInto), err
}

func recordLabel(f personField) string {
	if f.name == "marketo_id" {
		return "Open in Marketo"
	}
	return "Open the " + strings.TrimPrefix(f.label, "Salesforce ") + " in Salesforce"
}

func provenance(changes []models.PersonChange) []view.Change {
	lines := make([]view.Change, len(changes))
	for i, change := range changes {
		lines[i] = view.Change{Old: text(change.Old), New: text(change.New), Run: runText(change.RunKind), At: change.ChangedAt}
	}
	return lines
}

// workspaceHistory is what happened to the person as a whole: owner, mail, leaving
// and coming back.
func workspaceHistory(history map[string][]models.PersonChange) []view.Change {
	lines := provenance(history["owner_id"])
	for i := range lines {
		lines[i].Old, lines[i].New = described("owner", lines[i].Old), described("owner", lines[i].New)
	}
	for _, change := range history["archived"] {
		line := view.Change{Old: "in the workspace", New: "in the workspace", Run: runText(change.RunKind), At: change.ChangedAt}
		if change.New != nil {
			line.New = "archived: " + archiveText(models.ArchiveReason(*change.New))
		}
		if change.Old != nil {
			line.Old = "archived: " + archiveText(models.ArchiveReason(*change.Old))
		}
		lines = append(lines, line)
	}
	return lines
}

func described(what, value string) string {
	if value == "" {
		return "no " + what
	}
	return what + " " + value
}

// joined puts the texts that are there in a row.
func joined(between string, texts ...string) string {
	var there []string
	for _, t := range texts {
		if t != "" {
			there = append(there, t)
		}
	}
	return strings.Join(there, between)
}
