package salesforce

import (
	"salesactions/sandbox/salesforce/oauth"
)

// newOAuth makes the token service of the org: the integration user, the people who
// own people, and one connected app.
func (s *Server) newOAuth() (*oauth.Server, error) {
	users := []oauth.User{{ID: s.self, Username: s.cfg.Username, Password: s.cfg.Password, Name: "Integration User", Email: s.cfg.Username}}
	for _, r := range s.tables["user"].order {
		if r.id != s.self {
			users = append(users, oauth.User{ID: r.id, Username: r.text("Username"), Password: s.cfg.Password, Name: r.text("Name"),
				Email: r.text("Email"), Inactive: !r.flag("IsActive")})
		}
	}
	return oauth.New(oauth.Config{Users: users, OrgID: s.orgID, SessionLength: s.cfg.SessionLength, Rotation: s.cfg.Rotation, Clock: s.cfg.Clock,
		Apps: []oauth.App{{ClientID: s.cfg.ClientID, Secret: s.cfg.ClientSecret, RunAs: s.cfg.Username, PublicKey: s.cfg.PublicKey}}})
}

// AccessToken returns an access token of the integration user.
func (s *Server) AccessToken() string { return s.oauth.Issue(s.self) }

// FailNextToken makes a coming request of the token service fail.
func (s *Server) FailNextToken(code, description string) { s.oauth.FailNext(code, description) }
