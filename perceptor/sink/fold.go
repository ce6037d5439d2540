package sink

import "github.com/skein-io/skein/perceptor/change"

// Folder finds the changes of a batch that have to be written: of each row the newest. The zero Folder is ready. It is
// used again for the next batch, and not by two goroutines at once.
type Folder struct {
	newest map[string]int
	keep   []int
}

// Fold returns the indexes of the changes to write, in the order in which their rows first occur. key appends what names
// a change's row to dst, and returns it. Of the others Fold fills the outcome: Folded, or Duplicate if it is the very
// change that is kept. Changes whose outcome has an Err already are left out.
//
// The result is valid until the next Fold.
func (f *Folder) Fold(changes []*change.Change, outcomes []Outcome, key func(dst []byte, c *change.Change) []byte) []int {
	if f.newest == nil {
		f.newest = make(map[string]int, len(changes))
	}
	clear(f.newest)
	f.keep = f.keep[:0]
	var name []byte
	for i, c := range changes {
		if outcomes[i].Err != nil {
			continue
		}
		name = key(name[:0], c)
		slot, seen := f.newest[string(name)]
		if !seen {
			f.newest[string(name)] = len(f.keep)
			f.keep = append(f.keep, i)
			continue
		}
		kept := f.keep[slot]
		switch order := c.Version.Compare(changes[kept].Version); {
		case order == 0:
			outcomes[i] = Outcome{Verdict: change.Duplicate, Stored: c.Version}
		case order < 0:
			outcomes[i] = Outcome{Verdict: change.Folded, Stored: changes[kept].Version}
		default:
			outcomes[kept] = Outcome{Verdict: change.Folded, Stored: c.Version}
			f.keep[slot] = i
		}
	}
	return f.keep
}
