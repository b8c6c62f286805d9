package oauth

import (
	"fmt"
	"net/http"
	"strings"
)

// given is the token of a request: in its header, or in its address as identity URLs
// allow.
func given(r *http.Request) string {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	return r.FormValue("oauth_token")
}

// identity tells who a token's user is; its refusals are bare words (Salesforce Help:
// identity URLs).
func (s *Server) identity(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := given(r)
	found := s.live(token)
	word := ""
	switch {
	case token == "":
		word = "Missing_OAuth_Token"
	case found == nil || !has(found.scope, "id", "openid", "full", "api"):
		word = "Bad_OAuth_Token"
	case r.PathValue("org") != s.cfg.OrgID:
		word = "Wrong_Org"
	case r.PathValue("user") != found.user:
		word = "Bad_Id"
	}
	if word != "" {
		http.Error(w, word, http.StatusForbidden)
		return
	}
	answer(w, http.StatusOK, s.identityOf(r, s.users[found.user]))
}

func (s *Server) identityOf(r *http.Request, u *User) map[string]any {
	base := address(r)
	data := base + "/services/data/v{version}/"
	return map[string]any{
		"id": base + "/id/" + s.cfg.OrgID + "/" + u.ID, "asserted_user": true, "user_id": u.ID, "organization_id": s.cfg.OrgID,
		"username": u.Username, "nick_name": u.Name, "display_name": u.Name, "email": u.Email, "email_verified": true,
		"active": !u.Inactive, "user_type": "STANDARD", "language": "en_US", "locale": "en_US", "utcOffset": 0, "timezone": "GMT",
		"urls": map[string]string{"rest": data, "sobjects": data + "sobjects/", "query": data + "query/",
			"search": data + "search/", "recent": data + "recent/", "profile": base + "/" + u.ID},
	}
}

func (s *Server) userInfo(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.live(given(r))
	if found == nil || !has(found.scope, "openid", "full") {
		http.Error(w, "Bad_OAuth_Token", http.StatusForbidden)
		return
	}
	out := s.identityOf(r, s.users[found.user])
	out["sub"], out["name"], out["preferred_username"], out["zoneinfo"] = out["id"], out["display_name"], out["username"], out["timezone"]
	answer(w, http.StatusOK, out)
}

// revoke ends the grant of a refresh token with all its sessions, or one session.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	token := r.FormValue("token")
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.refresh[token]; found != nil {
		s.end(found.grant)
	} else if s.live(token) != nil {
		delete(s.sessions, token)
	} else {
		answerError(w, &Error{"unsupported_token_type", "this token type is not supported"})
		return
	}
	w.WriteHeader(http.StatusOK)
}

// introspect tells of the tokens of the app that asks; of others, that they are not active.
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		answerError(w, &Error{"invalid_request", "the form cannot be read"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	app, refused := s.client(r)
	if refused != nil {
		answerError(w, refused)
		return
	}
	token := r.PostForm.Get("token")
	out := map[string]any{"active": true, "client_id": app.ClientID}
	if found := s.refresh[token]; found != nil && !found.void && found.grant.app == app.ClientID {
		s.describe(r, out, found.grant.user, found.grant.scope, "refresh_token")
	} else if found := s.sessions[token]; found != nil && found.app == app.ClientID && s.cfg.Clock.Now().Before(found.used.Add(s.cfg.SessionLength)) && !s.users[found.user].Inactive {
		s.describe(r, out, found.user, found.scope, "access_token")
		out["iat"], out["nbf"], out["exp"] = found.since.Unix(), found.since.Unix(), found.used.Add(s.cfg.SessionLength).Unix()
	} else {
		out = map[string]any{"active": false}
	}
	answer(w, http.StatusOK, out)
}

func (s *Server) describe(r *http.Request, out map[string]any, userID, scope, kind string) {
	out["scope"], out["token_type"], out["username"] = scope, kind, s.users[userID].Username
	out["sub"] = fmt.Sprintf("%s/id/%s/%s", address(r), s.cfg.OrgID, userID)
}

func (s *Server) discovery(w http.ResponseWriter, r *http.Request) {
	base := address(r)
	at := base + "/services/oauth2/"
	answer(w, http.StatusOK, map[string]any{"issuer": base, "authorization_endpoint": at + "authorize", "token_endpoint": at + "token",
		"revocation_endpoint": at + "revoke", "introspection_endpoint": at + "introspect", "userinfo_endpoint": at + "userinfo",
		"scopes_supported": knownScopes[:], "response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"}})
}
