package live

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// changes counts what a hub heard of. A place in that count is a cursor, such as
// "1x5tqpmd7vkjb.42", which a page names when it follows its topics: what changed
// after the page was read and before it followed is told at once.
type changes struct {
	count  string           // its name: another replica's cursor, or one of before a restart, says nothing here
	heard  int64            // how many
	last   map[string]int64 // heard at the last change of each topic
	missed int64            // heard when some may have been missed, of any topic
}

func newChanges() changes {
	return changes{count: strconv.FormatUint(rand.Uint64(), 36), last: map[string]int64{}}
}

func (c *changes) note(topic string) {
	c.heard++
	c.last[topic] = c.heard
}

// noteMissed says that nobody knows what changed.
func (c *changes) noteMissed() {
	c.heard++
	c.missed = c.heard
}

func (c *changes) cursor() string { return c.count + "." + strconv.FormatInt(c.heard, 10) }

// since returns those of the topics that may have changed after the cursor: all of
// them where that cannot be known.
func (c *changes) since(cursor string, topics []string) []string {
	count, heard, _ := strings.Cut(cursor, ".")
	at, err := strconv.ParseInt(heard, 10, 64)
	if err != nil || count != c.count || at < c.missed {
		return topics
	}
	return slices.DeleteFunc(slices.Clone(topics), func(topic string) bool { return c.last[topic] <= at })
}
