package marketo

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestIdentity(t *testing.T) {
	t.Parallel()
	const path = "/rest/v1/leads/partitions.json"
	t.Run("asking again gives the same token with its remaining seconds", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		first := b.token
		b.clock.Advance(59 * time.Minute)
		again := b.login()
		require.Equal(t, first, again["access_token"])
		require.EqualValues(t, 60, again["expires_in"])
		b.clock.Advance(time.Minute)
		require.NotEqual(t, first, b.login()["access_token"])
	})
	t.Run("bad credentials are HTTP 401", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		resp := b.get("/identity/oauth/token", "grant_type", "client_credentials", "client_id", "sandbox-client", "client_secret", "wrong")
		require.Equal(t, http.StatusUnauthorized, resp.status)
		require.Contains(t, resp.body, "invalid_client")
	})
	t.Run("the first call after the end says expired, later ones invalid", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		b.succeeded(b.get(path))
		b.ExpireToken()
		b.refused(b.get(path), "602")
		b.refused(b.get(path), "601")
		b.login()
		b.succeeded(b.get(path))
	})
	t.Run("a token in the address is none", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		token := b.token
		b.refused(b.call(http.MethodGet, path+"?access_token="+token, "", "Authorization", ""), "600")
		require.Equal(t, 1, b.Violations()["token in the address"])
	})
	t.Run("a refused token costs no call", func(t *testing.T) {
		t.Parallel()
		b := setup(t, Config{})
		b.token = "wrong"
		b.refused(b.get(path), "601")
		require.Zero(t, b.MaxInWindow())
	})
}
