package herd

import (
	"maps"
	"slices"

	"github.com/skein-io/skein/internal/herd/measure"
	"github.com/skein-io/skein/internal/oldconsumer"
)

func sortedNames(members map[string]*process) []string { return slices.Sorted(maps.Keys(members)) }

// Event is what a happening counts as; ok is false for one that is not measured. member is the number of its member.
func (h Happening) Event(member int) (e measure.Event, ok bool) {
	e = measure.Event{At: h.At, Member: member}
	switch h.Kind {
	case Asked:
		e.Kind = measure.Asked
	case Notified:
		e.Kind = measure.Notified
	case Noted:
		e.Partition, e.Offset, e.End = h.Note.Partition, h.Note.Offset, h.Note.End
		switch h.Note.Kind {
		case oldconsumer.Started:
			e.Kind = measure.Started
		case oldconsumer.Stopped:
			e.Kind = measure.Stopped
		case oldconsumer.Read:
			e.Kind = measure.Read
		case oldconsumer.Collided:
			e.Kind = measure.Collided
		case oldconsumer.GaveUp:
			e.Kind = measure.Failed
		default:
			return e, false
		}
	default:
		return e, false
	}
	return e, true
}
