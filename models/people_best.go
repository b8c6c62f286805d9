package models

import (
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// A search in the order of names shows those first whose name begins with what was
// typed, then all others: they are what people look for, and they stand together
// in the order's index. Found among all matches they would cost a look at each of
// them, since they stand close together and far from the beginning.

// bestFirst says that a list is such a search.
func (l *peopleList) bestFirst() bool {
	return l.query.Sort == SortByName && !l.query.Desc && Fold(l.query.Text) != ""
}

// readBest reads a page of both parts.
func (l *peopleList) readBest(db *gorm.DB, total *Total) ([]peopleRow, error) {
	everybody, err := countPeople(db, l.query.Archived)
	if err == nil {
		*total, err = l.estimate(db, l.matching())
	}
	if err != nil {
		return nil, err
	}
	parts := []*peopleList{l.part(true), l.part(false)}
	if l.backward {
		slices.Reverse(parts)
	}
	if l.after != nil && strings.HasPrefix(l.after[0], Fold(l.query.Text)) == l.backward {
		parts = parts[1:] // the cursor stands in the part that is read last
	}
	var rows []peopleRow
	for i, part := range parts {
		if i > 0 {
			part.after = nil // from this part's own beginning, or end
		}
		part.query.Limit = l.query.Limit - len(rows)
		matching := *total
		if len(part.scope) > len(l.scope) && len(part.filter) > 0 { // few of all who match
			if matching, err = part.estimate(db, part.matching()); err != nil {
				return nil, err
			}
		}
		more, err := part.page(db, matching, everybody)
		if err != nil {
			return nil, err
		}
		if rows = append(rows, more...); len(rows) > l.query.Limit {
			break
		}
	}
	if l.query.Cursor == "" && len(rows) <= l.query.Limit {
		*total = Total{N: int64(len(rows)), Exact: true}
	}
	total.N = max(total.N, int64(len(rows)))
	return rows, nil
}

// part is the list of those whose name begins with what was typed, or of the others.
func (l *peopleList) part(first bool) *peopleList {
	part := *l
	part.args = maps.Clone(l.args)
	part.args["begin"], part.args["end"] = Fold(l.query.Text), Fold(l.query.Text)+"\U0010FFFF"
	const begins = "name_key >= @begin AND name_key < @end"
	if !first {
		part.filter = append(slices.Clone(l.filter), "NOT ("+begins+")")
		return &part
	}
	part.query.Text = ""
	part.conditions()
	part.scope = append(part.scope, begins)
	return &part
}
