package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
)

// maxBatch is how many bytes a batch of activities may have.
const maxBatch = 8 << 20

// Recorded is what became of a batch, in the order of the request.
type Recorded struct {
	Results []RecordedActivity `json:"results"`
}

// RecordedActivity is what became of one activity of a batch.
type RecordedActivity struct {
	Key    *string     `json:"key"`    // null where it could not be read
	Status string      `json:"status"` // created, duplicate, invalid
	ID     *string     `json:"id"`     // of a duplicate, the first one's; null of an invalid one
	Error  *FieldError `json:"error"`  // of an invalid one
}

// ActivityInput is an activity as programs send it.
type ActivityInput struct {
	Key          string  `json:"key"`
	Type         string  `json:"type"`
	OccurredAt   instant `json:"occurred_at"`
	PersonID     looseID `json:"person_id"`
	MarketoID    looseID `json:"marketo_id"`
	SalesforceID string  `json:"salesforce_id"`
	Email        string  `json:"email"`
	Rep          string  `json:"rep"`
	EmailKey     string  `json:"email_key"`
	models.ActivityAttributes
}

// looseID takes an id as a string, as the API writes it, or as a number; 0 is none
// and noID one that cannot be read. The decoder would not say which of the ids.
type looseID int64

const noID looseID = -1

// UnmarshalJSON implements json.Unmarshaler.
func (id *looseID) UnmarshalJSON(raw []byte) error {
	text := string(raw)
	if text == "null" {
		return nil
	}
	if len(text) > 2 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	*id = noID
	if n, valid := positive(text); valid {
		*id = looseID(n)
	}
	return nil
}

// instant is a time, and remembers one that cannot be read.
type instant struct {
	time.Time
	wrong bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (i *instant) UnmarshalJSON(raw []byte) error {
	i.wrong = i.Time.UnmarshalJSON(raw) != nil
	return nil
}

// RecordActivities answers POST /activities: each is recorded once; a bad one does
// not keep the others from it. Deliveries follow in the background, hence 202.
func (h *Handlers) RecordActivities(c echo.Context) error {
	batch, err := readBatch(c)
	if err != nil {
		return err
	}
	results := make([]RecordedActivity, len(batch))
	inputs := make([]syncengine.ActivityInput, 0, len(batch))
	places := make([]int, 0, len(batch))
	for i, raw := range batch {
		in, fault := readActivity(raw, i)
		if fault != nil {
			results[i] = RecordedActivity{Key: orNull(in.Key), Status: string(syncengine.ActivityIsInvalid), Error: fault}
			continue
		}
		inputs, places = append(inputs, in.input()), append(places, i)
	}
	token, _ := request.Token(c) // the web layer lets nobody in without one
	recorded, err := h.engine.RecordActivities(c.Request().Context(), token.ID, inputs)
	if err != nil {
		return err
	}
	for n, r := range recorded {
		results[places[n]] = newRecorded(r, places[n])
	}
	return answer(c, http.StatusAccepted, Recorded{Results: results})
}

func newRecorded(r syncengine.ActivityResult, place int) RecordedActivity {
	told := RecordedActivity{Key: orNull(r.Key), Status: string(r.Status)}
	if r.Err != nil {
		told.Error = faultAt(place, r.Err.Field, r.Err.Message)
		return told
	}
	id := r.ID.String()
	told.ID = &id
	return told
}

// readBatch reads the activities, each still as it was sent.
func readBatch(c echo.Context) ([]json.RawMessage, error) {
	if err := checkMedia(c.Request().Header.Get(echo.HeaderContentType)); err != nil {
		return nil, err
	}
	body, err := readAllOf(c, maxBatch)
	if err != nil {
		return nil, err
	}
	var sent struct {
		Activities []json.RawMessage `json:"activities"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&sent); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return nil, invalid(FieldError{Pointer: "#", Detail: "The body must be one JSON object."})
		}
		return nil, bodyProblem(err)
	}
	if n := len(sent.Activities); n == 0 || n > syncengine.MaxActivities {
		return nil, invalid(FieldError{Pointer: "#/activities", Detail: fmt.Sprintf("Send from 1 to %d activities.", syncengine.MaxActivities)})
	}
	return sent.Activities, nil
}

// readActivity reads one activity strictly: a misspelt member would silently be lost.
func readActivity(raw json.RawMessage, place int) (ActivityInput, *FieldError) {
	var in ActivityInput
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return ActivityInput{Key: readKey(raw)}, decodingFault(err, place)
	}
	const number = "This must be a positive whole number, as a string or a number."
	switch {
	case in.OccurredAt.wrong:
		return in, faultAt(place, "occurred_at", "Say when it happened as an RFC 3339 time, like 2026-11-23T09:30:00Z.")
	case in.PersonID == noID:
		return in, faultAt(place, "person_id", number)
	case in.MarketoID == noID:
		return in, faultAt(place, "marketo_id", number)
	}
	return in, nil
}

// readKey reads the key of what cannot be read whole, if it can: the sender finds the
// activity by it.
func readKey(raw json.RawMessage) string {
	var keyed struct {
		Key string `json:"key"`
	}
	if json.Unmarshal(raw, &keyed) != nil {
		return ""
	}
	return keyed.Key
}

// decodingFault says which member cannot be read.
func decodingFault(err error, place int) *FieldError {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		member := wrongType.Field[strings.LastIndex(wrongType.Field, ".")+1:]
		return faultAt(place, member, fmt.Sprintf("A JSON %s is not what belongs here.", wrongType.Value))
	}
	if fault := bodyProblem(err).Errors[0]; strings.HasPrefix(fault.Pointer, "#/") {
		return faultAt(place, strings.TrimPrefix(fault.Pointer, "#/"), fault.Detail)
	}
	return faultAt(place, "", "This is no activity.")
}

func faultAt(place int, member, detail string) *FieldError {
	pointer := fmt.Sprintf("#/activities/%d", place)
	if member != "" {
		pointer += "/" + member
	}
	return &FieldError{Pointer: pointer, Detail: detail}
}

func (in ActivityInput) input() syncengine.ActivityInput {
	return syncengine.ActivityInput{Key: in.Key, Kind: models.ActivityKind(in.Type), OccurredAt: in.OccurredAt.Time, PersonID: int64(in.PersonID),
		MarketoID: int64(in.MarketoID), SalesforceID: in.SalesforceID, Email: in.Email, RepEmail: in.Rep, EmailKey: in.EmailKey, Attributes: in.ActivityAttributes}
}
