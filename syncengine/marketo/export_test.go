package marketo_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/marketo"
)

func TestExport(t *testing.T) {
	t.Parallel()

	t.Run("both_spellings_of_canceled_are_one", func(t *testing.T) {
		t.Parallel()
		for _, word := range []string{"Canceled", "Cancelled"} {
			client := setup(t, answer(`{"success":true,"result":[{"exportId":"e","status":"`+word+`"}]}`))
			job, err := client.ExportStatus(t.Context(), "e")
			require.NoError(t, err)
			require.Equal(t, marketo.ExportCanceled, job.Status)
		}
	})

	t.Run("dates_have_no_fractions", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			require.JSONEq(t, `{"fields":["id"],"format":"CSV","filter":{"createdAt":{"startAt":"2026-01-01T00:00:00Z","endAt":"2026-01-31T23:59:59Z"}}}`, string(body))
			fmt.Fprint(w, `{"success":true,"result":[{"exportId":"e","status":"Created"}]}`)
		})
		from := time.Date(2026, 1, 1, 0, 0, 0, 5_000_000, time.UTC)
		_, err := client.CreateExport(t.Context(), []string{"id"}, marketo.ExportFilter{CreatedAt: &marketo.DateRange{StartAt: from, EndAt: time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC)}})
		require.NoError(t, err)
	})

	t.Run("the_jobs_of_the_last_days_are_paged_with_their_times", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, "/base/bulk/v1/leads/export.json", r.URL.Path)
			if r.URL.Query().Get("nextPageToken") == "" {
				fmt.Fprint(w, `{"success":true,"nextPageToken":"N","result":[{"exportId":"a","status":"Completed","createdAt":"2017-01-21T11:47:30-08:00",
					"queuedAt":"2017-01-21T11:48:30-08:00","startedAt":"2017-01-21T11:51:30-08:00","finishedAt":"2017-01-21T12:59:30-08:00","format":"CSV",
					"numberOfRecords":122323,"fileSize":123424,"fileChecksum":"sha256:ab"}]}`)
				return
			}
			fmt.Fprint(w, `{"success":true,"result":[{"exportId":"b","status":"Created","createdAt":"2017-01-21T11:47:30Z","format":"CSV"}]}`)
		})
		var jobs []marketo.Export
		for job, err := range client.Exports(t.Context()) {
			require.NoError(t, err)
			jobs = append(jobs, job)
		}
		at := func(h, m int) time.Time { return time.Date(2017, 1, 21, h, m, 30, 0, time.UTC) }
		require.Empty(t, cmp.Diff([]marketo.Export{
			{ID: "a", Status: marketo.ExportCompleted, CreatedAt: at(19, 47), QueuedAt: at(19, 48), StartedAt: at(19, 51), FinishedAt: at(20, 59), Records: 122323, Bytes: 123424, Checksum: "sha256:ab"},
			{ID: "b", Status: marketo.ExportCreated, CreatedAt: at(11, 47)},
		}, jobs))
	})
}

// exportFile is a bulk file.
const exportFile = "id\n1\n2\n3\n"

// serveFile answers with a bulk file, and with a part of it where ranges are understood.
func serveFile(ranges bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		var from int
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && ranges {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(exportFile)-1, len(exportFile)))
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(w, exportFile[from:])
			return
		}
		fmt.Fprint(w, exportFile)
	}
}

func TestExportFileGoesOn(t *testing.T) {
	t.Parallel()

	for _, ranges := range []bool{true, false} {
		t.Run(fmt.Sprintf("a_file_goes_on_from_a_byte_ranges_%t", ranges), func(t *testing.T) {
			t.Parallel()
			body, err := setup(t, serveFile(ranges)).ExportFile(t.Context(), "e", 5)
			require.NoError(t, err)
			defer body.Close()
			rest, err := io.ReadAll(body)
			require.NoError(t, err)
			require.Equal(t, exportFile[5:], string(rest))
		})
	}

	t.Run("a_file_that_was_read_to_its_last_byte_goes_on_with_nothing", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/csv")
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(exportFile))
		})
		body, err := client.ExportFile(t.Context(), "e", int64(len(exportFile)))
		require.NoError(t, err)
		defer body.Close()
		rest, err := io.ReadAll(body)
		require.NoError(t, err)
		require.Empty(t, rest)
		_, err = client.ExportFile(t.Context(), "e", int64(len(exportFile))+1)
		requireKind(t, err, marketo.KindBadAnswer)
	})
}

func TestExportFileErrors(t *testing.T) {
	t.Parallel()

	t.Run("a_file_that_is_not_there_yet_is_told_from_an_error", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "File not found", http.StatusNotFound) })
		_, err := client.ExportFile(t.Context(), "e", 0)
		var call *marketo.Error
		require.ErrorAs(t, err, &call)
		require.Equal(t, marketo.KindNotFound, call.Kind)
	})

	t.Run("a_file_that_is_shorter_than_what_was_read_is_a_bad_answer", func(t *testing.T) {
		t.Parallel()
		_, err := setup(t, serveFile(false)).ExportFile(t.Context(), "e", int64(len(exportFile))+1)
		requireKind(t, err, marketo.KindBadAnswer)
	})

	t.Run("another_range_than_asked_for_is_a_bad_answer", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/csv")
			w.Header().Set("Content-Range", "bytes 0-8/9")
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(w, exportFile)
		})
		_, err := client.ExportFile(t.Context(), "e", 3)
		requireKind(t, err, marketo.KindBadAnswer)
	})

	t.Run("a_file_that_breaks_off_is_a_transport_error_of_the_read_and_of_the_call", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !marketo.Metered(r) {
				fmt.Fprint(w, tokenAnswer)
				return
			}
			w.Header().Set("Content-Type", "text/csv")
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, exportFile)
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}))
		t.Cleanup(server.Close)
		var seen []error
		client, err := marketo.New(marketo.Config{Clock: clockwork.NewRealClock(), Endpoint: server.URL, ClientID: "a", ClientSecret: "b", Observe: func(_ context.Context, operation string, err error) {
			if operation == "export file" {
				seen = append(seen, err)
			}
		}}, server.Client())
		require.NoError(t, err)
		body, err := client.ExportFile(t.Context(), "e", 0)
		require.NoError(t, err)
		_, err = io.ReadAll(body)
		requireKind(t, err, marketo.KindTransport)
		require.NoError(t, body.Close())
		require.Equal(t, []error{err}, seen)
	})

	t.Run("a_token_that_is_refused_for_a_file_is_replaced_once", func(t *testing.T) {
		t.Parallel()
		var calls atomic.Int64
		client := setup(t, func(w http.ResponseWriter, _ *http.Request) {
			if calls.Add(1) == 1 {
				fmt.Fprint(w, `{"requestId":"a#b","success":false,"errors":[{"code":"602","message":"Access token expired"}]}`)
				return
			}
			w.Header().Set("Content-Type", "text/csv")
			fmt.Fprint(w, exportFile)
		})
		body, err := client.ExportFile(t.Context(), "e", 0)
		require.NoError(t, err)
		require.NoError(t, body.Close())
		require.Equal(t, int64(2), calls.Load())
	})
}

func requireKind(t *testing.T, err error, kind marketo.Kind) {
	t.Helper()
	var call *marketo.Error
	require.ErrorAs(t, err, &call)
	require.Equal(t, kind, call.Kind)
}
