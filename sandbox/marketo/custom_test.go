package marketo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/sandbox/world"
)

const types = "/rest/v1/activities/external/type"

func typeBody(name string) string {
	return fmt.Sprintf(`{"apiName":%q,"name":%q,"triggerName":"Does %[2]s","filterName":"Did %[2]s","primaryAttribute":{"apiName":"subject","name":"Subject","dataType":"string"}}`,
		strings.ReplaceAll(name, " ", ""), name)
}

// approved makes a type with an attribute for an id, and returns its number.
func (b *bundle) approved(name string) int {
	b.t.Helper()
	api := strings.ReplaceAll(name, " ", "")
	b.succeeded(b.call(http.MethodPost, types+".json", typeBody(name)))
	b.succeeded(b.call(http.MethodPost, types+"/"+api+"/attributes/create.json", `{"attributes":[{"apiName":"ourId","name":"Our ID","dataType":"string"},{"apiName":"count","name":"Count","dataType":"integer"}]}`))
	b.succeeded(b.call(http.MethodPost, types+"/"+api+"/approve.json", ""))
	for _, t := range b.get("/rest/v1/activities/types.json").Result {
		if t["name"] == name {
			return int(t["id"].(float64))
		}
	}
	require.FailNow(b.t, "the approved type is not listed")
	return 0
}

func (b *bundle) typeStatus(api string) any {
	b.t.Helper()
	for _, t := range b.get(types + "s.json").Result {
		if t["apiName"] == api {
			return t["status"]
		}
	}
	return nil
}

func TestATypeIsADraftUntilItIsApproved(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{CommitLag: -1})
	b.succeeded(b.call(http.MethodPost, types+".json", typeBody("SA Email")))
	require.Equal(t, "draft", b.typeStatus("SAEmail"))
	b.refused(b.call(http.MethodPost, types+".json", typeBody("SA Email")), "1017")
	b.refused(b.call(http.MethodPost, types+".json", strings.Replace(typeBody("SA Email"), `"SAEmail"`, `"other"`, 1)), "1003")
	b.refused(b.call(http.MethodPost, types+".json", typeBody("SA: Email")), "1003")
	b.refused(b.call(http.MethodPost, types+".json", `{"apiName":"x"}`), "1002")
	b.refused(b.call(http.MethodPost, types+"/nothing/approve.json", ""), "1013")
	require.NotContains(t, b.get("/rest/v1/activities/types.json").body, "SA Email", "drafts are no types yet")

	b.succeeded(b.call(http.MethodPost, types+"/SAEmail/approve.json", ""))
	require.Equal(t, "approved", b.typeStatus("SAEmail"))
	b.succeeded(b.call(http.MethodPost, types+"/SAEmail/attributes/create.json", `{"attributes":[{"apiName":"a","name":"A","dataType":"string"}]}`))
	require.Equal(t, "approved with draft", b.typeStatus("SAEmail"))
	b.succeeded(b.call(http.MethodPost, types+"/SAEmail/attributes/update.json", `{"attributes":[{"apiName":"a","name":"Another"}]}`))
	b.succeeded(b.call(http.MethodPost, types+"/SAEmail.json", `{"description":"Changed"}`))
	draft := b.succeeded(b.get(types+"/SAEmail/describe.json", "draft", "true")).Result[0]
	require.Equal(t, "Changed", draft["description"])
	require.Equal(t, "Another", draft["attributes"].([]any)[0].(map[string]any)["name"])
	require.Empty(t, b.succeeded(b.get(types + "/SAEmail/describe.json")).Result[0]["attributes"], "the approved one is as it was")
	b.succeeded(b.call(http.MethodPost, types+"/SAEmail/attributes/delete.json", `{"attributes":[{"apiName":"a"}]}`))
	b.succeeded(b.call(http.MethodPost, types+"/SAEmail/discardDraft.json", ""))
	require.Equal(t, "approved", b.typeStatus("SAEmail"))
	b.succeeded(b.call(http.MethodPost, types+"/SAEmail/delete.json", ""))
	require.Nil(t, b.typeStatus("SAEmail"))
}

func TestAnInstanceHasTenSlots(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{CustomTypesTaken: 8})
	require.Len(t, b.get(types+"s.json").Result, 8)
	for i := range 2 {
		b.succeeded(b.call(http.MethodPost, types+".json", typeBody(fmt.Sprint("Kind ", i))))
	}
	b.refused(b.call(http.MethodPost, types+".json", typeBody("One more")), "1027")
	denied := setup(t, Config{NoTypeWrites: true, NoActivityWrites: true})
	denied.refused(denied.call(http.MethodPost, types+".json", typeBody("Kind")), "603")
	denied.refused(denied.call(http.MethodPost, "/rest/v1/activities/external.json", `{"input":[]}`), "603")
}

func TestActivitiesAreAddedOneByOneAndReadBack(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{CommitLag: -1})
	id := b.approved("SA Email")
	one := func(lead int64, attributes string) string {
		return fmt.Sprintf(`{"leadId":%d,"activityDate":"2026-01-20T11:00:00Z","activityTypeId":%d,"primaryAttributeValue":"Hello","attributes":%s}`, lead, id, attributes)
	}
	answer := b.succeeded(b.call(http.MethodPost, "/rest/v1/activities/external.json", `{"input":[`+strings.Join([]string{
		one(world.FirstID, `[{"apiName":"ourId","value":"a-1"},{"name":"Count","value":3}]`), one(7, `[]`), one(world.FirstID, `[{"apiName":"nope","value":"x"}]`),
		one(world.FirstID, `[{"apiName":"count","value":"three"}]`), strings.Replace(one(world.FirstID, `[]`), `"Hello"`, `""`, 1),
		strings.Replace(one(world.FirstID, `[]`), fmt.Sprint(id), "99", 1), strings.Replace(one(world.FirstID, `[]`), `,"attributes":[]`, "", 1)}, ",")+`]}`))
	codes := make([]string, len(answer.Result))
	for i, r := range answer.Result {
		codes[i] = r["status"].(string)
		if errs, ok := r["errors"].([]any); ok {
			codes[i] = errs[0].(map[string]any)["code"].(string)
		}
	}
	require.Equal(t, []string{"added", "1004", "1006", "1001", "1003", "1003", "1002"}, codes)

	since := b.get("/rest/v1/activities/pagingtoken.json", "sinceDatetime", "2026-01-20T10:00:00Z").NextPageToken
	rows := b.succeeded(b.get("/rest/v1/activities.json", "nextPageToken", since, "activityTypeIds", fmt.Sprint(id), "leadIds", fmt.Sprint(world.FirstID))).Result
	require.Len(t, rows, 1)
	raw, err := json.Marshal(rows[0]["attributes"])
	require.NoError(t, err)
	require.JSONEq(t, `[{"name":"Our ID","value":"a-1"},{"name":"Count","value":3}]`, string(raw), "by display name")

	var many []string
	for range 301 {
		many = append(many, one(world.FirstID, `[]`))
	}
	b.refused(b.call(http.MethodPost, "/rest/v1/activities/external.json", `{"input":[`+strings.Join(many, ",")+`]}`), "1003")
	require.NotEmpty(t, b.Violations())
	again := one(world.FirstID, `[{"apiName":"ourId","value":"a-1"}]`)
	b.succeeded(b.call(http.MethodPost, "/rest/v1/activities/external.json", `{"input":[`+again+`]}`))
	rows = b.get("/rest/v1/activities.json", "nextPageToken", since, "activityTypeIds", fmt.Sprint(id), "leadIds", fmt.Sprint(world.FirstID)).Result
	require.Len(t, rows, 2, "nobody looks whether one is there already")
}

func TestPeopleHaveAHistoryThatStays(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{History: true, CommitLag: -1})
	since := b.get("/rest/v1/activities/pagingtoken.json", "sinceDatetime", b.clock.Now().AddDate(0, 0, -90).Format(time.RFC3339)).NextPageToken
	read := func(lead int64) map[string]string {
		rows := map[string]string{}
		for token := since; ; {
			page := b.succeeded(b.get("/rest/v1/activities.json", "nextPageToken", token, "activityTypeIds", "1,3,6,10,11,46,39,45,152", "leadIds", fmt.Sprint(lead)))
			for _, r := range page.Result {
				rows[r["marketoGUID"].(string)] = fmt.Sprint(r["activityTypeId"], r["activityDate"])
			}
			if !page.MoreResult {
				return rows
			}
			token = page.NextPageToken
		}
	}
	quiet, kinds, busiest := 0, map[string]bool{}, int64(0)
	for p := range b.People() {
		rows := read(p.ID)
		if len(rows) == 0 {
			quiet++
		}
		if len(rows) > 20 {
			busiest = p.ID
		}
		for _, r := range rows {
			kinds[strings.SplitN(r, "2026", 2)[0]] = true
		}
		if p.ID > world.FirstID+100 {
			break
		}
	}
	require.Greater(t, quiet, 5)
	require.Less(t, quiet, 50)
	require.NotZero(t, busiest)
	before := read(busiest)
	b.clock.Advance(24 * time.Hour)
	b.login()
	after := read(busiest)
	same := 0
	for id, row := range before {
		if after[id] != "" {
			require.Equal(t, row, after[id])
			same++
		}
	}
	require.Greater(t, same, len(before)/2, "yesterday's history is the same today")
}
