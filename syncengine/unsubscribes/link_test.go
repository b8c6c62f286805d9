package unsubscribes_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"salesactions/crypt"
	"salesactions/models"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine/unsubscribes"
	"salesactions/syncengine/who"
)

// link is somebody's, as it stands in an email to them.
func (w *world) link(name string) string {
	w.t.Helper()
	token, err := w.keeper.NewLink(w.ids[name], w.email[name])
	require.NoError(w.t, err)
	return token
}

func (w *world) open(token string) unsubscribes.Linked {
	w.t.Helper()
	linked, err := w.keeper.OpenLink(w.t.Context(), token)
	require.NoError(w.t, err)
	return linked
}

func (w *world) use(token string) unsubscribes.Linked {
	w.t.Helper()
	linked, err := w.keeper.UseLink(w.t.Context(), token, models.ByLink, "192.0.2.7")
	require.NoError(w.t, err)
	return linked
}

// rows counts what is known of anybody.
func (w *world) rows() int {
	w.t.Helper()
	var n int
	require.NoError(w.t, w.db.Pool.QueryRow(w.t.Context(), `SELECT (SELECT count(*) FROM unsubscribes) + (SELECT count(*) FROM deliveries)`).Scan(&n))
	return n
}

func TestALinkUnsubscribesWhomItIsFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	linked := w.use(w.link(grace))
	require.Equal(t, unsubscribes.Linked{PersonID: w.ids[grace], Email: "grace@navy.example", Unsubscribed: true}, linked)
	said := w.of(grace)
	require.Len(t, said, 1)
	require.Equal(t, models.ByLink, said[0].Source)
	require.Equal(t, "192.0.2.7", said[0].Address)
	w.deliver()
	require.True(t, w.optedOut(w.record[grace], models.StandardOptOut))
}

func TestOpeningALinkChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	token := w.link(grace)
	for range 3 { // a mail scanner, and another one
		require.Equal(t, unsubscribes.Linked{PersonID: w.ids[grace], Email: "grace@navy.example"}, w.open(token))
	}
	require.Zero(t, w.rows())
	require.True(t, w.may(who.Ref{PersonID: w.ids[grace]}).Allowed)
	w.use(token)
	require.True(t, w.open(token).Unsubscribed, "afterwards it says that it is done")
}

func TestALinkUsedTwiceIsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	token := w.link(grace)
	require.Equal(t, w.use(token), w.use(token))
	require.Len(t, w.of(grace), 1)
	w.use(w.link(grace))
	require.Len(t, w.of(grace), 1, "nor does that of another email say more")
}

func TestALinkUsedByManyAtOnceIsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	token := w.link(grace)
	var group errgroup.Group
	for range 20 {
		group.Go(func() error {
			_, err := w.keeper.UseLink(t.Context(), token, models.ByOneClick, "")
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.Len(t, w.of(grace), 1)
	require.Equal(t, 2, w.rows(), "one word, and one push of it")
}

func TestALinkThatIsNotOursDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	token := w.link(grace)
	otherBox, err := crypt.New(bytes.Repeat([]byte{2}, crypt.KeySize))
	require.NoError(t, err)
	ourBox, err := crypt.New(bytes.Repeat([]byte{1}, crypt.KeySize))
	require.NoError(t, err)
	const says = `{"p":1001,"e":"ada@acme.example","u":4102444800}`
	encode := base64.RawURLEncoding.EncodeToString
	forged := map[string]string{
		"nothing":                    "",
		"a_number":                   "1001",
		"in_the_clear":               encode([]byte(says)),
		"with_another_key":           encode(otherBox.Seal(says, "unsubscribe link")),
		"sealed_for_another_purpose": encode(ourBox.Seal(says, "marketo client secret")),
		"that_is_no_link":            encode(ourBox.Seal("hello", "unsubscribe link")),
		"cut":                        token[:len(token)-2],
		"with_something_after_it":    token + "AA",
		"padded":                     token + "=",
		"in_small_letters":           strings.ToLower(token),
		"of_two":                     token + token,
	}
	for name, text := range forged {
		_, err := w.keeper.OpenLink(t.Context(), text)
		require.ErrorIs(t, err, unsubscribes.ErrLinkForged, name)
		linked, err := w.keeper.UseLink(t.Context(), text, models.ByLink, "")
		require.ErrorIs(t, err, unsubscribes.ErrLinkForged, name)
		require.Equal(t, unsubscribes.Linked{}, linked, "it tells nobody's address")
	}
	for at := range token { // any letter that is another
		altered := []byte(token)
		altered[at] = map[bool]byte{true: 'B', false: 'A'}[altered[at] == 'A']
		_, err := w.keeper.UseLink(t.Context(), string(altered), models.ByLink, "")
		require.ErrorIs(t, err, unsubscribes.ErrLinkForged, "letter %d", at)
	}
	require.Zero(t, w.rows())
}

func TestALinkExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	token := w.link(grace)
	w.clock.pass(400*24*time.Hour - time.Second)
	w.open(token)
	w.clock.pass(time.Second)
	for range 2 {
		linked, err := w.keeper.UseLink(t.Context(), token, models.ByLink, "")
		require.ErrorIs(t, err, unsubscribes.ErrLinkExpired)
		require.Equal(t, unsubscribes.Linked{}, linked)
	}
	require.Zero(t, w.rows())
}

func TestALinkTellsNothingToWhoReadsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	raw, err := base64.RawURLEncoding.DecodeString(w.link(grace))
	require.NoError(t, err)
	require.NotContains(t, string(raw), "navy")
	require.NotEqual(t, w.link(grace), w.link(grace))
}

func TestALinkOfSomebodySinceMergedWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	token := w.link(grace)
	w.leave(grace, "merged", fedor)
	require.False(t, w.open(token).Unsubscribed)
	require.True(t, w.use(token).Unsubscribed)
	require.Len(t, w.of(fedor), 1)
	require.True(t, w.open(token).Unsubscribed)
	w.deliver()
	require.True(t, w.optedOut(w.record[fedor], models.StandardOptOut))
}

func TestALinkOfSomebodyWithAnotherAddressByNowWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	token := w.link(grace)
	require.NoError(t, w.other.Change(w.ids[grace], map[string]string{"email": "hopper@fleet.example"}))
	w.arrive(grace)
	w.use(token)
	require.Equal(t, reasons{unsubscribes.UnsubscribedHere}, w.may(who.Ref{PersonID: w.ids[grace]}).Reasons)
	require.Contains(t, w.may(who.Ref{Email: "grace@navy.example"}).Reasons, unsubscribes.UnsubscribedHere, "whoever has that address now had the email")
	w.deliver()
	require.True(t, w.optedOut(w.record[grace], models.StandardOptOut))
}

func TestALinkOfSomebodyWhoLeftWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	token := w.link(grace)
	w.leave(grace, "owner_lost", "")
	w.use(token)
	require.Len(t, w.of(grace), 1)
}

func TestALinkThatOnlyHasAnAddressIsForEverybodyWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	token, err := w.keeper.NewLink(0, "ada@acme.example")
	require.NoError(t, err)
	require.Equal(t, "ada@acme.example", w.open(token).Email)
	w.use(token)
	require.Len(t, w.of(ada), 1)
	require.Len(t, w.of(king), 1)
}

func TestALinkOfOneWhoSharesAnAddressIsNotUsedUpByTheOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.use(w.link(king))
	w.use(w.link(ada))
	w.deliver()
	require.True(t, w.optedOut(w.record[ada], models.StandardOptOut))
	require.True(t, w.optedOut(w.record[king], models.StandardOptOut))
}

func TestALinkWhoseAddressIsNoneWorksForThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	token, err := w.keeper.NewLink(w.ids[grace], "grace at navy")
	require.NoError(t, err)
	w.use(token)
	require.Len(t, w.of(grace), 1)
}

func TestALinkUsedAfterItWasUndoneHoldsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	token := w.link(grace)
	w.use(token)
	require.NoError(t, w.keeper.Clear(t.Context(), w.of(grace)[0].ID, "user:admin@example.com"))
	require.False(t, w.open(token).Unsubscribed)
	w.use(token)
	require.Len(t, w.of(grace), 2, "the history keeps both")
	require.Nil(t, w.of(grace)[0].ClearedAt)
}
