// Package world makes the people of the sandboxes: deterministic from a seed, in
// several languages and scripts, with the oddities of real data.
package world

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Field is an index into a person's values.
type Field int

// The fields of a person, as far as the sandboxes hold them.
const (
	FirstName Field = iota
	LastName
	Email
	Company
	Title
	Phone
	LinkedIn
	Source
	ContactID
	LeadID
	AccountID
	OpportunityID
	OwnerID
	Type
	Unsubscribed
	Note // a custom field
	FieldCount
)

// Person is somebody in the world. An empty value is no value.
type Person struct {
	ID      int64
	Created time.Time
	Updated time.Time
	Values  [FieldCount]string
}

// Config says how many people, and which.
type Config struct {
	People int
	Seed   int64
	Now    time.Time // people were created in the years before
}

// FirstID is the id of the first person; the named cast comes first.
const FirstID = 1001

// People yields people in the order of their ids, which is also that of their creation.
func People(cfg Config) iter.Seq[Person] {
	return func(yield func(Person) bool) {
		random := rand.New(rand.NewPCG(uint64(cfg.Seed), 7))
		id := int64(FirstID)
		for n := range cfg.People {
			p := Person{ID: id, Created: created(cfg, n)}
			p.Updated = p.Created
			if n < len(cast) {
				p.Values = cast[n]
			} else {
				fill(&p, random, n)
			}
			if !yield(p) {
				return
			}
			id++
			if random.IntN(40) == 0 { // somebody was deleted here
				id += int64(random.IntN(30))
			}
		}
	}
}

// created spreads people over six years, ever denser, after years with nobody.
func created(cfg Config, n int) time.Time {
	const span = 6 * 365 * 24 * time.Hour
	share := float64(n) / float64(max(cfg.People, 1))
	age := time.Duration((1 - share) * (1 - share) * float64(span))
	return cfg.Now.Add(-age - 2*time.Hour).UTC().Truncate(time.Second)
}

func fill(p *Person, random *rand.Rand, n int) {
	pick := func(list []string) string { return list[random.IntN(len(list))] }
	language := languages[random.IntN(len(languages))]
	v := &p.Values
	v[FirstName], v[LastName] = pick(language.first), pick(language.last)
	v[Company] = pick(companyNames) + " " + pick(companyKinds)
	v[Title], v[Source], v[Phone] = pick(titles), pick(sources), fmt.Sprintf("+1 555 %07d", n)
	v[Email] = "p" + strconv.Itoa(n) + "@" + pick(domains)
	account := random.IntN(20_000)
	if random.IntN(100) < 60 {
		v[Type], v[ContactID], v[AccountID] = "Contact", SalesforceID("003", p.ID), SalesforceID("001", int64(account))
	} else {
		v[Type], v[LeadID] = "Lead", SalesforceID("00Q", p.ID)
	}
	if random.IntN(100) < 80 {
		v[OwnerID] = OwnerIDs[random.IntN(len(OwnerIDs))]
	}
	if random.IntN(100) < 30 {
		v[LinkedIn] = "https://www.linkedin.com/in/p" + strconv.Itoa(n)
	}
	if v[ContactID] != "" && random.IntN(100) < 10 {
		v[OpportunityID] = SalesforceID("006", p.ID)
	}
	if random.IntN(100) < 3 {
		v[Unsubscribed] = "true"
	}
	oddities(v, random, n)
}

// oddities are what real data holds.
func oddities(v *[FieldCount]string, random *rand.Rand, n int) {
	switch random.IntN(60) {
	case 0:
		v[Email] = fmt.Sprintf("shared%d@example.com", n/500) // several people, one address
	case 1:
		v[Company] = "Weird, \"Quoted\" & Sons"
	case 2:
		v[Title] = "Head of\r\nEverything"
	case 3:
		v[Title] = "Line one\nline two"
	case 4:
		v[FirstName] = ""
	case 5:
		v[Email], v[Phone] = "", ""
	case 6:
		v[Company] = "  Spaces Inc.  "
	case 7:
		v[LastName] = "Zoe\u0308\u0301" // marks that combine
	case 8:
		v[Phone] = "\"; DROP TABLE people; --"
	case 9:
		v[Title] = "=HYPERLINK(\"http://example.com\")"
	case 10:
		v[Company], v[Title] = "", ""
	}
}

// OwnerIDs are the Salesforce users who own people.
var OwnerIDs = func() []string {
	ids := make([]string, 40)
	for i := range ids {
		ids[i] = SalesforceID("005", int64(i+1))
	}
	return ids
}()

// SalesforceID makes an 18-character id with its check letters.
func SalesforceID(prefix string, n int64) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	digits := strings.ToUpper(strconv.FormatInt(n, 36))
	short := prefix + "5g" + strings.Repeat("0", 10-len(digits)) + digits
	var check [3]byte
	for group := range check {
		bits := 0
		for i := range 5 {
			if c := short[group*5+i]; c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		check[group] = letters[bits]
	}
	return short + string(check[:])
}
