package unsubscribes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/marketo"
	"salesactions/syncengine/who"
)

// Reason is why somebody may not be emailed.
type Reason string

// The reasons.
const (
	UnsubscribedHere      Reason = "unsubscribed_here"
	UnsubscribedInMarketo Reason = "unsubscribed_in_marketo"
	OptedOutInSalesforce  Reason = "opted_out_in_salesforce" // as last synced
	MarketoUnreachable    Reason = "marketo_unreachable"     // nobody knows, so that the answer is no
	UnknownPerson         Reason = "unknown_person"
)

// Name is the reason in words.
func (r Reason) Name() string {
	switch r {
	case UnsubscribedHere:
		return "Unsubscribed here"
	case UnsubscribedInMarketo:
		return "Unsubscribed in Marketo"
	case OptedOutInSalesforce:
		return "Opted out in Salesforce"
	case MarketoUnreachable:
		return "Marketo could not be asked, so nobody knows"
	case UnknownPerson:
		return "Nobody here is known by this"
	}
	return string(r)
}

// Answer is whether somebody may be emailed.
type Answer struct {
	Allowed   bool
	Reasons   []Reason
	CheckedAt time.Time
	PersonID  int64 // 0: unknown
	Email     string
	Marketo   bool // Marketo was to be asked
}

// MaySend says whether a person may be emailed: not if they, or anybody with the same
// address, said no here, in Salesforce or in Marketo, which is asked live unless an
// admin switched that off. Where Marketo cannot be asked in time the answer is no. An
// address that several people share is no error here: any of them may have said no.
// Errors: *who.InvalidError.
func (k *Keeper) MaySend(ctx context.Context, ref who.Ref) (Answer, error) {
	a := Answer{CheckedAt: k.now().UTC()}
	if err := ref.Check(); err != nil {
		return a, err
	}
	settings, _, err := models.LoadUnsubscribing(ctx, k.db)
	if err != nil {
		return a, err
	}
	a.Marketo = settings.Check
	if err := k.identify(ctx, ref, &a); err != nil {
		return a, err
	}
	asked := make(chan []Reason, 1)
	go func() { asked <- k.askMarketo(ctx, settings.Check, a, ref) }()
	about := ref
	about.Email = a.Email
	words, err := k.words(ctx, a.PersonID, about)
	if words.here {
		a.Reasons = append(a.Reasons, UnsubscribedHere)
	}
	if words.salesforce {
		a.Reasons = append(a.Reasons, OptedOutInSalesforce)
	}
	if a.PersonID == 0 && !words.known {
		a.Reasons = append(a.Reasons, UnknownPerson)
	}
	for _, reason := range <-asked {
		if !slices.Contains(a.Reasons, reason) {
			a.Reasons = append(a.Reasons, reason)
		}
	}
	a.Allowed = len(a.Reasons) == 0 && err == nil
	return a, err
}

// identify finds the person, and their address where none was given.
func (k *Keeper) identify(ctx context.Context, ref who.Ref, a *Answer) error {
	people, err := who.LookUp(ctx, k.pool, []who.Ref{ref})
	if err != nil {
		return err
	}
	a.Email = ref.Email
	a.PersonID, err = people.Person(ref)
	var invalid *who.InvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Field == "email", errors.As(err, &invalid) && invalid.Field == "person_id" && ref.PersonID != 0 && ref.MarketoID == 0 && ref.SalesforceID == "":
		return nil // several people, or nobody: the address and the id decide below
	case err != nil:
		return err
	case a.PersonID == 0 || a.Email != "":
		return nil
	}
	p, err := models.FindPerson(ctx, k.db, a.PersonID)
	if err == nil && p.Email != nil {
		a.Email = *p.Email
	}
	return err
}

// words are what is known here of a person, everybody with their address and everybody
// whom they were merged with.
type words struct{ here, salesforce, known bool }

// whoSaidNo takes a person, an address folded, and ids of Marketo's and Salesforce's as
// they were named.
const whoSaidNo = `
	WITH RECURSIVE whom AS (
		SELECT id FROM people WHERE id = $1
		UNION SELECT id FROM people WHERE $2 <> '' AND email_key = $2 AND archived_at IS NULL
		UNION SELECT id FROM people WHERE $2 <> '' AND email_key = $2 AND archived_at IS NOT NULL
		UNION SELECT merged.id FROM whom w CROSS JOIN LATERAL (
			SELECT p.id FROM people p WHERE p.merged_into = w.id
			UNION ALL SELECT p.merged_into FROM people p WHERE p.id = w.id AND p.merged_into IS NOT NULL) merged
	), said AS (
		SELECT source FROM unsubscribes WHERE cleared_at IS NULL AND person_id IN (SELECT id FROM whom)
		UNION ALL SELECT source FROM unsubscribes WHERE cleared_at IS NULL AND $2 <> '' AND person_email_key = $2
		UNION ALL SELECT source FROM unsubscribes WHERE person_id IS NULL AND cleared_at IS NULL
			AND person_marketo_id IN (SELECT id FROM whom UNION ALL SELECT unnest($3::bigint[]))
		UNION ALL SELECT source FROM unsubscribes WHERE person_id IS NULL AND cleared_at IS NULL
			AND left(person_salesforce_id, 15) IN (SELECT left(r.id, 15) FROM people p JOIN whom USING (id) CROSS JOIN LATERAL (VALUES (p.salesforce_contact_id), (p.salesforce_lead_id)) r (id)
				UNION ALL SELECT left($4, 15))
	)
	SELECT EXISTS (SELECT FROM said WHERE source <> 'salesforce'), EXISTS (SELECT FROM said WHERE source = 'salesforce'), EXISTS (SELECT FROM whom)`

// words counts what still waits for its person, too, since they may have arrived a
// moment ago.
func (k *Keeper) words(ctx context.Context, person int64, about who.Ref) (words, error) {
	key, record := "", ""
	if about.Email != "" {
		key = models.SortKey(&about.Email)
	}
	if about.SalesforceID != "" {
		record = models.NormalSalesforceID(about.SalesforceID)
	}
	var w words
	err := k.pool.QueryRow(ctx, whoSaidNo, person, key, []int64{about.MarketoID, about.PersonID}, record).Scan(&w.here, &w.salesforce, &w.known)
	if err != nil {
		return w, fmt.Errorf("look who said no: %w", err)
	}
	return w, nil
}

// askMarketo asks for the person and for everybody with the address, at once. No answer
// in time is a no.
func (k *Keeper) askMarketo(ctx context.Context, wanted bool, a Answer, ref who.Ref) []Reason {
	if !wanted {
		return nil
	}
	ctx, cancel := context.WithTimeout(budget.For(ctx, budget.UnsubscribeCheck), k.cfg.CheckTime)
	defer cancel()
	client, err := k.marketo(ctx)
	if err != nil {
		return []Reason{MarketoUnreachable}
	}
	person := a.PersonID
	for _, id := range []int64{ref.MarketoID, ref.PersonID} {
		if person == 0 {
			person = id
		}
	}
	var byID, byEmail said
	group, ctx := errgroup.WithContext(ctx)
	if person != 0 {
		group.Go(func() error { return byID.ask(ctx, client, "id", strconv.FormatInt(person, 10)) })
	}
	if a.Email != "" && !strings.Contains(a.Email, ",") { // which no list of values can hold
		group.Go(func() error { return byEmail.ask(ctx, client, "email", a.Email) })
	}
	err = group.Wait()
	switch {
	case byID.no || byEmail.no:
		return []Reason{UnsubscribedInMarketo}
	case err != nil:
		return []Reason{MarketoUnreachable}
	case a.PersonID != 0 && !byID.known, a.PersonID == 0 && a.Email != "" && !byEmail.known:
		return []Reason{UnknownPerson} // gone from Marketo, so that nobody can say
	}
	return nil
}

// said is what Marketo said of some people.
type said struct{ known, no bool }

func (s *said) ask(ctx context.Context, client *marketo.Client, filter, value string) error {
	for lead, err := range client.Leads(ctx, filter, []string{value}, []string{"id", "unsubscribed"}) {
		if err != nil {
			return fmt.Errorf("ask Marketo who is unsubscribed: %w", err)
		}
		s.known = true
		text := cmp.Or(strings.ToLower(lead["unsubscribed"]), "false") // null: nobody ever said so
		no, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("read whether somebody is unsubscribed in Marketo: %w", err)
		}
		s.no = s.no || no
	}
	return nil
}
