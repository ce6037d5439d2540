package schema

import (
	"slices"
	"sort"

	"github.com/skein-io/skein/perceptor/change"
)

// Bounds of what is known of one table. What is older is forgotten: it is decided again if it is asked for.
const (
	erasMax      = 32
	decisionsMax = 64
	sincesMax    = 32
)

// state is what is known of one table. The statements that changed what its columns are divide the binlog into eras; within one
// of them a map means one table.
type state struct {
	name Name
	eras []era // the oldest first
	// cut: there were older eras.
	cut       bool
	decisions []*decision
	used      uint64 // when it was asked for last, as a count
}

// era begins behind a statement.
type era struct {
	since Place
	ddl   string
	facts facts
}

// decision is what a map was decided to mean.
type decision struct {
	table     *change.Table
	of        string // the map's signature
	signature string // the table's
	from      string // how it was decided
	ddl       string // the statement before it, empty if it is not known
	since     []Place
}

// at finds the era of a place: its index, -1 for what is before the first one.
func (s *state) at(p Place) int {
	return sort.Search(len(s.eras), func(i int) bool { return s.eras[i].since.Compare(p) > 0 }) - 1
}

// decided finds what a map was decided to mean in the era of a place.
func (s *state) decided(of string, p Place) *decision {
	return s.newest(p, func(d *decision) bool { return d.of == of })
}

// newest finds the decision, of those that are asked for, that was made last in the era and not behind the place. What was decided
// behind it is no answer: nobody knows whether a statement between them was read.
func (s *state) newest(p Place, asked func(*decision) bool) (best *decision) {
	era := s.at(p)
	if era < 0 && s.cut {
		return nil // of several eras
	}
	var at Place
	for _, d := range s.decisions {
		if !asked(d) {
			continue
		}
		for _, q := range d.since {
			if s.at(q) == era && q.Compare(p) <= 0 && (best == nil || q.Compare(at) >= 0) {
				best, at = d, q
			}
		}
	}
	return best
}

// known is what is known of the columns at a place: what was decided in its era, else what statements tell.
func (s *state) known(p Place) (f facts, ddl string) {
	i := s.at(p)
	if i >= 0 {
		f, ddl = s.eras[i].facts, s.eras[i].ddl
	}
	if d := s.newest(p, func(*decision) bool { return true }); d != nil {
		f = factsOf(d.table)
	}
	return f, ddl
}

// decide notes what a map means from a place on.
func (s *state) decide(d *decision, p Place) *decision {
	for _, known := range s.decisions {
		if known.of == d.of && known.signature == d.signature {
			known.since = insert(known.since, p)
			known.from, known.ddl = d.from, d.ddl
			return known
		}
	}
	d.since = insert(d.since, p)
	if len(s.decisions) >= decisionsMax {
		s.decisions = slices.Delete(s.decisions, 0, 1)
	}
	s.decisions = append(s.decisions, d)
	return d
}

func insert(places []Place, p Place) []Place {
	i, found := slices.BinarySearchFunc(places, p, Place.Compare)
	if found {
		return places
	}
	places = slices.Insert(slices.Clone(places), i, p)
	return places[max(0, len(places)-sincesMax):]
}

// begins notes that an era begins. It is false if that is known already.
func (s *state) begins(e era) bool {
	i, found := slices.BinarySearchFunc(s.eras, e.since, func(known era, p Place) int { return known.since.Compare(p) })
	if found {
		return false
	}
	s.eras = slices.Insert(s.eras, i, e)
	if n := len(s.eras) - erasMax; n > 0 {
		s.eras, s.cut = slices.Delete(s.eras, 0, n), true
	}
	return true
}

// forget drops what was noted in epochs before that one behind a place: the source goes on from there on another server, and
// tells it again.
func (s *state) forget(epoch uint32, behind Place) {
	beyond := func(p Place) bool { return p.Epoch < epoch && p.Compare(behind) > 0 }
	s.eras = slices.DeleteFunc(s.eras, func(e era) bool { return beyond(e.since) })
	for _, d := range s.decisions {
		d.since = slices.DeleteFunc(d.since, beyond)
	}
	s.decisions = slices.DeleteFunc(s.decisions, func(d *decision) bool { return len(d.since) == 0 })
}

// latest is the table as it was decided last.
func (s *state) latest() *change.Table {
	var best *decision
	var at Place
	for _, d := range s.decisions {
		if p := d.since[len(d.since)-1]; best == nil || p.Compare(at) >= 0 {
			best, at = d, p
		}
	}
	if best == nil {
		return nil
	}
	return best.table
}
