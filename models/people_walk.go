package models

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"gorm.io/gorm"
)

// Walking the order of a list fills a page with those who match a filter that many meet.
// People who follow each other in an order are anywhere in the table, so that reading
// them costs most. The more people a walk passes, the better it goes in stretches: the
// order's index alone tells where a stretch ends, and PostgreSQL then reads only those
// people whom the filter's index and this stretch of the order's index both name.

const (
	// walkRows is how many people a walk passes before it gives up: then the matches
	// stand close together far from the beginning.
	walkRows = 15_000
	// stretchMatches is for how many matches a stretch is long enough at least, and
	// stretchSlack how much longer it is, because matches stand in clusters.
	stretchMatches = 51
	stretchSlack   = 1.5
	// stretchGrowth is how much longer each stretch is than the one before.
	stretchGrowth = 3
	// personCost is what reading a person costs, in entries of an index; measured.
	personCost = 7
	// stretchCost is what a stretch costs besides its entries and those of the filter.
	stretchCost = 1000
)

// walk follows the order until it has a page, or gives up. The totals are how many match
// and how many people there are.
func (l *peopleList) walk(db *gorm.DB, matching, everybody Total) ([]peopleRow, error) {
	if len(l.scope) > 1 {
		var err error
		if everybody, err = l.estimate(db, strings.Join(l.scope, " AND ")); err != nil {
			return nil, err
		}
	}
	apart := max(float64(everybody.N)/float64(max(matching.N, 1)), 1) // the next match is so far away
	passing := apart * float64(l.query.Limit+1)
	length := stretchSlack * apart * float64(max(l.query.Limit+1, stretchMatches))
	// The order's index is read twice: for the end of a stretch and for what is in it.
	inStretches := float64(matching.N) + 2*length + stretchCost
	// People without an owner are neither before nor after any place in the order of owners.
	if l.query.Sort == SortByOwner || personCost*passing <= inStretches {
		return l.walkAlong(db)
	}
	return l.walkInStretches(db, int(length))
}

// walkInStretches reads one stretch after the other, the first of which has a length.
func (l *peopleList) walkInStretches(db *gorm.DB, length int) ([]peopleRow, error) {
	rest := *l
	rest.args = maps.Clone(l.args)
	var rows []peopleRow
	for passed := 0; passed < walkRows; length *= stretchGrowth {
		length = min(length, walkRows-passed)
		end, err := rest.endOfStretch(db, length)
		if err != nil {
			return nil, err
		}
		more, err := rest.stretch(db, end, l.query.Limit+1-len(rows))
		if err != nil {
			return nil, err
		}
		if rows = append(rows, more...); end == nil || len(rows) > l.query.Limit {
			break
		}
		rest.after, passed = end, passed+length
	}
	return rows, nil
}

// endOfStretch is the place of the last person of a stretch; nil where there are fewer.
func (l *peopleList) endOfStretch(db *gorm.DB, length int) ([]string, error) {
	l.args["before_last"] = length - 1
	var places []string
	err := l.raw(db, "SELECT "+l.place()+" FROM (SELECT "+strings.Join(l.columns, ", ")+" FROM "+l.ahead()+
		" OFFSET @before_last LIMIT 1) last").Scan(&places).Error
	if err != nil || len(places) == 0 {
		return nil, err
	}
	var place []string
	return place, json.Unmarshal([]byte(places[0]), &place)
}

// stretch reads those who match from the list's place up to an end; nil is the order's.
func (l *peopleList) stretch(db *gorm.DB, end []string, limit int) ([]peopleRow, error) {
	where := append([]string{l.matching()}, l.keyset()...)
	if end != nil {
		upTo := "<="
		if l.descending() {
			upTo = ">="
		}
		where = append(where, l.compare(upTo, "end", end))
	}
	return l.firstOf(db, "SELECT "+strings.Join(l.columns, ", ")+" FROM people WHERE "+strings.Join(where, " AND "), limit, nil, "")
}

// walkAlong reads the people on the way, and stops as soon as it has a page.
func (l *peopleList) walkAlong(db *gorm.DB) ([]peopleRow, error) {
	hits := fmt.Sprintf("SELECT %s FROM (SELECT * FROM %s LIMIT %d) walked WHERE %s%s LIMIT %d", strings.Join(l.columns, ", "),
		l.ahead(), walkRows, strings.Join(l.filter, " AND "), l.order(), l.query.Limit+1)
	return l.firstOf(db, hits, l.query.Limit+1, nil, "")
}
