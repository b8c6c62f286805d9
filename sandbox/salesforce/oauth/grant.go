package oauth

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"
)

// maxGrants is how many grants of one app a user has; one more ends the oldest
// (Salesforce Help: connected apps, five approvals for a user and an app).
const maxGrants = 5

// codeLife is how long a code may be exchanged.
const codeLife = 15 * time.Minute

type code struct {
	app       string
	user      string
	redirect  string
	challenge string
	scope     string
	dies      time.Time
	used      bool
}

// grant is what an admin allowed once; its refresh token may change.
type grant struct {
	app   string
	user  string
	scope string
}

type refreshToken struct {
	grant *grant
	void  bool // replaced by rotation
}

type session struct {
	user  string
	scope string
	grant *grant // nil for flows without one
	app   string
	since time.Time
	used  time.Time
}

// open starts a session. The caller holds the lock, as for all below.
func (s *Server) open(userID string, app *App, scope string) string {
	now := s.cfg.Clock.Now()
	token := s.cfg.OrgID[:min(len(s.cfg.OrgID), 15)] + "!AQ" + rand.Text() + rand.Text() + rand.Text()
	opened := &session{user: userID, scope: scope, since: now, used: now}
	if app != nil {
		opened.app = app.ClientID
	}
	s.sessions[token] = opened
	return token
}

// live finds a session that has not ended, and notes its use.
func (s *Server) live(token string) *session {
	found := s.sessions[token]
	if found == nil {
		return nil
	}
	now := s.cfg.Clock.Now()
	if user := s.users[found.user]; user == nil || user.Inactive || !now.Before(found.used.Add(s.cfg.SessionLength)) {
		delete(s.sessions, token)
		return nil
	}
	found.used = now
	return found
}

// allow makes a grant with its first refresh token.
func (s *Server) allow(userID string, app *App, scope string) (*grant, string) {
	same := func(g *grant) bool { return g.app == app.ClientID && g.user == userID }
	count := 0
	for _, g := range s.grants {
		if same(g) {
			count++
		}
	}
	if count >= maxGrants {
		s.end(s.grants[slices.IndexFunc(s.grants, same)])
	}
	g := &grant{app: app.ClientID, user: userID, scope: scope}
	s.grants = append(s.grants, g)
	return g, s.newRefresh(g)
}

func (s *Server) newRefresh(g *grant) string {
	token := "5Aep861" + rand.Text() + rand.Text()
	s.refresh[token] = &refreshToken{grant: g}
	return token
}

// end revokes a grant with its refresh tokens and sessions.
func (s *Server) end(g *grant) {
	s.grants = slices.DeleteFunc(s.grants, func(other *grant) bool { return other == g })
	for token, r := range s.refresh {
		if r.grant == g {
			delete(s.refresh, token)
		}
	}
	for token, opened := range s.sessions {
		if opened.grant == g {
			delete(s.sessions, token)
		}
	}
}

func (s *Server) userNamed(username string) *User {
	for _, u := range s.users {
		if strings.EqualFold(u.Username, username) {
			return u
		}
	}
	return nil
}

// has tells whether a list of scopes holds one of the names.
func has(scope string, names ...string) bool {
	return slices.ContainsFunc(strings.Fields(scope), func(s string) bool { return slices.Contains(names, s) })
}
