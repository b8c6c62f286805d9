package api

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

// world is five people: two who share an address, one who left, one with gaps.
func world() []models.Person {
	archived, reason, winner := noon, models.ArchivedMerged, int64(11)
	return []models.Person{
		{ID: 11, FirstName: text("Ada"), LastName: text("Lovelace"), Company: text("Acme"), Email: text("ada@acme.example"),
			SalesforceContactID: text("003000000000001AAA"), OwnerID: text("005000000000001AAA")},
		{ID: 12, FirstName: text("Zoë"), LastName: text("Ångström"), Company: text("Acme"), Email: text("office@acme.example"), OwnerID: text("005000000000002AAA")},
		{ID: 13, FirstName: text("伟"), LastName: text("王"), Email: text("office@acme.example"), OwnerID: text("005000000000001AAA")},
		{ID: 9007199254740993, LastName: text("null"), OwnerID: text("005000000000001AAA")},
		{ID: 14, FirstName: text("Bob"), Company: text("Gone"), ArchivedAt: &archived, ArchiveReason: &reason, MergedInto: &winner},
	}
}

func ids(page map[string]any) []string {
	found := []string{}
	for _, item := range page["items"].([]any) {
		found = append(found, item.(map[string]any)["id"].(string))
	}
	return found
}

func TestListPeople(t *testing.T) {
	t.Parallel()
	b := setup(t, false)
	b.settle(world()...)

	t.Run("filters", func(t *testing.T) {
		for query, want := range map[string][]string{
			"":                                 {"11", "12", "13", "9007199254740993"},
			"?q=":                              {"11", "12", "13", "9007199254740993"},
			"?q=angstrom+zoe":                  {"12"},
			"?q=%E7%8E%8B%E4%BC%9F":            {"13"},
			"?q=nobody":                        {},
			"?email=OFFICE@acme.example":       {"12", "13"},
			"?marketo_id=9007199254740993":     {"9007199254740993"},
			"?salesforce_id=003000000000001":   {"11"},
			"?owner_id=005000000000001AAA":     {"11", "13", "9007199254740993"},
			"?owner_id=005000000000001AAA&q=a": {"11"},
			"?archived=true":                   {"14"},
			"?archived=false&q=acme":           {"11", "12", "13"},
			"?q=%25":                           {},
		} {
			page := b.get("/people" + query)
			require.Equal(t, want, ids(page), query)
			require.Nil(t, page["next_cursor"], query)
		}
	})

	t.Run("pages meet everybody once", func(t *testing.T) {
		var met []string
		target := "/people?limit=1"
		for range 4 {
			page := b.get(target)
			met = append(met, ids(page)...)
			if page["next_cursor"] == nil {
				break
			}
			target = fmt.Sprintf("/people?limit=1&cursor=%s", page["next_cursor"])
		}
		require.Equal(t, []string{"11", "12", "13", "9007199254740993"}, met)
		require.Nil(t, b.get(target)["next_cursor"])
	})

	t.Run("what it does not understand is refused by name", func(t *testing.T) {
		for query, pointer := range map[string]string{
			"?emial=ada@acme.example":          "?emial",
			"?email=a&email=b":                 "?email",
			"?email=":                          "?email",
			"?email=%00":                       "?email",
			"?q=%FF":                           "?q",
			"?marketo_id=eleven":               "?marketo_id",
			"?marketo_id=-1":                   "?marketo_id",
			"?marketo_id=%2B1":                 "?marketo_id",
			"?marketo_id=99999999999999999999": "?marketo_id",
			"?archived=yes":                    "?archived",
			"?limit=0":                         "?limit",
			"?limit=501":                       "?limit",
			"?limit=ten":                       "?limit",
			"?cursor=made-up":                  "?cursor",
			"?cursor=bmlkWyIxIiwiMiJd":         "?cursor",
			"?a=%zz":                           "?",
		} {
			p := b.refuse(http.StatusBadRequest, http.MethodGet, "/people"+query, "")
			require.Len(t, p.Errors, 1, query)
			require.Equal(t, pointer, p.Errors[0].Pointer, query)
			require.Equal(t, p.Detail, p.Errors[0].Detail, query)
		}
		p := b.refuse(http.StatusBadRequest, http.MethodGet, "/people?b=1&limit=x&a=1", "")
		require.Len(t, p.Errors, 3, "all faults at once")
	})
}

func TestShowPerson(t *testing.T) {
	t.Parallel()
	b := setup(t, false)
	b.settle(world()...)

	t.Run("all fields are there, absent values are null", func(t *testing.T) {
		require.Equal(t, map[string]any{
			"id": "11", "first_name": "Ada", "last_name": "Lovelace", "salesforce_contact_id": "003000000000001AAA",
			"salesforce_lead_id": nil, "salesforce_account_id": nil, "salesforce_opportunity_id": nil, "marketo_id": "11",
			"company": "Acme", "title": nil, "email": "ada@acme.example", "phone": nil, "linkedin_url": nil, "source": nil,
			"owner_id": "005000000000001AAA", "unsubscribed": false, "archived_at": nil, "archive_reason": nil,
			"merged_into": nil, "updated_at": "2026-05-04T12:00:00Z",
		}, b.get("/people/11"))
	})

	t.Run("who left is found, with the reason", func(t *testing.T) {
		left := b.get("/people/14")
		require.Equal(t, "2026-05-04T12:00:00Z", left["archived_at"])
		require.Equal(t, "merged", left["archive_reason"])
		require.Equal(t, "11", left["merged_into"])
	})

	t.Run("who is not there is not found", func(t *testing.T) {
		for _, id := range []string{"15", "abc", "0", "-1", "+11", "99999999999999999999"} {
			p := b.refuse(http.StatusNotFound, http.MethodGet, "/people/"+id, "")
			require.Equal(t, "There is no person with this id.", p.Detail)
		}
	})

	t.Run("parameters are refused", func(t *testing.T) {
		b.refuse(http.StatusBadRequest, http.MethodGet, "/people/11?fields=email", "")
	})
}

// FuzzReadQuery holds that whatever is accepted can be asked of PostgreSQL.
func FuzzReadQuery(f *testing.F) {
	for _, seed := range []string{"", "q=a&limit=5", "limit=501", "x=%00", "a=%zz", "marketo_id=1&cursor=&archived=true", "q=%ff;b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		c, _ := testContext(t, http.MethodGet, "/people", "")
		c.Request().URL.RawQuery = raw
		q := readQuery(c, "q", "marketo_id", "archived", "limit", "cursor")
		limit, id := q.limit(), q.number("marketo_id")
		q.truth("archived")
		if q.problem() != nil {
			return
		}
		require.True(t, limit >= 1 && limit <= maxLimit && id >= 0)
		require.True(t, isText(q.text("q")) && len(q.text("q")) <= maxParameter)
	})
}
