package oauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/oauth2"
)

// maxBody is far more than a token request has.
const maxBody = 1 << 16

// tokens is what a flow yields.
type tokens struct {
	user    string
	app     *App
	scope   string
	access  string
	refresh string // empty: the answer has none
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		answerError(w, &Error{"invalid_request", "the form cannot be read"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.fails) > 0 {
		fail := s.fails[0]
		s.fails = s.fails[1:]
		answerError(w, fail)
		return
	}
	given, refused := s.flow(r)
	if refused != nil {
		answerError(w, refused)
		return
	}
	answer(w, http.StatusOK, s.tokenAnswer(r, given))
}

func (s *Server) flow(r *http.Request) (*tokens, *Error) {
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		return s.exchange(r)
	case "refresh_token":
		return s.renew(r)
	case "client_credentials":
		return s.clientCredentials(r)
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		return s.jwtBearer(r)
	default:
		return nil, &Error{"unsupported_grant_type", "grant type not supported"}
	}
}

// client knows an app by its id and secret, in the form or in a Basic header.
func (s *Server) client(r *http.Request) (*App, *Error) {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		id, secret = formDecoded(user), formDecoded(password)
	}
	app := s.apps[id]
	if app == nil {
		return nil, &Error{"invalid_client_id", "client identifier invalid"}
	}
	if subtle.ConstantTimeCompare([]byte(app.Secret), []byte(secret)) != 1 {
		return nil, &Error{"invalid_client", "invalid client credentials"}
	}
	return app, nil
}

// formDecoded undoes what RFC 6749 asks of ids and secrets in a Basic header.
func formDecoded(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

func (s *Server) exchange(r *http.Request) (*tokens, *Error) {
	app, refused := s.client(r)
	if refused != nil {
		return nil, refused
	}
	c := s.codes[r.PostForm.Get("code")]
	verifier := r.PostForm.Get("code_verifier")
	switch {
	case c == nil || c.used || c.app != app.ClientID:
		return nil, invalidGrant("invalid authorization code")
	case !s.cfg.Clock.Now().Before(c.dies):
		return nil, invalidGrant("expired authorization code")
	case c.redirect != r.PostForm.Get("redirect_uri"):
		return nil, &Error{"redirect_uri_mismatch", "redirect_uri must match configuration"}
	case c.challenge != "" && verifier == "":
		return nil, &Error{"invalid_request", "code verifier required"}
	case c.challenge != "" && oauth2.S256ChallengeFromVerifier(verifier) != c.challenge:
		return nil, invalidGrant("invalid code verifier")
	}
	if s.users[c.user].Inactive {
		return nil, invalidGrant("inactive user")
	}
	c.used = true
	out := &tokens{user: c.user, app: app, scope: c.scope, access: s.open(c.user, app, c.scope)}
	if has(c.scope, "refresh_token", "offline_access") {
		s.sessions[out.access].grant, out.refresh = s.allow(c.user, app, c.scope)
	}
	return out, nil
}

// renew voids the token where rotation is on; a void one that comes back is taken as
// stolen, and ends the grant.
func (s *Server) renew(r *http.Request) (*tokens, *Error) {
	app, refused := s.client(r)
	if refused != nil {
		return nil, refused
	}
	found := s.refresh[r.PostForm.Get("refresh_token")]
	if found == nil || found.grant.app != app.ClientID {
		return nil, invalidGrant("expired access/refresh token")
	}
	if found.void {
		s.end(found.grant)
		return nil, invalidGrant("expired access/refresh token")
	}
	g := found.grant
	if s.users[g.user].Inactive {
		return nil, invalidGrant("inactive user")
	}
	out := &tokens{user: g.user, app: app, scope: g.scope, access: s.open(g.user, app, g.scope)}
	s.sessions[out.access].grant = g
	if s.cfg.Rotation {
		found.void = true
		out.refresh = s.newRefresh(g)
	}
	return out, nil
}

func (s *Server) clientCredentials(r *http.Request) (*tokens, *Error) {
	if slices.Contains(s.cfg.LoginHosts, r.Host) {
		return nil, invalidGrant("request not supported on this domain")
	}
	app, refused := s.client(r)
	if refused != nil {
		return nil, refused
	}
	if app.Secret == "" {
		return nil, &Error{"invalid_client", "invalid client credentials"}
	}
	user := s.userNamed(app.RunAs)
	if user == nil {
		return nil, invalidGrant("no client credentials user enabled")
	}
	if user.Inactive {
		return nil, invalidGrant("inactive user")
	}
	return &tokens{user: user.ID, app: app, scope: "api id", access: s.open(user.ID, app, "api id")}, nil
}

// tokenAnswer has no expires_in: Salesforce never tells.
func (s *Server) tokenAnswer(r *http.Request, t *tokens) map[string]string {
	base := address(r)
	instance := base
	if s.cfg.InstanceURL != "" {
		instance = s.cfg.InstanceURL
	}
	id := base + "/id/" + s.cfg.OrgID + "/" + t.user
	issued := strconv.FormatInt(s.cfg.Clock.Now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(t.app.Secret))
	mac.Write([]byte(id + issued))
	out := map[string]string{"access_token": t.access, "signature": base64.StdEncoding.EncodeToString(mac.Sum(nil)),
		"scope": t.scope, "instance_url": instance, "id": id, "token_type": "Bearer", "issued_at": issued}
	if t.refresh != "" {
		out["refresh_token"] = t.refresh
	}
	return out
}

// address is where the request arrived, without a slash at its end.
func address(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
