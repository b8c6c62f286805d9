package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"github.com/jonboulle/clockwork"
	"gorm.io/gorm"

	"salesactions/handlers/request"
	"salesactions/models"
)

const (
	idleLife     = 12 * time.Hour      // a session ends when it was not used for so long
	absoluteLife = 14 * 24 * time.Hour // and in any case after so long
	seenEvery    = time.Minute         // how often it is written that a session is in use
)

// sessionStore keeps sessions in the database, so that they can be revoked. It
// implements gorilla's Store; the cookie holds 32 random bytes, the database their
// SHA-256, and what the session holds only under a key made of those bytes. Nothing
// is stored before somebody signs in.
type sessionStore struct {
	db     *gorm.DB
	clock  clockwork.Clock
	name   string
	secure bool
}

func newSessionStore(db *gorm.DB, clock clockwork.Clock, secure bool) *sessionStore {
	return &sessionStore{db: db, clock: clock, name: cookieName("session", secure), secure: secure}
}

// cookieName has the prefix that makes browsers refuse the cookie unless it is of
// this host alone and was set over HTTPS.
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

type valueKey int

const (
	rowKey   valueKey = iota // models.Session, once it is stored
	userKey                  // models.User
	savedKey                 // saved
)

// saved is what the database keeps for a session. Role is the user's when the id
// was made: when it changes, the id changes too.
type saved struct {
	Role    models.Role     `json:"role"`
	Flashes []request.Flash `json:"flashes,omitempty"`
}

// Get returns the request's session, loaded once.
func (s *sessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New loads the session that the cookie names; without one it is new and empty.
func (s *sessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	session.IsNew = true
	session.Options = &sessions.Options{
		Path: "/", MaxAge: int(absoluteLife / time.Second), HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
	cookie, err := r.Cookie(name)
	if err != nil {
		return session, nil // no cookie
	}
	row, user, err := models.FindSession(r.Context(), s.db, hashID(cookie.Value), s.clock.Now())
	if errors.Is(err, models.ErrNotFound) {
		return session, nil
	}
	if err != nil {
		return session, err
	}
	var data saved
	if err := codec(cookie.Value).Decode(codecName, string(row.Data), &data); err != nil {
		return session, fmt.Errorf("read session: %w", err)
	}
	session.ID, session.IsNew = cookie.Value, false
	session.Values[rowKey], session.Values[userKey], session.Values[savedKey] = row, user, data
	return session, nil
}

// Save stores the session of a user, or ends it when MaxAge is negative.
func (s *sessionStore) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge < 0 {
		http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
		return models.DeleteSession(r.Context(), s.db, hashID(session.ID))
	}
	user, ok := session.Values[userKey].(models.User)
	if !ok {
		return nil
	}
	if !session.IsNew {
		data, err := codec(session.ID).Encode(codecName, session.Values[savedKey])
		if err != nil {
			return fmt.Errorf("write session: %w", err)
		}
		return models.SetSessionData(r.Context(), s.db, hashID(session.ID), []byte(data))
	}
	session.ID = newID()
	data, err := codec(session.ID).Encode(codecName, session.Values[savedKey])
	if err != nil {
		return fmt.Errorf("write session: %w", err)
	}
	now := s.clock.Now()
	row, _ := session.Values[rowKey].(models.Session)
	row.IDHash, row.UserID, row.Data = hashID(session.ID), &user.ID, []byte(data)
	row.CreatedAt, row.LastSeenAt, row.ExpiresAt = now, now, expiry(now, now)
	if err := models.SaveSession(r.Context(), s.db, row); err != nil {
		return err
	}
	session.IsNew, session.Values[rowKey] = false, row
	http.SetCookie(w, sessions.NewCookie(session.Name(), session.ID, session.Options))
	return nil
}

// rotate gives a stored session a new id, with its data as they are now.
func (s *sessionStore) rotate(ctx context.Context, w http.ResponseWriter, session *sessions.Session) error {
	id := newID()
	data, err := codec(id).Encode(codecName, session.Values[savedKey])
	if err != nil {
		return fmt.Errorf("write session: %w", err)
	}
	if err := models.RenameSession(ctx, s.db, hashID(session.ID), hashID(id), []byte(data)); err != nil {
		return err
	}
	row, _ := session.Values[rowKey].(models.Session)
	row.IDHash = hashID(id)
	session.ID, session.Values[rowKey] = id, row
	http.SetCookie(w, sessions.NewCookie(session.Name(), id, session.Options))
	return nil
}

// expiry is when a session made and last used at these times ends.
func expiry(created, seen time.Time) time.Time {
	idle, absolute := seen.Add(idleLife), created.Add(absoluteLife)
	if idle.Before(absolute) {
		return idle
	}
	return absolute
}

func newID() string {
	id := make([]byte, 32)
	_, _ = rand.Read(id) // never fails: it ends the program when the system has no randomness
	return base64.RawURLEncoding.EncodeToString(id)
}

func hashID(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:]
}

const codecName = "session"

// codec seals a session's data with keys that follow from its id, which only the
// browser has: not even a new API token, shown once on the next page, can be read
// in the database. It does not look at the data's age, for which it would read a clock of
// its own: a session's end is in its row.
func codec(id string) *securecookie.SecureCookie {
	keys := sha512.Sum512([]byte("session data of " + id))
	return securecookie.New(keys[:32], keys[32:]).SetSerializer(securecookie.JSONEncoder{}).
		MaxAge(0).MaxLength(0)
}
