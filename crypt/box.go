// Package crypt seals the secrets that the database keeps, with a key that the
// database does not have.
package crypt

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the length of a key in bytes.
const KeySize = chacha20poly1305.KeySize

// ErrSealed says that a sealed text cannot be opened: it was sealed with another
// key or for another purpose, or it was altered.
var ErrSealed = errors.New("the secret cannot be opened with this key: set SALESACTIONS_SECRET_KEY to the key it was saved with, or enter the secret again")

// Box seals and opens with XChaCha20-Poly1305. It is safe for concurrent use.
type Box struct {
	aead cipher.AEAD
}

// New returns a box with a key of KeySize bytes.
func New(key []byte) (*Box, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("make a box from the secret key: %w", err)
	}
	return &Box{aead: aead}, nil
}

// ParseKey reads a key written in base64, of either alphabet, padded or not.
func ParseKey(text string) ([]byte, error) {
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSpace(text)), "=")
	key, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(key) != KeySize {
		return nil, fmt.Errorf("the secret key must be %d bytes in base64: make one with 'openssl rand -base64 %d'", KeySize, KeySize)
	}
	return key, nil
}

// Seal encrypts a secret for one purpose, such as "marketo client secret". The
// same purpose opens it again, so that a sealed text moved elsewhere is of no use.
func (b *Box) Seal(secret, purpose string) []byte {
	nonce := make([]byte, b.aead.NonceSize())
	rand.Read(nonce) // never fails: crypto/rand crashes the program instead
	return b.aead.Seal(nonce, nonce, []byte(secret), []byte(purpose))
}

// Open decrypts what Seal made, or returns ErrSealed.
func (b *Box) Open(sealed []byte, purpose string) (string, error) {
	size := b.aead.NonceSize()
	if len(sealed) < size {
		return "", ErrSealed
	}
	secret, err := b.aead.Open(nil, sealed[:size], sealed[size:], []byte(purpose))
	if err != nil {
		return "", ErrSealed
	}
	return string(secret), nil
}
