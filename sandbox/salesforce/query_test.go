package salesforce

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// found is a page of a query.
type found struct {
	TotalSize      int
	Done           bool
	NextRecordsURL string `json:"nextRecordsUrl"`
	Records        []values
}

func (o *bundle) ask(resource, soql string) found {
	o.t.Helper()
	var page found
	o.call(http.MethodGet, resource+"?q="+url.QueryEscape(soql), nil).is(http.StatusOK, &page)
	return page
}

func TestAQueryHasPages(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{People: 100})
	for i := range 23 {
		list := make([]values, 100)
		for n := range list {
			list[n] = values{"Subject": fmt.Sprint("S", i*100+n)}
		}
		o.saveMany(http.MethodPost, "", false, records(list...))
	}
	page := o.ask("/query", "SELECT Id, Subject FROM Task")
	require.Equal(t, 2300, page.TotalSize)
	require.False(t, page.Done)
	seen := map[string]bool{}
	for {
		for _, r := range page.Records {
			seen[r["Id"].(string)] = true
			require.Equal(t, "Task", r["attributes"].(values)["type"])
		}
		if page.Done {
			break
		}
		require.True(t, strings.HasPrefix(page.NextRecordsURL, base+"/query/"), page.NextRecordsURL)
		next := page.NextRecordsURL
		page = found{}
		o.call(http.MethodGet, next, nil).is(http.StatusOK, &page)
	}
	require.Len(t, seen, 2300)
	require.Empty(t, page.NextRecordsURL)
	o.call(http.MethodGet, "/query/01g000000000000-2000", nil).refused(http.StatusBadRequest, "INVALID_QUERY_LOCATOR")
}

func TestOnlyQueryAllSeesWhatWasDeleted(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	id := o.task(values{"Subject": "gone"})
	o.call(http.MethodDelete, "/sobjects/Task/"+id, nil).is(http.StatusNoContent, nil)
	soql := "SELECT Id, IsDeleted FROM Task WHERE Subject = 'gone'"
	require.Zero(t, o.ask("/query", soql).TotalSize)
	all := o.ask("/queryAll", soql)
	require.Equal(t, 1, all.TotalSize)
	require.Equal(t, true, all.Records[0]["IsDeleted"])
}

func TestQueriesReachParentsAndAreRefusedWhereWrong(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	contact, account := o.someone("Contact")
	o.task(values{"Subject": "It's \\ quoted", "WhoId": contact})
	page := o.ask("/query", `SELECT Who.Name, Account.Name, Owner.Name FROM Task WHERE WhoId = '`+contact+`' AND Subject = 'It\'s \\ quoted'`)
	require.Equal(t, 1, page.TotalSize)
	require.NotEmpty(t, page.Records[0]["Who"].(values)["Name"])
	require.NotEmpty(t, page.Records[0]["Account"].(values)["Name"])
	require.Equal(t, 1, o.ask("/query", "SELECT COUNT() FROM Account WHERE Id = '"+account+"'").TotalSize)

	for name, c := range map[string]struct{ soql, code string }{
		"an unknown column": {"SELECT Nope FROM Task", "INVALID_FIELD"},
		"an unknown object": {"SELECT Id FROM Nothing", "INVALID_TYPE"},
		"no query":          {"SELECT FROM WHERE", "MALFORMED_QUERY"},
		"long text":         {"SELECT Id FROM Task WHERE Description = 'x'", "INVALID_FIELD"},
		"an open quote":     {"SELECT Id FROM Task WHERE Subject = 'x", "MALFORMED_QUERY"},
	} {
		t.Run(name, func(t *testing.T) {
			o := *o
			o.t = t
			o.call(http.MethodGet, "/query?q="+url.QueryEscape(c.soql), nil).refused(http.StatusBadRequest, c.code)
		})
	}
}
