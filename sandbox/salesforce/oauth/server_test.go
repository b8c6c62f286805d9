package oauth

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestConnect(t *testing.T) {
	t.Parallel()
	t.Run("a browser gets tokens, and they say what Salesforce's say", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		token := b.connect()
		require.True(t, token.Expiry.IsZero(), "Salesforce tells no expiry")
		require.NotEmpty(t, token.RefreshToken)
		require.Equal(t, b.url, token.Extra("instance_url"))
		require.Equal(t, b.url+"/id/"+org+"/"+rita, token.Extra("id"))
		require.Len(t, token.Extra("issued_at"), 13)
		user, err := b.Check(token.AccessToken)
		require.NoError(t, err)
		require.Equal(t, rita, user)
	})
	t.Run("a no is told to the app", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		back := b.click(b.client().AuthCodeURL("s"), "deny")
		require.Equal(t, "access_denied", back.Get("error"))
		require.Equal(t, "end-user denied authorization", back.Get("error_description"))
	})
	t.Run("a wrong password stays on the page", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		_, body, _ := b.page(b.web.Get(b.client().AuthCodeURL("s")))
		status, body, _ := b.submit(body, "username", "rep@example.com", "password", "wrong")
		require.Equal(t, http.StatusUnauthorized, status)
		require.Contains(t, body, "Please check your username and password")
		require.Contains(t, body, `value="rep@example.com"`)
	})
	t.Run("a consent is for the request that was logged in for", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		_, body, _ := b.page(b.web.Get(b.client().AuthCodeURL("s")))
		_, body, _ = b.submit(body, "username", "rep@example.com", "password", "secret")
		status, _, _ := b.submit(body, "answer", "allow", "scope", "full")
		require.Equal(t, http.StatusUnauthorized, status)
	})
	t.Run("nothing is sent to an unknown address", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		client := b.client()
		client.RedirectURL = "http://evil.example.com/"
		status, body, at := b.page(b.web.Get(client.AuthCodeURL("s")))
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, body, "redirect_uri_mismatch")
		require.Nil(t, at)
	})
	t.Run("what the app asks wrongly goes back to it", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		_, _, at := b.page(b.web.Get(b.client().AuthCodeURL("s", oauth2.SetAuthURLParam("scope", "root"))))
		require.Equal(t, "invalid_scope", at.Query().Get("error"))
		_, _, at = b.page(b.web.Get(b.client().AuthCodeURL("s", oauth2.SetAuthURLParam("code_challenge_method", "plain"))))
		require.Equal(t, "invalid_request", at.Query().Get("error"))
	})
}

func TestCodes(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	verifier := oauth2.GenerateVerifier()
	code := b.click(b.client().AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)), "allow").Get("code")
	exchange := func(code, verifier, secret, redirect string) (int, map[string]any) {
		return b.post("token", "grant_type", "authorization_code", "client_id", "app", "client_secret", secret, "redirect_uri", redirect, "code", code, "code_verifier", verifier)
	}
	try := func(code, verifier, secret, redirect, want, description string) {
		t.Helper()
		status, got := exchange(code, verifier, secret, redirect)
		b.refused(status, got, want, description)
	}
	try(code, verifier, "x", callback, "invalid_client", "invalid client credentials")
	try(code, "x", "app-secret", callback, "invalid_grant", "invalid code verifier")
	try(code, "", "app-secret", callback, "invalid_request", "code verifier required")
	try(code, verifier, "app-secret", "http://x", "redirect_uri_mismatch", "redirect_uri must match configuration")
	try("x", verifier, "app-secret", callback, "invalid_grant", "invalid authorization code")
	status, _ := exchange(code, verifier, "app-secret", callback)
	require.Equal(t, http.StatusOK, status)
	try(code, verifier, "app-secret", callback, "invalid_grant", "invalid authorization code")
	code = b.click(b.client().AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)), "allow").Get("code")
	b.clock.Advance(codeLife)
	try(code, verifier, "app-secret", callback, "invalid_grant", "expired authorization code")
}

func TestSessions(t *testing.T) {
	t.Parallel()
	t.Run("use prolongs a session", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		token := b.Issue(rita)
		for range 3 {
			b.clock.Advance(DefaultSessionLength - time.Minute)
			_, err := b.Check(token)
			require.NoError(t, err)
		}
		b.clock.Advance(DefaultSessionLength)
		_, err := b.Check(token)
		require.EqualError(t, err, "INVALID_SESSION_ID: Session expired or invalid")
	})
	t.Run("a refresh helps an expired session, and not a revoked grant", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		token := b.connect()
		b.ExpireSessions()
		_, err := b.Check(token.AccessToken)
		require.Error(t, err)
		status, got := b.renewToken(token.RefreshToken)
		require.Equal(t, http.StatusOK, status)
		require.NotContains(t, got, "refresh_token")
		_, err = b.Check(got["access_token"].(string))
		require.NoError(t, err)
		b.RevokeGrants()
		_, err = b.Check(got["access_token"].(string))
		require.Error(t, err)
		status, got = b.renewToken(token.RefreshToken)
		b.refused(status, got, "invalid_grant", "expired access/refresh token")
	})
	t.Run("with rotation, a void token that comes back ends all", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *Config) { c.Rotation = true })
		token := b.connect()
		_, got := b.renewToken(token.RefreshToken)
		fresh, access := got["refresh_token"].(string), got["access_token"].(string)
		status, got := b.renewToken(token.RefreshToken)
		b.refused(status, got, "invalid_grant", "expired access/refresh token")
		status, got = b.renewToken(fresh)
		b.refused(status, got, "invalid_grant", "expired access/refresh token")
		_, err := b.Check(access)
		require.Error(t, err)
	})
	t.Run("a sixth grant ends the first", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		first, second := b.connect(), b.connect()
		for range maxGrants - 1 {
			b.connect()
		}
		status, got := b.renewToken(first.RefreshToken)
		b.refused(status, got, "invalid_grant", "expired access/refresh token")
		status, _ = b.renewToken(second.RefreshToken)
		require.Equal(t, http.StatusOK, status)
	})
	t.Run("a user who left is told apart", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		token := b.connect()
		b.Deactivate(rita)
		_, err := b.Check(token.AccessToken)
		require.Error(t, err)
		status, got := b.renewToken(token.RefreshToken)
		b.refused(status, got, "invalid_grant", "inactive user")
	})
	t.Run("a failure is given when asked for, once", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		token := b.connect()
		b.FailNext("rate_limit_exceeded", "login rate exceeded")
		status, got := b.renewToken(token.RefreshToken)
		b.refused(status, got, "rate_limit_exceeded", "login rate exceeded")
		status, _ = b.renewToken(token.RefreshToken)
		require.Equal(t, http.StatusOK, status)
	})
}
