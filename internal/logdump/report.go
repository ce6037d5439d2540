package logdump

import (
	"errors"
	"fmt"
	"io"

	"github.com/skein-io/skein/internal/record"
)

// ErrDamaged is wrapped by the error of Verify when a file is damaged.
var ErrDamaged = errors.New("damage was found")

// Class says what a problem means for the records.
type Class string

// The classes.
const (
	// Damaged: records are lost or cannot be trusted. Verify returns an error.
	Damaged Class = "damaged"
	// Derived: a file that is made from the log is wrong; lookups may go wrong, no record is lost. Verify returns an
	// error.
	Derived Class = "derived"
	// Torn: the log's last bytes were on their way when a broker died or while this was read. The broker cuts them when
	// it starts; nobody was told that they were stored. No error.
	Torn Class = "torn"
)

// Problem is one thing that is wrong.
type Problem struct {
	File     string        `json:"file"`
	Position int64         `json:"position"` // in the file, -1 where it concerns the whole
	Offset   record.Offset `json:"offset"`   // of the record that should be there, -1 where none is meant
	Class    Class         `json:"class"`
	What     string        `json:"what"`
	Remedy   string        `json:"remedy"`
}

// problemsMax bounds the list.
const problemsMax = 1000

// Report is what Verify has found.
type Report struct {
	Folders  int       `json:"folders"` // of partitions
	Files    int       `json:"files"`
	Batches  int64     `json:"batches"`
	Records  int64     `json:"records"` // as the batches state it, or with Deep as they were read
	Bytes    int64     `json:"bytes"`   // of batches
	Problems []Problem `json:"problems"`
	More     int64     `json:"more"` // problems beyond the first 1000
}

func (r *Report) add(p Problem) {
	if len(r.Problems) == problemsMax {
		r.More++
		return
	}
	r.Problems = append(r.Problems, p)
}

// err is nil when nothing but torn tails was found.
func (r *Report) err() error {
	wrong := r.More
	for _, p := range r.Problems {
		if p.Class != Torn {
			wrong++
		}
	}
	if wrong == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d problems in %d files", ErrDamaged, wrong, r.Files)
}

// Write prints the report: as text for people, or each problem and a summary as a JSON object a line.
func (r *Report) Write(w io.Writer, options Options) error {
	out := newPrinter(w, options)
	for _, p := range r.Problems {
		if err := out.problem(p); err != nil {
			return err
		}
	}
	if err := out.summary(r); err != nil {
		return err
	}
	return out.w.Flush()
}

func (p *printer) problem(what Problem) error {
	if p.json {
		line := appendJSON([]byte(`{"type":"problem",`), what)
		line = append(line[:len(`{"type":"problem",`)], line[len(`{"type":"problem",`)+1:]...) // its own brace
		_, err := p.w.Write(append(line, '\n'))
		return err
	}
	place := what.File
	if what.Position >= 0 {
		place += fmt.Sprintf(", position %d", what.Position)
	}
	if what.Offset >= 0 {
		place += fmt.Sprintf(", offset %d", what.Offset)
	}
	_, err := fmt.Fprintf(p.w, "%s: %s\n  %s\n  %s\n", what.Class, place, what.What, what.Remedy)
	return err
}

func (p *printer) summary(r *Report) error {
	s := row{kind: "summary"}
	s.add("folders", r.Folders)
	s.add("files", r.Files)
	s.add("batches", r.Batches)
	s.add("records", r.Records)
	s.add("bytes", r.Bytes)
	s.add("problems", int64(len(r.Problems))+r.More)
	return p.print(s)
}
