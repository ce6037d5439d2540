package hbase

import (
	"bytes"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
)

// Adopted is what Adopt found and did.
type Adopted struct {
	// Rows that were looked at.
	Rows int64
	// Times and Offsets say how many of them had which form. Offsets only of rows whose time was read.
	Times, Offsets map[Form]int64
	// Adopted rows were rewritten, or would be if it were no dry run. Ours needed nothing; without an execute time are Unversioned;
	// Failed could not be adopted and are as they were.
	Adopted, Ours, Unversioned, Failed int64
	// Oldest and Newest are the bounds of the execute times that were read, in milliseconds since 1970; both 0 if none was. Ahead is
	// how many of them are later than the clock: with the source's own epoch no change of these rows is newer before that time.
	Oldest, Newest, Ahead int64
	// Examples are the first of those that were adopted, or would be, of each form.
	Examples []AdoptExample
	// Changed counts how often a row was written by somebody else between the look and the write. It was looked at again.
	Changed int64
	// Left are the first of those that failed.
	Left []Left
	// Next is where to go on after an error, nil when all is done.
	Next []byte
}

// AdoptExample is a row as it was, and the version that it gets.
type AdoptExample struct {
	Key []byte
	// Form is that of the time. Time and Offset are the bytes that were there; nil is no such cell.
	Form         Form
	Time, Offset []byte
	Version      change.Version
}

// Left is a row that was not adopted.
type Left struct {
	Key []byte
	Err error
}

// show notes what was read of a row that is adopted.
func (a *adopter) show(row *client.Row, found *adoption, now int64) {
	at := found.version.ExecuteTime
	if a.dated++; a.dated == 1 {
		a.done.Oldest, a.done.Newest = at, at
	}
	a.done.Oldest, a.done.Newest = min(a.done.Oldest, at), max(a.done.Newest, at)
	if at > now {
		a.done.Ahead++
	}
	if a.shown[found.time] >= a.options.ExamplesMax {
		return
	}
	a.shown[found.time]++
	value := func(family, qualifier []byte) []byte {
		if c := row.Value(family, qualifier); c != nil {
			return append([]byte{}, c.Value...)
		}
		return nil
	}
	a.done.Examples = append(a.done.Examples, AdoptExample{
		Key: bytes.Clone(row.Key), Form: found.time, Time: value(updateInfo, columnExecuteTime),
		Offset: value([]byte(a.options.Offset.Family), []byte(a.options.Offset.Qualifier)), Version: found.version,
	})
}

func (a *adopter) leave(key []byte, err error) {
	a.done.Failed++
	if len(a.done.Left) < a.options.LeftMax {
		a.done.Left = append(a.done.Left, Left{Key: bytes.Clone(key), Err: err})
	}
}
