// Package ui has the small components that pages are made of.
package ui

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Tone is what a colour means; a word or a mark always stands beside it.
type Tone string

// The tones.
const (
	Neutral Tone = ""
	Good    Tone = "tone-good"
	Waiting Tone = "tone-waiting"
	Warning Tone = "tone-warning"
	Bad     Tone = "tone-bad"
)

// FieldProps are a labelled text field of a form.
type FieldProps struct {
	Name, Label, Value string
	Type               string // default "text"
	Hint, Wrong        string
	Placeholder        string
	Autocomplete       string
	Required           bool
	Focus              bool // the cursor starts here
}

func (p FieldProps) kind() string {
	if p.Type == "" {
		return "text"
	}
	return p.Type
}

// describedBy names what explains the field to a screen reader.
func (p FieldProps) describedBy() string {
	var ids []string
	if p.Hint != "" {
		ids = append(ids, p.Name+"-hint")
	}
	if p.Wrong != "" {
		ids = append(ids, p.Name+"-wrong")
	}
	return strings.Join(ids, " ")
}

// Option is a choice of a select or of radio buttons.
type Option struct {
	Value, Label, Hint string
	Chosen             bool
}

// Spark returns the points of a line over values in a box of 300 by 56, and the
// same as an area.
func Spark(values []float64) (line, area string) {
	const width, height = 300.0, 52.0
	top := 1.0
	for _, v := range values {
		top = max(top, v)
	}
	points := make([]string, len(values))
	for i, v := range values {
		x := width * float64(i) / float64(max(len(values)-1, 1))
		points[i] = number(x) + "," + number(2+height*(1-v/top))
	}
	line = strings.Join(points, " ")
	return line, "0,56 " + line + " " + number(width) + ",56"
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

type nowKey struct{}

// WithNow says what time it is for all that is rendered with the context.
func WithNow(ctx context.Context, now time.Time) context.Context {
	return context.WithValue(ctx, nowKey{}, now)
}

// inWords writes a time relative to the context's, or in full where that has none.
func inWords(ctx context.Context, at time.Time, words func(at, now time.Time) string) string {
	now, ok := ctx.Value(nowKey{}).(time.Time)
	if !ok {
		return at.UTC().Format("2 Jan 2006, 15:04 UTC")
	}
	return words(at, now)
}

// Ago writes a time in words, as it was when the page was made.
func Ago(at, now time.Time) string {
	d := now.Sub(at)
	word := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit + " ago"
		}
		return strconv.Itoa(n) + " " + unit + "s ago"
	}
	switch {
	case d < 0:
		return "in " + strings.TrimSuffix(Ago(now.Add(d), now), " ago")
	case d < time.Minute:
		return word(int(d/time.Second), "second")
	case d < time.Hour:
		return word(int(d/time.Minute), "minute")
	case d < 24*time.Hour:
		return word(int(d/time.Hour), "hour")
	default:
		return word(int(d/(24*time.Hour)), "day")
	}
}

// ShortAgo is Ago in few letters, as browsers write it: "5m ago".
func ShortAgo(at, now time.Time) string {
	words := strings.Fields(Ago(at, now))
	for i := 0; i+1 < len(words); i++ {
		if words[i][0] >= '0' && words[i][0] <= '9' {
			words[i] += words[i+1][:1]
			words = append(words[:i+1], words[i+2:]...)
		}
	}
	return strings.Join(words, " ")
}

// noticeRole: bad news interrupts a screen reader, other news waits.
func noticeRole(tone Tone) string {
	if tone == Bad {
		return "alert"
	}
	return "status"
}
