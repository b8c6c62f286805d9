package salesforce_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/salesforce"
)

// pages answers a query with three pages, and counts the calls.
func pages(calls *[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*calls = append(*calls, r.URL.RequestURI())
		switch r.URL.Path {
		case "/services/data/v66.0/query/01gD-4":
			fmt.Fprint(w, `{"totalSize":5,"done":true,"records":[{"Id":"5"}]}`)
		case "/services/data/v66.0/query/01gD-2":
			fmt.Fprint(w, `{"totalSize":5,"done":false,"nextRecordsUrl":"/services/data/v66.0/query/01gD-4","records":[{"Id":"3"},{"Id":"4"}]}`)
		default:
			fmt.Fprint(w, `{"totalSize":5,"done":false,"nextRecordsUrl":"/services/data/v66.0/query/01gD-2","records":[{"Id":"1"},{"Id":"2"}]}`)
		}
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()

	t.Run("pages_are_followed_to_the_end", func(t *testing.T) {
		t.Parallel()
		var calls []string
		b := setup(t, pages(&calls))
		var ids string
		for record, err := range b.client.QueryAll(t.Context(), "SELECT Id FROM Task WHERE Subject = 'a+b c'") {
			require.NoError(t, err)
			ids += record.Text("Id")
		}
		require.Equal(t, "12345", ids)
		require.Equal(t, []string{"/services/data/v66.0/queryAll?q=SELECT%20Id%20FROM%20Task%20WHERE%20Subject%20%3D%20%27a%2Bb%20c%27",
			"/services/data/v66.0/query/01gD-2", "/services/data/v66.0/query/01gD-4"}, calls)
	})

	t.Run("pages_that_nobody_asks_for_are_not_read", func(t *testing.T) {
		t.Parallel()
		var calls []string
		b := setup(t, pages(&calls))
		for record, err := range b.client.Query(t.Context(), "SELECT Id FROM Task") {
			require.NoError(t, err)
			if record.Text("Id") == "2" {
				break
			}
		}
		require.Len(t, calls, 1)
	})

	t.Run("one_page_tells_the_clock_and_where_the_next_is", func(t *testing.T) {
		t.Parallel()
		var calls []string
		b := setup(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", "Mon, 23 Nov 2026 10:00:00 GMT")
			pages(&calls)(w, r)
		})
		page, err := b.client.QueryAllOnce(t.Context(), "SELECT Id FROM Task")
		require.NoError(t, err)
		require.Equal(t, time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), page.At)
		require.Zero(t, page.Asked, "nothing told of its clock before")
		require.Equal(t, 5, page.Total)
		page, err = b.client.More(t.Context(), page.Next)
		require.NoError(t, err)
		require.False(t, page.Asked.Before(page.At), "it was that late already when the page before was answered")
		require.Less(t, page.Asked.Sub(page.At), time.Minute)
		require.Equal(t, "3", page.Records[0].Text("Id"))
	})

	t.Run("an_error_ends_it", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answer(http.StatusBadRequest, `[{"message":"unexpected token: FORM","errorCode":"MALFORMED_QUERY"}]`))
		var errs []error
		for _, err := range b.client.Query(t.Context(), "SELECT Id FORM Task") {
			errs = append(errs, err)
		}
		require.Len(t, errs, 1)
		require.True(t, salesforce.IsCode(errs[0], "MALFORMED_QUERY"))
	})

	for name, body := range map[string]string{
		"without_an_end":           `{"totalSize":1,"records":[]}`,
		"that_ends_and_goes_on":    `{"totalSize":1,"done":true,"nextRecordsUrl":"/services/data/v66.0/query/1","records":[]}`,
		"unfinished_without_next":  `{"totalSize":1,"done":false,"records":[]}`,
		"with_a_next_elsewhere":    `{"totalSize":1,"done":false,"nextRecordsUrl":"https://elsewhere.example/","records":[]}`,
		"with_a_next_with_a_query": `{"totalSize":1,"done":false,"nextRecordsUrl":"/services/data/v66.0/query?q=1","records":[]}`,
		"of_another_shape":         `[]`,
	} {
		t.Run("no_page_is_one_"+name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, answer(http.StatusOK, body))
			_, err := b.client.QueryAllOnce(t.Context(), "SELECT Id FROM Task")
			require.Equal(t, salesforce.KindBadAnswer, asError(t, err).Kind)
		})
	}
}

func TestCompositeQueries(t *testing.T) {
	t.Parallel()

	t.Run("answers_are_matched_by_reference_and_read_to_the_end", func(t *testing.T) {
		t.Parallel()
		var calls []string
		b := setup(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/services/data/v66.0/composite" {
				pages(&calls)(w, r)
				return
			}
			var asked struct {
				CompositeRequest []struct{ Method, URL, ReferenceID string }
			}
			err := json.NewDecoder(r.Body).Decode(&asked)
			assertThat(t, err == nil && len(asked.CompositeRequest) == 2, "%v %v", asked, err)
			assertThat(t, query(t, asked.CompositeRequest[1].URL) == "SELECT Id FROM Lead", "%v", asked)
			fmt.Fprintf(w, `{"compositeResponse":[
				{"body":{"totalSize":1,"done":true,"records":[{"Id":"L"}]},"httpHeaders":{},"httpStatusCode":200,"referenceId":%q},
				{"body":{"totalSize":5,"done":false,"nextRecordsUrl":"/services/data/v66.0/query/01gD-4","records":[{"Id":"4"}]},"httpHeaders":{},"httpStatusCode":200,"referenceId":%q}]}`,
				asked.CompositeRequest[1].ReferenceID, asked.CompositeRequest[0].ReferenceID)
		})
		got, err := b.client.CompositeQueries(t.Context(), []string{"SELECT Id FROM Task", "SELECT Id FROM Lead"})
		require.NoError(t, err)
		require.Equal(t, [][]salesforce.Record{{{"Id": "4"}, {"Id": "5"}}, {{"Id": "L"}}}, got)
	})

	t.Run("one_that_fails_leaves_the_others", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answer(http.StatusOK, `{"compositeResponse":[
			{"body":[{"message":"sObject type 'OpportunityContactRole' is not supported.","errorCode":"INVALID_TYPE"}],"httpStatusCode":400,"referenceId":"q0"},
			{"body":{"totalSize":1,"done":true,"records":[{"Id":"L"}]},"httpStatusCode":200,"referenceId":"q1"}]}`))
		got, err := b.client.CompositeQueries(t.Context(), []string{"SELECT Id FROM OpportunityContactRole", "SELECT Id FROM Lead"})
		require.True(t, salesforce.IsCode(err, "INVALID_TYPE"), "%v", err)
		require.Equal(t, [][]salesforce.Record{nil, {{"Id": "L"}}}, got)
	})

	for name, body := range map[string]string{
		"none":    `{"compositeResponse":[]}`,
		"another": `{"compositeResponse":[{"body":{},"httpStatusCode":200,"referenceId":"x"}]}`,
		"twice": `{"compositeResponse":[{"body":{"done":true,"records":[]},"httpStatusCode":200,"referenceId":"q0"},
			{"body":{"done":true,"records":[]},"httpStatusCode":200,"referenceId":"q0"}]}`,
	} {
		t.Run("parts_that_do_not_fit_are_no_answer_"+name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, answer(http.StatusOK, body))
			_, err := b.client.CompositeQueries(t.Context(), []string{"SELECT Id FROM Lead"})
			require.Equal(t, salesforce.KindBadAnswer, asError(t, err).Kind)
		})
	}

	t.Run("none_and_too_many_are_not_sent", func(t *testing.T) {
		t.Parallel()
		client, requests := recorder(t, http.StatusOK, ``)
		_, err := client.CompositeQueries(t.Context(), nil)
		require.NoError(t, err)
		_, err = client.CompositeQueries(t.Context(), make([]string, salesforce.MaxCompositeQueries+1))
		require.Error(t, err)
		require.Empty(t, *requests)
	})
}

func TestValues(t *testing.T) {
	t.Parallel()

	t.Run("quoted", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, `'O\'Brien \\ \n'`, salesforce.Quote("O'Brien \\ \n"))
	})

	t.Run("times", func(t *testing.T) {
		t.Parallel()
		at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
		for _, text := range []string{"2026-11-23T10:00:00.000+0000", "2026-11-23T12:00:00.000+0200", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00+0000"} {
			got, err := salesforce.ParseTime(text)
			require.NoError(t, err)
			require.Equal(t, at, got)
			require.Equal(t, at, salesforce.Record{"At": text}.Time("At"))
		}
		require.Equal(t, "2026-11-23T10:00:00Z", salesforce.FormatTime(at.In(time.FixedZone("", 3600))))
		require.Equal(t, at.Truncate(24*time.Hour), salesforce.Record{"Day": "2026-11-23"}.Time("Day"))
		require.True(t, salesforce.Record{"At": nil}.Time("At").IsZero())
	})

	t.Run("ids", func(t *testing.T) {
		t.Parallel()
		// Salesforce's own example of a 15-character id and the one with its suffix.
		for id, want := range map[string]string{"001A0000006Vm9r": "001A0000006Vm9rIAC", "001A0000006Vm9rIAC": "001A0000006Vm9rIAC",
			"001a0000006vm9riac": "001A0000006Vm9rIAC",
			"001A0000006Vm9r999": "001A0000006Vm9r999", "": "", "001": "001", "001A0000006Vm9'": "001A0000006Vm9'"} {
			require.Equal(t, want, salesforce.NormaliseID(id))
		}
		require.Equal(t, "001A0000006Vm9rIAC", salesforce.Record{"Id": "001A0000006Vm9r"}.ID())
	})
}

func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"", "'", `\`, `\'`, "a' OR Name != '", "\x00\n\r\t\b\f", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted := salesforce.Quote(text)
		inner, ends := strings.CutSuffix(quoted[1:], "'")
		if quoted[0] != '\'' || !ends {
			t.Fatalf("%q is not in quotes", quoted)
		}
		var back strings.Builder
		for n := 0; n < len(inner); n++ {
			b := inner[n]
			switch {
			case b == '\'':
				t.Fatalf("%q ends at %d", quoted, n)
			case b == '\\':
				n++
				if n == len(inner) {
					t.Fatalf("%q escapes its last quote", quoted)
				}
				b = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'f': '\f', 'b': '\b', '\'': '\'', '\\': '\\'}[inner[n]]
			}
			back.WriteByte(b)
		}
		if back.String() != text {
			t.Fatalf("%q came back as %q", text, back.String())
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"2026-11-23T10:00:00.000+0000", "2026-11-23", "2026-02-30", "", "T"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := salesforce.ParseTime(text)
		if err != nil || at.Year() < 0 || at.Year() > 9999 {
			return
		}
		again, err := salesforce.ParseTime(salesforce.FormatTime(at))
		if err != nil || !again.Equal(at.Truncate(time.Second)) {
			t.Fatalf("%q is %s and came back as %s (%v)", text, at, again, err)
		}
	})
}
