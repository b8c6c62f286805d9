package marketo

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestControl(t *testing.T) {
	t.Parallel()
	t.Run("people are shown as they are held now", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		r := b.call(http.MethodPost, "/_sandbox/act", `{"do":"change","id":1003,"values":{"title":"VD"}}`)
		require.Equal(t, http.StatusOK, r.status, r.body)
		one := b.get("/_sandbox/people", "id", "1003").body
		require.Contains(t, one, `"title":"VD"`)
		require.Equal(t, 1, strings.Count(one, "\n"))
		require.Equal(t, 500, strings.Count(b.get("/_sandbox/people").body, "\n"))
	})
	t.Run("what cannot be done is a bad request", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		for _, body := range []string{`{"do":"explode"}`, `{"do":"delete","id":1}`, `{"do":"change","id":1001,"values":{"shoeSize":"4"}}`, `{`} {
			require.Equal(t, http.StatusBadRequest, b.call(http.MethodPost, "/_sandbox/act", body).status, body)
		}
		require.Equal(t, http.StatusBadRequest, b.call(http.MethodPost, "/_sandbox/faults", `{"kind":"explode"}`).status)
	})
	t.Run("faults come and go", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		b.call(http.MethodPost, "/_sandbox/faults", `{"path":"partitions","kind":"code","code":"713"}`)
		b.refused(b.get(cheap), "713")
		b.call(http.MethodDelete, "/_sandbox/faults", "")
		b.succeeded(b.get(cheap))
		require.Contains(t, b.get("/_sandbox/stats").body, `"max_in_window":2`)
	})
}

func TestActors(t *testing.T) {
	t.Parallel()
	t.Run("who gains an owner joins the list of owned people", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		const member = "/rest/v1/lists/2001/leads/ismember.json"
		require.Equal(t, "notmemberof", b.succeeded(b.get(member, "id", "1005")).Result[0]["status"])
		require.NoError(t, b.SetOwner(1005, "005000000000001AAA"))
		require.Equal(t, "memberof", b.succeeded(b.get(member, "id", "1005")).Result[0]["status"])
		for _, path := range []string{"/rest/v1/lists/2001/leads.json", "/rest/v1/list/2001/leads.json"} {
			got := b.succeeded(b.get(path, "batchSize", "5"))
			require.Len(t, got.Result, 5)
			require.NotEmpty(t, got.NextPageToken)
		}
	})
	t.Run("a company edit changes colleagues and is told of one", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{CommitLag: -1})
		token := b.since(b.clock.Now())
		require.NoError(t, b.RenameCompany(1001, "Acme International"))
		colleague, ok := b.Person(1006)
		require.True(t, ok)
		require.Equal(t, "Acme International", colleague.Fields["company"])
		items, _ := b.drain(token, changes, "fields", "company")
		require.Len(t, items, 1)
	})
	t.Run("a conversion keeps the id", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		require.NoError(t, b.Convert(1003))
		zoe, _ := b.Person(1003)
		require.Equal(t, "Contact", zoe.Fields["sfdcType"])
		require.Len(t, zoe.Fields["sfdcContactId"], 18)
	})
	t.Run("the webhook tells who changed, with the secret, once", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		got := make(chan string, 10)
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got <- r.Header.Get("X-Webhook-Secret") + " " + string(body)
			w.WriteHeader(http.StatusInternalServerError)
		}))
		t.Cleanup(receiver.Close)
		b.Webhook(receiver.URL, "X-Webhook-Secret", "hush")
		go b.RunWebhooks(t.Context())
		require.NoError(t, b.Change(1001, map[string]string{"title": "One"}))
		require.NoError(t, b.Change(1002, map[string]string{"title": "Two"}))
		require.Equal(t, `hush {"id":1001}`, <-got)
		require.Equal(t, `hush {"id":1002}`, <-got)
	})
}
