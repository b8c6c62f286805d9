package api

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSettings(t *testing.T) {
	t.Parallel()

	t.Run("at first people are selected by owner", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, map[string]any{
			"log_emails": false, "log_replies": false, "log_calls": false, "sync_tasks": false,
			"subject_template": "{{activity_type}}: {{activity_subject}}", "key_field": "Sales_Actions_Key__c", "marker_field": "",
			"marketo_check": true, "nightly_unsubscribes": false, "opt_out_field": "HasOptedOutOfEmail",
			"qualification": map[string]any{
				"mode": "owner_field", "list_id": nil, "list_name": nil,
				"owner_fields": []any{}, "linkedin_fields": []any{}, "source_fields": []any{},
			}}, setup(t, false).get("/settings"))
	})

	t.Run("what is logged is changed, and the audit log says who", func(t *testing.T) {
		t.Parallel()
		b := setup(t, false)
		status, now := b.call(http.MethodPatch, "/settings", `{"log_emails":true,"log_replies":true,"subject_template":"{{activity_subject}}"}`)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, []any{true, true, false, "{{activity_subject}}"}, []any{now["log_emails"], now["log_replies"], now["log_calls"], now["subject_template"]})
		require.Equal(t, []string{"token:Dialer logging.change"}, b.actions())
		problem := b.refuse(http.StatusBadRequest, http.MethodPatch, "/settings", `{"subject_template":"{{nobody}}"}`)
		require.Equal(t, "#/subject_template", problem.Errors[0].Pointer)
	})

	t.Run("members that are absent stay, null empties, and the audit log says who", func(t *testing.T) {
		t.Parallel()
		b := setup(t, false)
		status, now := b.call(http.MethodPatch, "/settings",
			`{"qualification":{"mode":"smart_list","list_id":"1007","owner_fields":["ownerId","owner2"]}}`)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, now, b.get("/settings"))

		status, now = b.call(http.MethodPatch, "/settings", `{"qualification":{"list_id":null,"list_name":"Owned","owner_fields":["ownerId"]}}`,
			"Content-Type", "application/merge-patch+json")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, map[string]any{
			"mode": "smart_list", "list_id": nil, "list_name": "Owned",
			"owner_fields": []any{"ownerId"}, "linkedin_fields": []any{}, "source_fields": []any{},
		}, now["qualification"])
		require.Equal(t, []string{"token:Dialer qualification.save", "token:Dialer qualification.save"}, b.actions())
	})

	t.Run("a change to the same is none", func(t *testing.T) {
		t.Parallel()
		b := setup(t, false)
		for _, body := range []string{`{}`, `{"qualification":{}}`, `{"qualification":{"mode":"owner_field","owner_fields":null}}`} {
			status, _ := b.call(http.MethodPatch, "/settings", body)
			require.Equal(t, http.StatusOK, status, body)
		}
		require.Empty(t, b.actions())
	})

	t.Run("what cannot be is refused where it stands, and nothing changes", func(t *testing.T) {
		t.Parallel()
		b := setup(t, false)
		before := b.get("/settings")
		for body, pointer := range map[string]string{
			`{"log_everything":true}`:                                       "#/log_everything",
			`{"subject_template":"a\u0000"}`:                                "#/subject_template",
			`{"log_emails":"yes"}`:                                          "#/log_emails",
			`{"log_emails":true,"subject_template":" "}`:                    "#/subject_template",
			`{"qualification":{"owner_fields":["a"]},"key_field":"a b"}`:    "#/key_field",
			`{"log_calls":true,"qualification":{"mode":"all"}}`:             "#/qualification/mode",
			`{"qualification":null}`:                                        "#/qualification",
			`{"qualification":{"mode":"all"}}`:                              "#/qualification/mode",
			`{"qualification":{"mode":"smart_list"}}`:                       "#/qualification/mode",
			`{"qualification":{"mode":7}}`:                                  "#/qualification/mode",
			`{"qualification":{"mode":"smart_list","list_id":"one"}}`:       "#/qualification/list_id",
			`{"qualification":{"mode":"smart_list","list_id":1007}}`:        "#/qualification/list_id",
			`{"qualification":{"mode":"smart_list","list_name":"a\u0000"}}`: "#/qualification",
		} {
			p := b.refuse(http.StatusBadRequest, http.MethodPatch, "/settings", body)
			require.Equal(t, pointer, p.Errors[0].Pointer, body)
		}
		b.refuse(http.StatusBadRequest, http.MethodGet, "/settings?a=1", "")
		require.Equal(t, before, b.get("/settings"))
		require.Empty(t, b.actions())
	})
}
