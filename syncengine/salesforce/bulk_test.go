package salesforce_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/salesforce"
)

const openJob = `{"id":"7501","operation":"insert","object":"Task","state":"Open","apiVersion":66.0,"contentUrl":"services/data/v66.0/jobs/ingest/7501/batches"}`

// ingest is a bulk service that keeps the rows it was sent.
func ingest(t *testing.T, upload http.HandlerFunc, calls *[]string) bundle {
	t.Helper()
	return setup(t, func(w http.ResponseWriter, r *http.Request) {
		*calls = append(*calls, r.Method+" "+r.URL.Path)
		switch r.Method {
		case http.MethodPost:
			fmt.Fprint(w, openJob)
		case http.MethodPut:
			upload(w, r)
		case http.MethodPatch:
			fmt.Fprint(w, strings.Replace(openJob, "Open", "UploadComplete", 1))
		}
	})
}

func rowsOf(rows ...[]string) iter.Seq[[]string] { return slices.Values(rows) }

func TestBulkInsert(t *testing.T) {
	t.Parallel()
	columns := []string{"Subject", "Description", "Key__c"}

	t.Run("rows_are_streamed_and_the_job_closed", func(t *testing.T) {
		t.Parallel()
		var calls []string
		b := ingest(t, func(w http.ResponseWriter, r *http.Request) {
			assertThat(t, r.Header.Get("Content-Type") == "text/csv", "%v", r.Header)
			raw, err := io.ReadAll(r.Body)
			assertThat(t, err == nil && string(raw) == "Subject,Description,Key__c\n\"a, \"\"b\"\"\",\"two\nlines\",1\n,#N/A,2\n", "%q %v", raw, err)
			w.WriteHeader(http.StatusCreated)
		}, &calls)
		job, err := b.client.BulkInsert(t.Context(), "Task", columns, rowsOf([]string{`a, "b"`, "two\nlines", "1"}, []string{"", salesforce.BulkNull, "2"}))
		require.NoError(t, err)
		require.Equal(t, salesforce.BulkJob{ID: "7501", Object: "Task", State: salesforce.BulkUploaded}, job)
		require.Equal(t, []string{"POST /services/data/v66.0/jobs/ingest", "PUT /services/data/v66.0/jobs/ingest/7501/batches",
			"PATCH /services/data/v66.0/jobs/ingest/7501"}, calls)
	})

	t.Run("a_row_that_does_not_fit_keeps_the_job_from_being_closed", func(t *testing.T) {
		t.Parallel()
		var calls []string
		b := ingest(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }, &calls)
		job, err := b.client.BulkInsert(t.Context(), "Task", columns, rowsOf([]string{"1"}))
		require.ErrorContains(t, err, "1 values for 3 columns")
		require.Equal(t, "7501", job.ID)
		require.NotContains(t, calls, "PATCH /services/data/v66.0/jobs/ingest/7501")
	})

	t.Run("an_upload_is_not_sent_twice", func(t *testing.T) {
		t.Parallel()
		var calls []string
		b := ingest(t, answer(http.StatusUnauthorized, expired), &calls)
		_, err := b.client.BulkInsert(t.Context(), "Task", columns, rowsOf([]string{"1", "2", "3"}))
		require.True(t, salesforce.IsCode(err, salesforce.CodeSession), "%v", err)
		require.Zero(t, b.tokens.refreshes)
	})

	t.Run("a_server_that_answers_before_the_last_row_has_not_taken_it", func(t *testing.T) {
		t.Parallel()
		var calls []string
		b := ingest(t, answer(http.StatusCreated, ``), &calls)
		endless := func(yield func([]string) bool) {
			for yield([]string{strings.Repeat("x", 1000), "", ""}) {
			}
		}
		_, err := b.client.BulkInsert(t.Context(), "Task", columns, endless)
		require.Error(t, err)
		require.NotContains(t, calls, "PATCH /services/data/v66.0/jobs/ingest/7501")
	})
}

func TestIngestJob(t *testing.T) {
	t.Parallel()
	client, _ := recorder(t, http.StatusOK, `{"id":"7501","state":"JobComplete","object":"Task","numberRecordsProcessed":10,"numberRecordsFailed":2,"apiVersion":66.0,"jobType":"V2Ingest"}`)
	job, err := client.IngestJob(t.Context(), "7501")
	require.NoError(t, err)
	require.Equal(t, salesforce.BulkJob{ID: "7501", State: salesforce.BulkComplete, Object: "Task", Processed: 10, Failed: 2}, job)
	require.True(t, job.State.Ended())
	require.False(t, salesforce.BulkInProgress.Ended())

	client, requests := recorder(t, http.StatusOK, `{"id":"7501","state":"Aborted"}`)
	_, err = client.AbortIngest(t.Context(), "7501")
	require.NoError(t, err)
	require.NoError(t, client.DeleteIngest(t.Context(), "7501"))
	require.Equal(t, []sent{{"PATCH", "/services/data/v66.0/jobs/ingest/7501", `{"state":"Aborted"}`}, {"DELETE", "/services/data/v66.0/jobs/ingest/7501", ""}}, *requests)

	client, _ = recorder(t, http.StatusOK, `{}`)
	_, err = client.IngestJob(t.Context(), "7501")
	require.Equal(t, salesforce.KindBadAnswer, asError(t, err).Kind)
}

func collect(rows iter.Seq2[salesforce.Row, error]) (all []salesforce.Row, err error) {
	for row, rowErr := range rows {
		if rowErr != nil {
			err = rowErr
			continue
		}
		all = append(all, row)
	}
	return all, err
}

func TestIngestResults(t *testing.T) {
	t.Parallel()

	t.Run("rows_have_Salesforce_s_columns_and_ours", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answer(http.StatusOK, "\"sf__Id\",\"sf__Error\",\"Key__c\"\n\"\",\"STRING_TOO_LONG:Subject:Subject --\",\"1\"\n"))
		rows, err := collect(b.client.IngestResults(t.Context(), "7501", salesforce.BulkRefused))
		require.NoError(t, err)
		require.Equal(t, []salesforce.Row{{"sf__Id": "", "sf__Error": "STRING_TOO_LONG:Subject:Subject --", "Key__c": "1"}}, rows)
		require.Equal(t, []string{"bulk results"}, b.seen.lines)
	})

	t.Run("an_expired_token_is_refreshed", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer 00D!AQ0" {
				answer(http.StatusUnauthorized, expired)(w, r)
				return
			}
			answer(http.StatusOK, "sf__Id\n00T1\n")(w, r)
		})
		rows, err := collect(b.client.IngestResults(t.Context(), "7501", salesforce.BulkSuccessful))
		require.NoError(t, err)
		require.Equal(t, []salesforce.Row{{"sf__Id": "00T1"}}, rows)
	})

	for name, handle := range map[string]http.HandlerFunc{
		"an_error":             answer(http.StatusNotFound, `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`),
		"a_gateway's_page":     answer(http.StatusBadGateway, `<html>`),
		"a_row_of_other_width": answer(http.StatusOK, "a,b\n1\n"),
		"an_open_quote":        answer(http.StatusOK, "a,b\n1,\"2\n"),
		"a_file_that_breaks_off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(100))
			fmt.Fprint(w, "a,b\n1,2\n")
		},
	} {
		t.Run(name+"_ends_it", func(t *testing.T) {
			t.Parallel()
			b := setup(t, handle)
			_, err := collect(b.client.IngestResults(t.Context(), "7501", salesforce.BulkSuccessful))
			require.NotNil(t, asError(t, err))
			require.Equal(t, []string{"bulk results failed"}, b.seen.lines)
		})
	}
}

func TestBulkQuery(t *testing.T) {
	t.Parallel()

	t.Run("starts_a_job", func(t *testing.T) {
		t.Parallel()
		client, requests := recorder(t, http.StatusOK, `{"id":"7502","state":"UploadComplete","object":"Task"}`)
		_, err := client.BulkQueryAll(t.Context(), "SELECT Id FROM Task")
		require.NoError(t, err)
		_, err = client.BulkQuery(t.Context(), "SELECT Id FROM Task")
		require.NoError(t, err)
		_, err = client.QueryJob(t.Context(), "7502")
		require.NoError(t, err)
		require.Equal(t, []sent{{"POST", "/services/data/v66.0/jobs/query", `{"operation":"queryAll","query":"SELECT Id FROM Task"}`},
			{"POST", "/services/data/v66.0/jobs/query", `{"operation":"query","query":"SELECT Id FROM Task"}`},
			{"GET", "/services/data/v66.0/jobs/query/7502", ""}}, *requests)
	})

	results := func(rows string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Sforce-Numberofrecords", rows)
			w.Header().Set("Sforce-Locator", "null")
			if r.URL.Query().Get("locator") == "" {
				w.Header().Set("Sforce-Locator", "MTAw")
			}
			fmt.Fprintf(w, "\"Id\"\n\"page %s\"\n", r.URL.Query().Get("locator"))
		}
	}

	t.Run("pages_are_followed_until_the_locator_is_null", func(t *testing.T) {
		t.Parallel()
		b := setup(t, results("1"))
		rows, err := collect(b.client.QueryJobResults(t.Context(), "7502"))
		require.NoError(t, err)
		require.Equal(t, []salesforce.Row{{"Id": "page "}, {"Id": "page MTAw"}}, rows)
	})

	t.Run("a_page_with_fewer_rows_than_it_says_is_an_error", func(t *testing.T) {
		t.Parallel()
		b := setup(t, results("2"))
		rows, err := collect(b.client.QueryJobResults(t.Context(), "7502"))
		require.Equal(t, salesforce.KindBadAnswer, asError(t, err).Kind)
		require.Len(t, rows, 1, "the second page is not asked for")
	})

	t.Run("a_reader_who_leaves_ends_it", func(t *testing.T) {
		t.Parallel()
		b := setup(t, results("1"))
		for range b.client.QueryJobResults(t.Context(), "7502") {
			break
		}
		require.Equal(t, []string{"bulk query results"}, b.seen.lines)
	})
}

func FuzzBulkRows(f *testing.F) {
	for _, seed := range []string{"a", "a,b", "\"", "two\nlines", " x ", "\\.", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		value = strings.ReplaceAll(value, "\r", "") // one before a line feed is dropped in reading
		var calls []string
		b := ingest(t, func(w http.ResponseWriter, r *http.Request) {
			rows, err := csv.NewReader(r.Body).ReadAll()
			assertThat(t, err == nil && len(rows) == 2 && rows[1][0] == value, "%q became %q (%v)", value, rows, err)
			w.WriteHeader(http.StatusCreated)
		}, &calls)
		_, err := b.client.BulkInsert(t.Context(), "Task", []string{"Subject", "Key__c"}, rowsOf([]string{value, "1"}))
		require.NoError(t, err)
	})
}

func FuzzBulkResults(f *testing.F) {
	for _, seed := range []string{"", "a\n", "a,b\n1,2\n", "a,a\n1,2\n", "\"a\n", "a\n1,2\n", "\xff,\x00\n\"\",\"\"\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		client := salesforce.New(salesforce.Config{}, &tokens{instance: "http://localhost"}, &http.Client{Transport: replies(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(file))}, nil
		})})
		rows, err := collect(client.IngestResults(t.Context(), "7501", salesforce.BulkSuccessful))
		want, wantErr := csv.NewReader(strings.NewReader(file)).ReadAll()
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v instead of %v", file, err, wantErr)
		}
		if err == nil && len(rows) != max(0, len(want)-1) {
			t.Fatalf("%q has %d rows instead of %d", file, len(rows), len(want)-1)
		}
	})
}
