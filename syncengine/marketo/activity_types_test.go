package marketo_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/marketo"
)

// external serves one call of the custom types' interface.
func external(t *testing.T, method, path, wants, answers string) *marketo.Client {
	t.Helper()
	return setup(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, method, r.Method)
		require.Equal(t, "/base/rest/v1/activities/external/"+path, r.URL.RequestURI())
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		if wants == "" {
			require.Empty(t, body)
		} else {
			require.JSONEq(t, wants, string(body))
		}
		fmt.Fprintf(w, `{"requestId":"185d6#14b51985ff0","success":true,"result":[%s]}`, answers)
	})
}

const sendEmail = `{"apiName":"salesActionsSendEmail","name":"SA Send Sales Email","status":"draft",
	"triggerName":"Sends Sales Email - Sales Actions","filterName":"Sent Sales Email - Sales Actions",
	"description":"A rep sent a sales email","primaryAttribute":{"apiName":"subject","name":"Email Subject","dataType":"string"}`

func sendEmailType() marketo.CustomType {
	return marketo.CustomType{
		APIName: "salesActionsSendEmail", Name: "SA Send Sales Email", Status: marketo.TypeDraft, Description: "A rep sent a sales email",
		TriggerName: "Sends Sales Email - Sales Actions", FilterName: "Sent Sales Email - Sales Actions",
		Primary: marketo.Attribute{APIName: "subject", Name: "Email Subject", DataType: "string"},
	}
}

func TestCustomTypes(t *testing.T) {
	t.Parallel()

	t.Run("they_are_listed_with_their_status", func(t *testing.T) {
		t.Parallel()
		client := external(t, http.MethodGet, "types.json", "", `{"apiName":"a1","name":"A","triggerName":"t","filterName":"f",
			"createdAt":"2016-02-02T23:03:24Z+0000","status":"approved with draft"},{"apiName":"b1","name":"B","status":"approved"},{"apiName":"c1","name":"C","status":"draft"}`)
		types, err := client.CustomTypes(t.Context())
		require.NoError(t, err)
		require.Len(t, types, 3)
		require.True(t, types[0].Status.Approved() && types[0].Status.HasDraft())
		require.True(t, types[1].Status.Approved() && !types[1].Status.HasDraft())
		require.True(t, !types[2].Status.Approved() && types[2].Status.HasDraft())
	})

	t.Run("one_is_described_as_approved_or_as_its_draft", func(t *testing.T) {
		t.Parallel()
		answers := sendEmail + `,"attributes":[{"apiName":"ourId","name":"Activity ID","dataType":"string"}]}`
		want := sendEmailType()
		want.Attributes = []marketo.Attribute{{APIName: "ourId", Name: "Activity ID", DataType: "string"}}
		for draft, path := range map[bool]string{false: "type/salesActionsSendEmail/describe.json", true: "type/salesActionsSendEmail/describe.json?draft=true"} {
			got, err := external(t, http.MethodGet, path, "", answers).CustomType(t.Context(), "salesActionsSendEmail", draft)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(want, got))
		}
	})

	t.Run("one_is_created_as_a_draft", func(t *testing.T) {
		t.Parallel()
		client := external(t, http.MethodPost, "type.json", `{"apiName":"salesActionsSendEmail","name":"SA Send Sales Email",
			"triggerName":"Sends Sales Email - Sales Actions","filterName":"Sent Sales Email - Sales Actions","description":"A rep sent a sales email",
			"primaryAttribute":{"apiName":"subject","name":"Email Subject","dataType":"string"}}`, sendEmail+`}`)
		got, err := client.CreateCustomType(t.Context(), sendEmailType())
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(sendEmailType(), got))
	})

	t.Run("attributes_are_added", func(t *testing.T) {
		t.Parallel()
		client := external(t, http.MethodPost, "type/salesActionsSendEmail/attributes/create.json",
			`{"attributes":[{"apiName":"ourId","name":"Activity ID","dataType":"string"}]}`, sendEmail+`}`)
		_, err := client.AddTypeAttributes(t.Context(), "salesActionsSendEmail", []marketo.Attribute{{APIName: "ourId", Name: "Activity ID", DataType: "string"}})
		require.NoError(t, err)
	})

	t.Run("a_draft_is_approved_without_a_body", func(t *testing.T) {
		t.Parallel()
		_, err := external(t, http.MethodPost, "type/a1/approve.json", "", `{"apiName":"a1","status":"approved"}`).ApproveCustomType(t.Context(), "a1")
		require.NoError(t, err)
	})

	t.Run("an_answer_without_a_type_is_none", func(t *testing.T) {
		t.Parallel()
		_, err := external(t, http.MethodPost, "type/a1/approve.json", "", ``).ApproveCustomType(t.Context(), "a1")
		requireKind(t, err, marketo.KindBadAnswer)
		require.True(t, marketo.Ambiguous(err))
	})

	t.Run("codes_of_full_instances_are_told", func(t *testing.T) {
		t.Parallel()
		client := setup(t, answer(`{"success":false,"errors":[{"code":"1027","message":"Max custom activity types reached"}]}`))
		_, err := client.CreateCustomType(t.Context(), sendEmailType())
		require.True(t, marketo.IsCode(err, marketo.CodeNoTypesLeft))
		require.False(t, marketo.Ambiguous(err))
	})
}

func TestActivityTypesHaveTheirAttributes(t *testing.T) {
	t.Parallel()
	client := setup(t, answer(`{"success":true,"result":[{"id":100001,"name":"SA Send Sales Email","primaryAttribute":{"name":"Email Subject","dataType":"string"},
		"attributes":[{"name":"Activity ID","dataType":"string","apiName":"ourId"},{"name":"Link","dataType":"link"}]},{"id":12,"name":"New Lead","attributes":[]}]}`))
	types, err := client.ActivityTypes(t.Context())
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]marketo.ActivityType{
		{ID: 100001, Name: "SA Send Sales Email", Primary: marketo.Attribute{Name: "Email Subject", DataType: "string"},
			Attributes: []marketo.Attribute{{APIName: "ourId", Name: "Activity ID", DataType: "string"}, {Name: "Link", DataType: "link"}}},
		{ID: 12, Name: "New Lead", Attributes: []marketo.Attribute{}},
	}, types))
}
