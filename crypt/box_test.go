package crypt

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBox(t *testing.T) {
	t.Parallel()
	box, err := New(bytes.Repeat([]byte{7}, KeySize))
	require.NoError(t, err)
	sealed := box.Seal("s3cret", "marketo")

	t.Run("opens_what_it_sealed", func(t *testing.T) {
		t.Parallel()
		secret, err := box.Open(sealed, "marketo")
		require.NoError(t, err)
		require.Equal(t, "s3cret", secret)
		require.NotContains(t, string(sealed), "s3cret")
	})
	t.Run("refuses_another_purpose_key_or_an_altered_text", func(t *testing.T) {
		t.Parallel()
		other, err := New(bytes.Repeat([]byte{8}, KeySize))
		require.NoError(t, err)
		_, err = box.Open(sealed, "salesforce")
		require.ErrorIs(t, err, ErrSealed)
		_, err = other.Open(sealed, "marketo")
		require.ErrorIs(t, err, ErrSealed)
		altered := bytes.Clone(sealed)
		altered[len(altered)-1] ^= 1
		_, err = box.Open(altered, "marketo")
		require.ErrorIs(t, err, ErrSealed)
		_, err = box.Open(sealed[:5], "marketo")
		require.ErrorIs(t, err, ErrSealed)
	})
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte{0xfb}, KeySize)
	for _, text := range []string{
		base64.StdEncoding.EncodeToString(key),
		base64.RawURLEncoding.EncodeToString(key),
		" " + base64.URLEncoding.EncodeToString(key) + "\n",
	} {
		got, err := ParseKey(text)
		require.NoError(t, err)
		require.Equal(t, key, got)
	}
	for _, text := range []string{"", "short", base64.StdEncoding.EncodeToString(key[:31]), "!!!"} {
		_, err := ParseKey(text)
		require.ErrorContains(t, err, "openssl rand -base64 32")
	}
}
