package explain

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
)

// take looks whether a record is of the row.
func (r *reading) take(record consumer.Record) error {
	r.story.Read++
	if r.keys != nil && !slices.ContainsFunc(r.keys, func(k []byte) bool { return bytes.Equal(k, record.Key) }) {
		return nil
	}
	if record.Value == nil {
		if r.keys != nil {
			r.add(Step{Op: "tombstone"}, &record)
		}
		return nil
	}
	decoded, err := r.decode(&record)
	if err != nil {
		if r.keys == nil {
			r.facts.unread++
			return nil // of which row it is nobody knows
		}
		r.add(Step{Op: "unreadable", Note: err.Error()}, &record)
		return nil
	}
	for i, c := range decoded.Changes {
		if c.Op == change.Truncate {
			r.add(r.step(c), &record)
			continue
		}
		if !r.match.is(c.Table, c.Image()) {
			continue
		}
		s := r.step(c)
		s.Note = keyNote(&record, decoded.Changes, i)
		r.add(s, &record)
	}
	return nil
}

// step is what a change is after those before it.
func (r *reading) step(c *change.Change) Step {
	v := c.Version
	at := time.UnixMilli(v.ExecuteTime).UTC()
	s := Step{Op: c.Op.String(), Version: &v, VersionText: v.String(), ExecuteTime: &at, File: c.Origin.File, GTID: c.Origin.GTID}
	if c.Op == change.Truncate {
		return s
	}
	verdict := change.Judge(r.stored, r.exists, v)
	if verdict.Puts() {
		r.stored, r.exists = v, true
	}
	s.Rule = verdict.String()
	return s
}

// keyNote tells of a change of the row's key: two changes, of which this is one.
func keyNote(record *consumer.Record, changes []*change.Change, i int) string {
	if other, ok := record.Headers.Last(envelope.HeaderNewKey); ok {
		return fmt.Sprintf("the key became %s", other)
	}
	if other, ok := record.Headers.Last(envelope.HeaderOldKey); ok {
		return fmt.Sprintf("the key was %s", other)
	}
	if len(changes) > i+1 && changes[i].Op == change.Delete && changes[i+1].Op == change.Create && changes[i].Version == changes[i+1].Version {
		return "the key became " + changes[i+1].Table.KeyText(changes[i+1].Image())
	}
	if i > 0 && changes[i].Op == change.Create && changes[i-1].Op == change.Delete && changes[i].Version == changes[i-1].Version {
		return "the key was " + changes[i-1].Table.KeyText(changes[i-1].Image())
	}
	return ""
}

// add puts a step into the story, and the oldest of the last ones out of it if there are too many.
func (r *reading) add(s Step, record *consumer.Record) {
	s.Partition, s.Offset, s.Time = record.Partition, record.Offset, record.Timestamp.UTC()
	if r.story.Committed != nil {
		passed := s.Offset < r.story.Committed[s.Partition]
		s.Passed = &passed
	}
	r.facts.saw(&s, r.story.Sink)
	r.story.Changes++
	if s.Rule != "" {
		r.story.By[s.Rule]++
	}
	if len(r.story.First) < r.c.Keep {
		r.story.First = append(r.story.First, s)
		return
	}
	if r.ring = append(r.ring, s); len(r.ring) > r.c.Keep {
		r.ring = append(r.ring[:0], r.ring[1:]...)
		r.story.Between++
	}
}
