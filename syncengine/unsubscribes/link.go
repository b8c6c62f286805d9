package unsubscribes

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"salesactions/models"
	"salesactions/syncengine/who"
)

// Why a link does nothing.
var (
	ErrLinkForged  = errors.New("this unsubscribe link is not one of ours, or not whole")
	ErrLinkExpired = errors.New("this unsubscribe link is too old")
)

// linkPurpose is what links are sealed for; a sealed text of another purpose opens none.
const linkPurpose = "unsubscribe link"

// link is what a link says: who, under which address, and until when.
type link struct {
	Person int64  `json:"p"`
	Email  string `json:"e"`
	Until  int64  `json:"u"` // Unix seconds
}

// NewLink returns the token of an unsubscribe link, of a person or, where the person is
// 0, of everybody with the address. It is sealed, so that it
// can be neither altered nor read, and nothing need be kept of it.
func (k *Keeper) NewLink(person int64, email string) (string, error) {
	raw, err := json.Marshal(link{Person: person, Email: email, Until: k.now().Add(k.cfg.LinkLife).Unix()})
	if err != nil {
		return "", fmt.Errorf("write an unsubscribe link: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(k.box.Seal(string(raw), linkPurpose)), nil
}

// Linked is whom a link is about.
type Linked struct {
	PersonID     int64
	Email        string // to which it was sent
	Unsubscribed bool
}

// OpenLink says whom a link is about. It changes nothing: mail scanners follow links.
// Errors: ErrLinkForged, ErrLinkExpired.
func (k *Keeper) OpenLink(ctx context.Context, token string) (Linked, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return Linked{}, ErrLinkForged
	}
	text, err := k.box.Open(sealed, linkPurpose)
	if err != nil {
		return Linked{}, ErrLinkForged
	}
	var l link
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return Linked{}, ErrLinkForged
	}
	if !k.now().Before(time.Unix(l.Until, 0)) {
		return Linked{}, ErrLinkExpired
	}
	linked := Linked{PersonID: l.Person, Email: l.Email}
	words, err := k.words(ctx, linked.PersonID, who.Ref{Email: l.Email})
	linked.Unsubscribed = words.here
	return linked, err
}

// UseLink unsubscribes whom a link is about; twice is as good as once. Errors:
// ErrLinkForged, ErrLinkExpired.
func (k *Keeper) UseLink(ctx context.Context, token string, source models.UnsubscribeSource, address string) (Linked, error) {
	linked, err := k.OpenLink(ctx, token)
	if err != nil {
		return linked, err
	}
	about := who.Ref{MarketoID: linked.PersonID} // who need not be here: whoever says no is heard
	if who.IsAddress(linked.Email) {
		about.Email = linked.Email
	}
	_, _, err = k.Add(ctx, Word{Whom: about, Source: source, Address: address})
	linked.Unsubscribed = err == nil
	return linked, err
}
