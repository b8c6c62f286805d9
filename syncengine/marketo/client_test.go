package marketo_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salesactions/syncengine/marketo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const tokenAnswer = `{"access_token":"11111111-2222-4333-8444-555555555555:int","token_type":"bearer","expires_in":3599,"scope":"apis@acme.com"}`

// setup serves handle under a base path, beside an identity service.
func setup(t *testing.T, handle http.HandlerFunc) *marketo.Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/base/identity/oauth/token", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, tokenAnswer) })
	mux.HandleFunc("/base/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		handle(w, r)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return newClient(t, server)
}

func newClient(t *testing.T, server *httptest.Server) *marketo.Client {
	t.Helper()
	client, err := marketo.New(marketo.Config{Clock: clockwork.NewRealClock(), Endpoint: server.URL + "/base/rest/", ClientID: "id", ClientSecret: "s3cret"}, server.Client())
	require.NoError(t, err)
	return client
}

func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"123-ABC-456.mktorest.com", "https://123-ABC-456.mktorest.com/rest", "https://123-ABC-456.mktorest.com/identity/", " http://localhost:9101/ "} {
		_, err := marketo.New(marketo.Config{Clock: clockwork.NewRealClock(), Endpoint: endpoint, ClientID: "a", ClientSecret: "b"}, http.DefaultClient)
		require.NoError(t, err, endpoint)
	}
	for _, endpoint := range []string{"", "ftp://x.example", "https://", "https://user:pw@x.example", "https://x.example/?a=b"} {
		_, err := marketo.New(marketo.Config{Clock: clockwork.NewRealClock(), Endpoint: endpoint, ClientID: "a", ClientSecret: "b"}, http.DefaultClient)
		require.Error(t, err, endpoint)
	}
}

func TestLeads(t *testing.T) {
	t.Parallel()

	t.Run("a_field_without_a_value_is_absent_and_numbers_are_text", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, "/base/rest/v1/leads.json", r.URL.Path)
			require.Equal(t, "Bearer 11111111-2222-4333-8444-555555555555:int", r.Header.Get("Authorization"))
			require.Equal(t, "id", r.URL.Query().Get("filterType"))
			fmt.Fprint(w, `{"requestId":"12951#15699db5c97","success":true,"result":[{"id":9007199254740993,"email":"abe@usa.gov","phone":null,"unsubscribed":false}]}`)
		})
		leads, err := client.LeadsByID(t.Context(), []int64{1, 2}, []string{"email", "phone"})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff([]marketo.Lead{{"id": "9007199254740993", "email": "abe@usa.gov", "unsubscribed": "false"}}, leads))
		require.Equal(t, int64(9007199254740993), leads[0].ID())
	})

	t.Run("pages_are_followed_to_the_end", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("nextPageToken") == "" {
				fmt.Fprint(w, `{"success":true,"result":[{"id":1}],"nextPageToken":"T==","moreResult":true}`)
				return
			}
			require.Equal(t, "T==", r.URL.Query().Get("nextPageToken"))
			fmt.Fprint(w, `{"success":true,"result":[{"id":2}]}`)
		})
		leads, err := client.LeadsByID(t.Context(), []int64{1, 2}, []string{"id"})
		require.NoError(t, err)
		require.Len(t, leads, 2)
	})

	t.Run("a_long_list_goes_as_a_form", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, http.MethodPost, r.Method)
			require.Equal(t, "GET", r.URL.Query().Get("_method"))
			require.NoError(t, r.ParseForm())
			require.Equal(t, 300, strings.Count(r.PostForm.Get("filterValues"), ",")+1)
			fmt.Fprint(w, `{"success":true,"result":[]}`)
		})
		values := make([]string, 300)
		for i := range values {
			values[i] = fmt.Sprintf("somebody.with.a.long.name.%d@example.com", i)
		}
		for _, err := range client.Leads(t.Context(), "email", values, []string{"id"}) {
			require.NoError(t, err)
		}
	})

	t.Run("more_ids_than_Marketo_takes_are_refused_here", func(t *testing.T) {
		t.Parallel()
		client := setup(t, answer(`{"success":true}`))
		_, err := client.LeadsByID(t.Context(), make([]int64, 301), nil)
		require.ErrorContains(t, err, "301 ids")
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status int
		body   string
		kind   marketo.Kind
		code   string
	}{
		"an_error_that_arrives_as_HTTP_200": {200, `{"requestId":"a#b","success":false,"errors":[{"code":"606","message":"Max rate limit '100' exceeded with in '20' secs"}]}`, marketo.KindAPI, "606"},
		"a_code_that_is_a_number":           {200, `{"success":false,"errors":[{"code":1003,"message":"x"}]}`, marketo.KindAPI, "1003"},
		"success_with_errors_is_no_success": {200, `{"success":true,"errors":[{"code":"611","message":"System error"}],"result":[]}`, marketo.KindAPI, "611"},
		"a_gateway_page":                    {502, `<html><body>Bad Gateway</body></html>`, marketo.KindBadAnswer, ""},
		"a_gateway_page_with_HTTP_200":      {200, `<html></html>`, marketo.KindBadAnswer, ""},
		"JSON_that_was_cut":                 {200, `{"requestId":"a#b","success":true,"result":[{"id":1`, marketo.KindBadAnswer, ""},
		"an_empty_body":                     {200, ``, marketo.KindBadAnswer, ""},
		"a_result_of_the_wrong_type":        {200, `{"success":true,"result":{"id":1}}`, marketo.KindBadAnswer, ""},
		"a_person_without_an_id":            {200, `{"success":true,"result":[{"email":"a@b.c"}]}`, marketo.KindBadAnswer, ""},
		"neither_success_nor_an_error":      {200, `{"requestId":"a#b"}`, marketo.KindBadAnswer, ""},
		"a_request_that_is_too_long":        {414, `too long`, marketo.KindTooLarge, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := setup(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			})
			_, err := client.LeadsByID(t.Context(), []int64{1}, []string{"id"})
			var call *marketo.Error
			require.ErrorAs(t, err, &call)
			require.Equal(t, c.kind, call.Kind)
			require.Equal(t, c.code, call.Code)
			require.Equal(t, "leads by filter", call.Operation)
		})
	}

	t.Run("a_connection_that_breaks_off", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"success":true`)
			panic(http.ErrAbortHandler)
		})
		_, err := client.LeadsByID(t.Context(), []int64{1}, []string{"id"})
		var call *marketo.Error
		require.ErrorAs(t, err, &call)
		require.Equal(t, marketo.KindTransport, call.Kind)
	})
}

func TestABrokenCallIsNotSentAgainUnseen(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	client := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 2 { // on a connection that was used before
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, `{"success":true,"result":[]}`)
	})
	_, err := client.LeadsByID(t.Context(), []int64{1}, []string{"id"})
	require.NoError(t, err)
	_, err = client.LeadsByID(t.Context(), []int64{1}, []string{"id"})
	require.Error(t, err)
	require.Equal(t, int64(2), calls.Load())
}

func TestToken(t *testing.T) {
	t.Parallel()

	t.Run("many_callers_ask_for_one_token_and_the_secret_is_in_no_address", func(t *testing.T) {
		t.Parallel()
		var asked atomic.Int64
		mux := http.NewServeMux()
		mux.HandleFunc("/base/identity/oauth/token", func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			require.Contains(t, string(body), "client_secret=s3cret")
			require.NotContains(t, r.URL.String(), "s3cret")
			fmt.Fprint(w, tokenAnswer)
		})
		mux.HandleFunc("/base/rest/", answer(`{"success":true,"result":[]}`))
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		client := newClient(t, server)
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if _, err := client.LeadsByID(t.Context(), []int64{1}, []string{"id"}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.Equal(t, int64(1), asked.Load())
	})

	for _, code := range []string{"600", "601", "602"} {
		t.Run("a_token_refused_with_"+code+"_is_replaced_once", func(t *testing.T) {
			t.Parallel()
			var tokens, calls atomic.Int64
			mux := http.NewServeMux()
			mux.HandleFunc("/base/identity/oauth/token", func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"access_token":"t%d","expires_in":3599,"scope":"x"}`, tokens.Add(1))
			})
			mux.HandleFunc("/base/rest/", func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				if r.Header.Get("Authorization") != "Bearer t2" {
					fmt.Fprintf(w, `{"success":false,"errors":[{"code":%q,"message":"Access token invalid"}]}`, code)
					return
				}
				fmt.Fprint(w, `{"success":true,"result":[]}`)
			})
			server := httptest.NewServer(mux)
			t.Cleanup(server.Close)
			_, err := newClient(t, server).LeadsByID(t.Context(), []int64{1}, []string{"id"})
			require.NoError(t, err)
			require.Equal(t, int64(2), tokens.Load())
			require.Equal(t, int64(2), calls.Load())
		})
	}

	t.Run("a_token_that_is_refused_twice_is_an_error", func(t *testing.T) {
		t.Parallel()
		var calls atomic.Int64
		client := setup(t, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			fmt.Fprint(w, `{"success":false,"errors":[{"code":"601","message":"Access token invalid"}]}`)
		})
		_, err := client.LeadsByID(t.Context(), []int64{1}, []string{"id"})
		require.True(t, marketo.IsCode(err, "601"))
		require.Equal(t, int64(2), calls.Load())
	})

	t.Run("the_last_moment_of_a_token_is_waited_out", func(t *testing.T) {
		t.Parallel()
		var asked atomic.Int64
		mux := http.NewServeMux()
		mux.HandleFunc("/base/identity/oauth/token", func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) == 1 {
				fmt.Fprint(w, `{"access_token":"dying","expires_in":0,"scope":"x"}`)
				return
			}
			fmt.Fprint(w, `{"access_token":"fresh","expires_in":3600,"scope":"x"}`)
		})
		mux.HandleFunc("/base/rest/", func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, "Bearer fresh", r.Header.Get("Authorization"))
			fmt.Fprint(w, `{"success":true,"result":[]}`)
		})
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		_, err := newClient(t, server).LeadsByID(t.Context(), []int64{1}, []string{"id"})
		require.NoError(t, err)
	})
}

func TestCredentials(t *testing.T) {
	t.Parallel()

	t.Run("bad_credentials_are_said_without_the_secret", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"Bad client credentials"}`)
		}))
		t.Cleanup(server.Close)
		_, err := newClient(t, server).Identity(t.Context())
		var call *marketo.Error
		require.ErrorAs(t, err, &call)
		require.Equal(t, marketo.KindAuth, call.Kind)
		require.NotContains(t, err.Error(), "s3cret")
	})

	t.Run("an_identity_service_that_takes_only_a_query_gets_one_and_no_error_shows_it", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			require.Equal(t, "s3cret", r.URL.Query().Get("client_secret"))
			panic(http.ErrAbortHandler)
		}))
		t.Cleanup(server.Close)
		_, err := newClient(t, server).Identity(t.Context())
		require.Error(t, err)
		require.NotContains(t, err.Error(), "s3cret")
	})
}

func TestLog(t *testing.T) {
	t.Parallel()

	t.Run("changes_are_read_with_their_fields_and_both_forms_of_dates", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, "A=+/", r.URL.Query().Get("nextPageToken"))
			fmt.Fprint(w, `{"requestId":"a9ae#148add1e53d","success":true,"nextPageToken":"GIYD","moreResult":true,
				"result":[{"id":1078,"marketoGUID":"1078","leadId":775,"activityDate":"2014-09-17T22:31:49+0000","activityTypeId":13,
				"fields":[{"id":48,"name":"firstName","newValue":"Ada","oldValue":"Eda"}],"attributes":[{"name":"Lead ID","value":775}]},
				{"marketoGUID":"1079","leadId":776,"activityDate":"2023-01-16T23:32:19Z","activityTypeId":12,"attributes":[]}]}`)
		})
		page, err := client.LeadChanges(t.Context(), "A=+/", []string{"firstName"})
		require.NoError(t, err)
		require.True(t, page.More)
		require.Equal(t, "GIYD", page.Next)
		require.Empty(t, cmp.Diff([]marketo.LeadChange{
			{GUID: "1078", LeadID: 775, At: time.Date(2014, 9, 17, 22, 31, 49, 0, time.UTC), TypeID: 13, Fields: []marketo.FieldChange{{Name: "firstName", OldValue: "Eda", NewValue: "Ada"}}},
			{GUID: "1079", LeadID: 776, At: time.Date(2023, 1, 16, 23, 32, 19, 0, time.UTC), TypeID: 12},
		}, page.Items))
	})

	t.Run("an_empty_page_is_not_the_last_while_there_is_more", func(t *testing.T) {
		t.Parallel()
		client := setup(t, answer(`{"success":true,"nextPageToken":"N","moreResult":true}`))
		page, err := client.Activities(t.Context(), "T", []int{1}, nil)
		require.NoError(t, err)
		require.Empty(t, page.Items)
		require.True(t, page.More)
	})

	t.Run("merged_people_are_found_in_either_form", func(t *testing.T) {
		t.Parallel()
		for _, ids := range []string{`[12,34]`, `"[12, 34]"`, `"12;34"`, `["12","34"]`} {
			client := setup(t, answer(`{"success":true,"nextPageToken":"N","result":[{"marketoGUID":"1","leadId":7,"activityDate":"2023-01-16T23:32:19Z",
				"activityTypeId":32,"primaryAttributeValueId":7,"attributes":[{"name":"Merge IDs","value":`+ids+`}]}]}`))
			page, err := client.Activities(t.Context(), "T", []int{32}, nil)
			require.NoError(t, err)
			require.Equal(t, []int64{12, 34}, page.Items[0].MergedIDs(), ids)
		}
	})

	t.Run("a_page_without_a_place_to_go_on_from_is_no_answer", func(t *testing.T) {
		t.Parallel()
		client := setup(t, answer(`{"success":true,"result":[]}`))
		_, err := client.DeletedLeads(t.Context(), "T")
		var call *marketo.Error
		require.ErrorAs(t, err, &call)
		require.Equal(t, marketo.KindBadAnswer, call.Kind)
	})
}

func TestObserve(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !marketo.Metered(r) {
			fmt.Fprint(w, tokenAnswer)
			return
		}
		fmt.Fprint(w, `{"success":false,"errors":[{"code":"607","message":"Daily quota"}]}`)
	}))
	t.Cleanup(server.Close)
	seen := map[string]error{}
	client, err := marketo.New(marketo.Config{Clock: clockwork.NewRealClock(), Endpoint: server.URL, ClientID: "a", ClientSecret: "b",
		Observe: func(_ context.Context, operation string, err error) { seen[operation] = err }}, server.Client())
	require.NoError(t, err)
	_, err = client.PagingToken(t.Context(), time.Now())
	require.Error(t, err)
	require.NoError(t, seen["identity"])
	require.True(t, marketo.IsCode(seen["paging token"], "607"))
}

func FuzzParseTime(f *testing.F) {
	for _, text := range []string{"2023-01-16T23:32:19Z", "2014-09-17T22:31:49+0000", "2017-07-27T01:38:33Z+0000", "2020-01-02"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if at, err := marketo.ParseTime(text); err == nil && at.Location() != time.UTC {
			t.Fatalf("%q is not in UTC", text)
		}
	})
}
