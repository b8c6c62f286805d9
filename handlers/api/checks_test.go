package api

import (
	"net/http"
	"testing"

	"salesactions/models"

	"github.com/stretchr/testify/require"
)

// ask asks whether somebody may be emailed.
func (b *bundle) ask(body string) map[string]any {
	b.t.Helper()
	status, told := b.call(http.MethodPost, "/emails/check", body)
	require.Equal(b.t, http.StatusOK, status, told)
	return told
}

func TestMayIEmailThisPerson(t *testing.T) {
	t.Parallel()
	b := setup(t, false).cast()

	t.Run("no, where Marketo cannot be asked", func(t *testing.T) {
		told := b.ask(`{"person_id":"1001"}`)
		require.Equal(t, []any{false, []any{"marketo_unreachable"}, "1001"}, []any{told["allowed"], told["reasons"], told["person_id"]})
	})

	t.Run("no, whatever else, for whom said no", func(t *testing.T) {
		b.call(http.MethodPost, "/unsubscribes", `{"person_id":1003}`)
		require.Contains(t, b.ask(`{"email":"shared@acme.example"}`)["reasons"], "unsubscribed_here")
	})

	t.Run("with Marketo not to be asked, yes", func(t *testing.T) {
		status, _ := b.call(http.MethodPatch, "/settings", `{"marketo_check":false}`)
		require.Equal(t, http.StatusOK, status)
		told := b.ask(`{"salesforce_id":"003000000000001"}`)
		require.Equal(t, []any{true, []any{}}, []any{told["allowed"], told["reasons"]})
	})

	t.Run("the answer has the link and the headers of one-click unsubscribe (RFC 8058)", func(t *testing.T) {
		told := b.ask(`{"email":"ada@acme.example"}`)
		url := told["unsubscribe_url"].(string)
		require.Regexp(t, `^http://example\.com/u/[^/]+$`, url)
		require.Equal(t, map[string]any{"List-Unsubscribe": "<" + url + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}, told["headers"])
	})

	t.Run("a token that may only read gets no link, with which it could unsubscribe", func(t *testing.T) {
		b.token.Scope = models.ScopeRead
		defer func() { b.token.Scope = models.ScopeAdmin }()
		told := b.ask(`{"email":"ada@acme.example"}`)
		require.Equal(t, []any{true, nil, map[string]any{}}, []any{told["allowed"], told["unsubscribe_url"], told["headers"]})
	})

	t.Run("nobody has no link", func(t *testing.T) {
		told := b.ask(`{"person_id":7}`)
		require.Equal(t, []any{false, []any{"unknown_person"}, nil, nil, map[string]any{}},
			[]any{told["allowed"], told["reasons"], told["person_id"], told["unsubscribe_url"], told["headers"]})
	})

	t.Run("what names nobody is refused", func(t *testing.T) {
		for body, pointer := range map[string]string{`{}`: "#/person_id", `{"email":"x"}`: "#/email", `{"salesforce_id":"003"}`: "#/salesforce_id", `{"marketo_id":-1}`: "#/marketo_id"} {
			require.Equal(t, pointer, b.refuse(http.StatusBadRequest, http.MethodPost, "/emails/check", body).Errors[0].Pointer, body)
		}
	})
}
