package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMarketoWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t, true)
	const target = "/webhooks/marketo"

	t.Run("the person is put in the inbox, with either secret and any content type", func(t *testing.T) {
		for i, secret := range []string{firstSecret, secondSecret} {
			id := strconv.Itoa(100 + i)
			status, taken := b.call(http.MethodPost, target, `{"id":`+id+`}`, "X-Webhook-Secret", secret, "Content-Type", "text/plain")
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, map[string]any{"ok": true}, taken)
			require.Equal(t, 1, b.count("SELECT count(*) FROM touched_people WHERE person_id = $1", 100+i))
		}
	})

	t.Run("without a valid secret nothing happens", func(t *testing.T) {
		b.refuse(http.StatusUnauthorized, http.MethodPost, target, `{"id":200}`)
		b.refuse(http.StatusUnauthorized, http.MethodPost, target, `{"id":200}`, "X-Webhook-Secret", "guessed")
		b.refuse(http.StatusUnauthorized, http.MethodPost, target, `{"id":200}`, "X-Webhook-Secret", "")
		require.Zero(t, b.count("SELECT count(*) FROM touched_people WHERE person_id = 200"))
	})

	t.Run("a body without an id is refused", func(t *testing.T) {
		before := b.count("SELECT count(*) FROM touched_people")
		p := b.refuse(http.StatusBadRequest, http.MethodPost, target, `{"id":"{{lead.Id}}"}`, "X-Webhook-Secret", firstSecret)
		require.Equal(t, "#/id", p.Errors[0].Pointer)
		b.refuse(http.StatusBadRequest, http.MethodPost, target, "", "X-Webhook-Secret", firstSecret)
		b.refuse(http.StatusRequestEntityTooLarge, http.MethodPost, target, strings.Repeat(" ", maxBody+1), "X-Webhook-Secret", firstSecret)
		require.Equal(t, before, b.count("SELECT count(*) FROM touched_people"))
	})
}

func TestWebhookID(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int64{
		`{"id":123}`:                            123,
		`{"id":"123"}`:                          123,
		`{"id":""123""}`:                        123,
		"{ \"id\" :\n \"\"123\"\" ,\"x\":\"\"}": 123,
		`{"email":"a@b.example","id":123}`:      123,
		`{"id":9223372036854775807}`:            9223372036854775807,
		`{"id":9223372036854775808}`:            0,
		`{"id":0}`:                              0,
		`{"id":-5}`:                             0,
		`{"id":1.5}`:                            0,
		`{"id":1e3}`:                            0,
		`{"id":null}`:                           0,
		`{"id":""}`:                             0,
		`{"id":" 1"}`:                           0,
		`{"id":{"id":1}}`:                       0,
		`{"id":""abc""}`:                        0,
		`{"id":{{lead.Id}}}`:                    0,
		`{"lead":1}`:                            0,
		`[1]`:                                   0,
		`id=1`:                                  0,
		``:                                      0,
	} {
		id, err := webhookID([]byte(body))
		require.Equal(t, want, id, body)
		require.Equal(t, want == 0, err != nil, body)
	}
}

// FuzzWebhookID holds that an id is positive or refused, and that an id which JSON
// says plainly is the one that is found.
func FuzzWebhookID(f *testing.F) {
	for _, seed := range []string{`{"id":1}`, `{"id":"1"}`, `{"id":""1""}`, `{"id":""1"","x":""}`, `{`, `null`, `{"id":{}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		id, err := webhookID(body)
		require.Equal(t, err == nil, id > 0)
		var plain struct {
			ID int64 `json:"id"`
		}
		if json.Unmarshal(body, &plain) == nil && plain.ID > 0 {
			require.Equal(t, plain.ID, id)
		}
	})
}
