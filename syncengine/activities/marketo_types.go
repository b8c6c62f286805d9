package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"

	"salesactions/clock"
	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
	"salesactions/syncengine/outbox"
)

// MarketoSetup is what is known of our activity types in the instance.
type MarketoSetup struct {
	At         time.Time     `json:"at"`
	Endpoint   string        `json:"endpoint"` // whose types these are
	Layout     Layout        `json:"layout"`   // empty: neither fits
	SlotsUsed  int           `json:"slots_used"`
	SlotsTotal int           `json:"slots_total"`
	Types      []MarketoType `json:"types"`
	Error      string        `json:"error"` // why they are not all ready
	Remedy     string        `json:"remedy"`
}

// MarketoType is one of our types in the instance.
type MarketoType struct {
	APIName string `json:"api_name"`
	Name    string `json:"name"`
	ID      int    `json:"id"`
	Status  string `json:"status"` // Marketo's word, or "missing"
	OK      bool   `json:"ok"`     // activities can be added
}

// typeID returns the number of the type of a kind.
func (s MarketoSetup) typeID(kind models.ActivityKind) int {
	name := s.Layout.typeFor(kind).apiName
	for _, t := range s.Types {
		if t.APIName == name {
			return t.ID
		}
	}
	return 0
}

// typeIDs are the numbers of all our types.
func (s MarketoSetup) typeIDs() []int {
	var ids []int
	for _, t := range s.Types {
		ids = append(ids, t.ID)
	}
	return ids
}

// SetUpMarketo looks which of our activity types an instance has, makes and approves
// those that are missing as far as its slots allow, verifies them, and keeps what it
// found. Doing it again changes nothing that is in order. An error says in plain
// words why activities cannot be added; it is kept, too.
func SetUpMarketo(ctx context.Context, pool *pgxpool.Pool, o *outbox.Outbox, client *marketo.Client, endpoint string) (MarketoSetup, error) {
	leave, err := setupTurn(ctx, pool, o.Clock())
	if err != nil {
		return MarketoSetup{}, err
	}
	defer leave()
	s := MarketoSetup{At: o.Clock().Now(), Endpoint: endpoint, SlotsTotal: marketo.MaxCustomTypes}
	err = s.make(ctx, client)
	if err != nil {
		what := failure.Classify(err)
		s.Error, s.Remedy = what.Text, what.Remedy
	}
	return s, errors.Join(err, o.KeepSetup(ctx, models.ToMarketo, s))
}

const (
	setupLease = "marketo_activity_types"
	setupTime  = time.Minute // for some thirty calls
	setupPoll  = 100 * time.Millisecond
)

// setupTurn waits until nobody else sets the types up, so that none is made twice.
func setupTurn(ctx context.Context, pool *pgxpool.Pool, clk clockwork.Clock) (leave func(), err error) {
	lease := models.Lease{Name: setupLease, Holder: uuid.NewString(), Lasting: setupTime}
	for {
		got, err := models.AcquireLease(ctx, pool, lease)
		if err != nil {
			return nil, err
		}
		if got {
			return func() {
				// One that is not given back ends by itself.
				_ = models.ReleaseLease(ctx, pool, lease)
			}, nil
		}
		if err := clock.Sleep(ctx, clk, setupPoll); err != nil {
			return nil, err
		}
	}
}

// LoadMarketoSetup returns what was found last, or nil.
func LoadMarketoSetup(ctx context.Context, pool *pgxpool.Pool) (*MarketoSetup, error) {
	var s *MarketoSetup
	if err := pool.QueryRow(ctx, `SELECT setup FROM destinations WHERE name = 'marketo'`).Scan(&s); err != nil {
		return nil, fmt.Errorf("read what Marketo's activity types are: %w", err)
	}
	return s, nil
}

// make follows the order of Marketo's documentation: list, count, create, add the
// attributes, approve, list again for the numbers.
func (s *MarketoSetup) make(ctx context.Context, client *marketo.Client) error {
	existing, err := listTypes(ctx, client)
	if err != nil {
		return err
	}
	for _, t := range existing {
		if t.Status != marketo.TypeDeleted {
			s.SlotsUsed++
		}
	}
	if s.Layout = chooseLayout(existing, s.SlotsTotal-s.SlotsUsed); s.Layout == "" {
		return failure.OwnMarketo("no_slots").Saying(fmt.Sprintf(
			"Marketo has room for %d custom activity types, and %d are in use: not even the three of the grouped layout fit.", s.SlotsTotal, s.SlotsUsed))
	}
	for _, t := range s.Layout.types() {
		if err := ensureType(ctx, client, t, existing); err != nil {
			return err
		}
	}
	return s.verify(ctx, client)
}

func listTypes(ctx context.Context, client *marketo.Client) (map[string]marketo.CustomType, error) {
	list, err := client.CustomTypes(ctx)
	if err != nil {
		return nil, fmt.Errorf("list Marketo's custom activity types: %w", err)
	}
	types := make(map[string]marketo.CustomType, len(list))
	for _, t := range list {
		types[t.APIName] = t
	}
	return types, nil
}

// chooseLayout keeps the layout that is there, and else takes the one that fits.
func chooseLayout(existing map[string]marketo.CustomType, free int) Layout {
	missing := func(l Layout) int {
		n := 0
		for _, t := range l.types() {
			if e, there := existing[t.apiName]; !there || e.Status == marketo.TypeDeleted {
				n++
			}
		}
		return n
	}
	eight, grouped := missing(LayoutEight), missing(LayoutGrouped)
	switch {
	case eight == 0:
		return LayoutEight
	case grouped == 0:
		return LayoutGrouped
	case eight <= free:
		return LayoutEight
	case grouped <= free:
		return LayoutGrouped
	}
	return ""
}

// ensureType makes one type whole, from whatever an earlier try left of it.
func ensureType(ctx context.Context, client *marketo.Client, t typeOf, existing map[string]marketo.CustomType) error {
	e, there := existing[t.apiName]
	if !there || e.Status == marketo.TypeDeleted {
		created, err := client.CreateCustomType(ctx, marketo.CustomType{APIName: t.apiName, Name: t.name, Description: t.description,
			TriggerName: t.trigger, FilterName: t.filter, Primary: t.primary})
		switch {
		case marketo.IsCode(err, "1005") || marketo.IsCode(err, "1017"): // by an earlier try whose answer was lost
			e = marketo.CustomType{Status: marketo.TypeDraft}
		case err != nil:
			return fmt.Errorf("create Marketo's activity type %s: %w", t.name, err)
		default:
			e = created
		}
	}
	whole, err := client.CustomType(ctx, t.apiName, e.Status.HasDraft())
	if err != nil {
		return fmt.Errorf("read Marketo's activity type %s: %w", t.name, err)
	}
	if lacking := t.lacking(whole.Attributes); len(lacking) > 0 {
		if _, err := client.AddTypeAttributes(ctx, t.apiName, lacking); err != nil {
			return fmt.Errorf("add attributes to Marketo's activity type %s: %w", t.name, err)
		}
		e.Status = marketo.TypeDraft
	}
	if e.Status.HasDraft() {
		if _, err := client.ApproveCustomType(ctx, t.apiName); err != nil {
			return fmt.Errorf("approve Marketo's activity type %s: %w", t.name, err)
		}
	}
	return nil
}

func (t typeOf) lacking(has []marketo.Attribute) []marketo.Attribute {
	there := map[string]bool{}
	for _, a := range has {
		there[a.APIName] = true
	}
	var lacking []marketo.Attribute
	for _, a := range t.secondary() {
		if !there[a.APIName] {
			lacking = append(lacking, a)
		}
	}
	return lacking
}

// verify reads the types as activities are added to and read from: approved, with a
// number, and with the attribute that holds our id.
func (s *MarketoSetup) verify(ctx context.Context, client *marketo.Client) error {
	existing, err := listTypes(ctx, client)
	if err != nil {
		return err
	}
	s.SlotsUsed = 0
	for _, t := range existing {
		if t.Status != marketo.TypeDeleted {
			s.SlotsUsed++
		}
	}
	numbers, err := client.ActivityTypes(ctx)
	if err != nil {
		return fmt.Errorf("read the numbers of Marketo's activity types: %w", err)
	}
	byName := map[string]int{}
	for _, t := range numbers {
		byName[t.Name] = t.ID
	}
	s.Types = nil
	for _, t := range s.Layout.types() {
		e, there := existing[t.apiName]
		m := MarketoType{APIName: t.apiName, Name: t.name, ID: e.ID, Status: "missing"}
		if there {
			m.Status = string(e.Status)
			if id := byName[e.Name]; id != 0 { // the display name as the instance has it today
				m.ID = id
			}
		}
		m.OK = e.Status.Approved() && m.ID != 0
		s.Types = append(s.Types, m)
	}
	for _, t := range s.Types {
		if !t.OK {
			return failure.OwnMarketo("types_missing").Saying(fmt.Sprintf("Marketo's activity type %q is %s.", t.Name, t.Status))
		}
	}
	return nil
}

// isOfType knows the errors that a type of ours which is gone or not approved causes,
// beside bad values (Marketo REST: error codes).
func isOfType(code string) bool {
	return code == marketo.CodeInvalidData || code == "1006" || code == "1013"
}

// checkTypes looks whether our types are as they were found, and makes the next run set
// them up where they are not.
func (m *toMarketo) checkTypes(ctx context.Context, client *marketo.Client) error {
	setup := m.types()
	err := setup.verify(budget.For(ctx, budget.ActivityTypes), client)
	if err == nil {
		return nil
	}
	what := failure.Classify(err)
	setup.Error, setup.Remedy = what.Text, what.Remedy
	return errors.Join(err, m.outbox.KeepSetup(ctx, models.ToMarketo, setup))
}
