package change

// Verdict is what a sink does with a change, and why.
type Verdict uint8

const (
	// Absent: the row has no version yet. Put.
	Absent Verdict = iota + 1
	// Newer: the change is newer than what is stored. Put.
	Newer
	// Duplicate: it is the change that is stored. Discard.
	Duplicate
	// Stale: what is stored is newer. Discard.
	Stale
	// ClockBack: in the same epoch the change comes later in the binlog than what is stored and carries an older time: the
	// server's clock was set back, or a statement waited, and whoever wrote the topic did not correct it. By the rule the
	// time decides. Discard, but somebody should look.
	ClockBack
	// Folded: a newer change of the same row was in the same batch, so this one was not written. Discard.
	Folded
)

// Puts reports whether the change is written.
func (v Verdict) Puts() bool { return v == Absent || v == Newer }

// Verdicts are all of them.
var Verdicts = []Verdict{Absent, Newer, Duplicate, Stale, ClockBack, Folded}

func (v Verdict) String() string {
	switch v {
	case Absent:
		return "new"
	case Newer:
		return "newer"
	case Duplicate:
		return "duplicate"
	case Stale:
		return "stale"
	case ClockBack:
		return "clock back"
	case Folded:
		return "folded"
	}
	return "no verdict"
}

// Judge is the rule. stored is the row's version, if it exists. Every sink decides as this function does; those whose
// server compares by itself are tested against it.
func Judge(stored Version, exists bool, v Version) Verdict {
	if !exists {
		return Absent
	}
	switch order := v.Compare(stored); {
	case order > 0:
		return Newer
	case order == 0:
		return Duplicate
	case v.Epoch == stored.Epoch && v.ExecuteTime < stored.ExecuteTime && v.Position.Compare(stored.Position) > 0:
		return ClockBack
	}
	return Stale
}
