package marketo_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/marketo"
)

// transport answers identity calls itself, and others with a function, in the time
// of a synctest bubble.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !marketo.Metered(req) {
		return response(tokenAnswer), nil
	}
	return f(req)
}

func response(body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// sent does what net/http does when a request leaves.
func sent(req *http.Request) { httptrace.ContextClientTrace(req.Context()).GetConn(req.Host) }

// silent answers only when the request is given up.
func silent(req *http.Request) (*http.Response, error) {
	sent(req)
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// silence is a body of which nothing comes.
type silence struct{ ctx context.Context }

func (s silence) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func bubbleClient(t *testing.T, rt http.RoundTripper, observe func(error)) *marketo.Client {
	t.Helper()
	cfg := marketo.Config{Clock: clockwork.NewRealClock(), Endpoint: "marketo.example", ClientID: "a", ClientSecret: "b"}
	if observe != nil {
		cfg.Observe = func(_ context.Context, operation string, err error) {
			if operation != "identity" {
				observe(err)
			}
		}
	}
	client, err := marketo.New(cfg, &http.Client{Transport: rt})
	require.NoError(t, err)
	return client
}

func TestLimit(t *testing.T) {
	t.Parallel()

	t.Run("waiting_for_a_budget_is_not_counted_as_the_servers_time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := bubbleClient(t, transport(func(req *http.Request) (*http.Response, error) {
				pause := time.NewTimer(time.Hour)
				select {
				case <-req.Context().Done():
					return nil, req.Context().Err()
				case <-pause.C:
				}
				sent(req)
				return response(`{"success":true,"result":[{"id":1}]}`), nil
			}), nil)
			leads, err := client.LeadsByID(t.Context(), []int64{1}, []string{"id"})
			require.NoError(t, err)
			require.Len(t, leads, 1)
		})
	})

	t.Run("a_silent_server_is_told_from_a_caller_who_gave_up", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := bubbleClient(t, transport(silent), nil)
			began := time.Now()
			_, err := client.LeadsByID(t.Context(), []int64{1}, []string{"id"})
			var call *marketo.Error
			require.ErrorAs(t, err, &call)
			require.Equal(t, marketo.KindTransport, call.Kind)
			require.NotErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 65*time.Second, time.Since(began))

			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err = client.LeadsByID(ctx, []int64{1}, []string{"id"})
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	})

	t.Run("a_body_that_stops_coming_ends_the_call", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := bubbleClient(t, transport(func(req *http.Request) (*http.Response, error) {
				sent(req)
				resp := response("")
				resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"success":`), silence{req.Context()}))
				return resp, nil
			}), nil)
			_, err := client.Usage(t.Context())
			var call *marketo.Error
			require.ErrorAs(t, err, &call)
			require.Equal(t, marketo.KindTransport, call.Kind)
			require.NotErrorIs(t, err, context.Canceled)
		})
	})

	t.Run("a_file_may_be_read_slowly_but_must_not_stop_coming", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var seen []error
			client := bubbleClient(t, transport(func(req *http.Request) (*http.Response, error) {
				sent(req)
				resp := response("")
				resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("id"), silence{req.Context()}))
				return resp, nil
			}), func(err error) { seen = append(seen, err) })
			body, err := client.ExportFile(t.Context(), "e", 0)
			require.NoError(t, err)
			require.Empty(t, seen, "the call goes on while its file is read")
			part := make([]byte, 2)
			<-time.After(time.Hour) // the reader's own time
			_, err = io.ReadFull(body, part)
			require.NoError(t, err)
			<-time.After(time.Hour)
			began := time.Now()
			_, err = body.Read(part)
			var call *marketo.Error
			require.ErrorAs(t, err, &call)
			require.Equal(t, marketo.KindTransport, call.Kind)
			require.NotErrorIs(t, err, context.Canceled)
			require.Equal(t, 2*time.Minute, time.Since(began))
			require.NoError(t, body.Close())
			require.Equal(t, []error{err}, seen)
		})
	})
}

func TestTokensInTime(t *testing.T) {
	t.Parallel()

	t.Run("who_waits_for_a_token_can_give_up", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			asked, answer := make(chan struct{}), make(chan struct{})
			client := bubbleClient(t, plain(func(req *http.Request) (*http.Response, error) {
				if marketo.Metered(req) {
					return response(`{"success":true,"result":[]}`), nil
				}
				close(asked)
				<-answer
				return response(tokenAnswer), nil
			}), nil)
			first := make(chan error)
			go func() {
				_, err := client.Usage(t.Context())
				first <- err
			}()
			<-asked
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := client.Usage(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			close(answer)
			require.NoError(t, <-first)
		})
	})

	t.Run("a_token_near_its_end_is_used_while_Marketo_has_no_other", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			dies, asked := time.Now().Add(time.Minute), 0
			client := bubbleClient(t, plain(func(req *http.Request) (*http.Response, error) {
				if marketo.Metered(req) {
					return response(`{"success":true,"result":[]}`), nil
				}
				asked++
				left := strconv.Itoa(int(time.Until(dies).Seconds()))
				return response(strings.Replace(tokenAnswer, "3599", left, 1)), nil
			}), nil)
			for range 30 {
				_, err := client.Usage(t.Context())
				require.NoError(t, err)
				<-time.After(time.Second)
			}
			require.Less(t, asked, 5)
		})
	})
}

// plain is a transport that answers identity calls too.
type plain func(*http.Request) (*http.Response, error)

func (f plain) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
