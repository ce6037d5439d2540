package binlog

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/skein-io/skein/perceptor/binlog/internal/gtid"
)

// ErrPassed: something behind the place that was to be marked is told already.
var ErrPassed = errors.New("binlog: the place has been passed")

// mark is a place that the caller waits for.
type mark struct {
	at   filePlace
	gtid string // what is committed up to there, as committed writes it; empty if that is not known
}

// filePlace is a place in a server's files. The zero filePlace is before all.
type filePlace struct {
	file   uint32
	offset uint64
}

func (p filePlace) compare(q filePlace) int {
	return cmp.Or(cmp.Compare(p.file, q.file), cmp.Compare(p.offset, q.offset))
}

// Mark lets Next return one Marked event as soon as everything in front of a place has been told, and nothing behind it. The place has to
// be between two transactions of the server that is read, and the same server has to have told it: its file and offset, and its
// GTID if it is known. Another Mark replaces it. It must be called where Position is, between two transactions.
//
// ErrPassed: a server shows a transaction in its binlog a moment before other connections see it, so a place that one of them was told
// may lie in front of what Next has returned.
func (r *Reader) Mark(p Position) error {
	r.mark = nil
	n, err := FileNumber(p.File)
	if err != nil {
		return err
	}
	if p.Server != r.resume.Server {
		return fmt.Errorf("%w: the place %s is of server %s, and %s is read", ErrOtherServer, p, p.Server, r.resume.Server)
	}
	if r.tx.open || r.tx.told > 0 {
		return errors.New("binlog: a place was to be marked within a transaction")
	}
	m := &mark{at: filePlace{n, p.Offset}}
	if r.gtids && p.GTID != "" {
		passed := false
		if m.gtid, passed, err = r.canonical(p.GTID); err != nil {
			return fmt.Errorf("binlog: the place %s: %w", p, err)
		}
		if passed {
			return fmt.Errorf("%w: %s, and %s was told", ErrPassed, p, r.committed())
		}
	}
	if m.gtid != r.committed() || !r.gtids {
		if r.told.compare(m.at) > 0 {
			return fmt.Errorf("%w: %s, and what ends at %d:%d was told", ErrPassed, p, r.told.file, r.told.offset)
		}
	}
	r.mark = m
	return nil
}

// canonical writes what is committed as committed does. passed: something was told that is not in it.
func (r *Reader) canonical(text string) (canonical string, passed bool, err error) {
	if r.about.flavor == mariaDB {
		m, err := gtid.ParseMaria(text)
		if err != nil {
			return "", false, err
		}
		missing, err := r.maria.Missing(text)
		return m.String(), missing != "", err
	}
	s, err := gtid.ParseSet(text)
	return s.String(), !s.Contains(&r.mysql), err
}

// marked reports whether the mark is reached.
func (r *Reader) marked() bool {
	m := r.mark
	if m == nil || r.tx.open || r.tx.told > 0 || r.payload != nil || r.image.more() {
		return false
	}
	reached := m.gtid != "" && r.gtids && m.gtid == r.committed() ||
		r.place.number > 0 && filePlace{r.place.number, r.place.end}.compare(m.at) >= 0
	if reached {
		r.mark = nil
	}
	return reached
}
