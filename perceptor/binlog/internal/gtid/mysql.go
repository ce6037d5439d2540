package gtid

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Set is what was committed of MySQL: numbers of each server and tag. The zero Set is empty.
type Set struct{ sources []source }

// Source is a server's UUID, and a tag, which is empty but in MySQL 8.3 and later.
type Source struct {
	UUID [16]byte
	Tag  string
}

func (s Source) compare(t Source) int {
	return cmp.Or(bytes.Compare(s.UUID[:], t.UUID[:]), cmp.Compare(s.Tag, t.Tag))
}

// String is the UUID with dashes, then the tag.
func (s Source) String() string {
	h := hex.EncodeToString(s.UUID[:])
	text := h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	if s.Tag != "" {
		text += ":" + s.Tag
	}
	return text
}

type source struct {
	Source
	// intervals are in order and do not touch.
	intervals []interval
}

// interval has first in it, and not end.
type interval struct{ first, end uint64 }

// numberMax is MySQL's last number.
const numberMax = math.MaxInt64 - 1

// Contains reports whether all of t is in s.
func (s *Set) Contains(t *Set) bool {
	for _, want := range t.sources {
		at, there := slices.BinarySearchFunc(s.sources, want.Source, func(have source, of Source) int { return have.compare(of) })
		for _, w := range want.intervals {
			if !there || !slices.ContainsFunc(s.sources[at].intervals, func(h interval) bool { return h.first <= w.first && w.end <= h.end }) {
				return false
			}
		}
	}
	return true
}

// Add says that a transaction was committed.
func (s *Set) Add(of Source, number uint64) error { return s.AddRange(of, number, number) }

// AddRange says that all of first to last were.
func (s *Set) AddRange(of Source, first, last uint64) error {
	if first < 1 || last < first || last > numberMax {
		return fmt.Errorf("GTIDs %s:%d-%d: numbers count from 1 to %d", of, first, last, uint64(numberMax))
	}
	at, there := slices.BinarySearchFunc(s.sources, of, func(have source, of Source) int { return have.compare(of) })
	if !there {
		s.sources = slices.Insert(s.sources, at, source{Source: of})
	}
	s.sources[at].add(interval{first, last + 1})
	return nil
}

func (s *source) add(n interval) {
	// from is the first one that n touches or that comes after it, to the first that comes after it and does not touch.
	from, _ := slices.BinarySearchFunc(s.intervals, n.first, func(have interval, first uint64) int { return cmp.Compare(have.end, first) })
	to := from
	for to < len(s.intervals) && s.intervals[to].first <= n.end {
		n.first, n.end = min(n.first, s.intervals[to].first), max(n.end, s.intervals[to].end)
		to++
	}
	s.intervals = slices.Replace(s.intervals, from, to, n)
}

// String is uuid:1-5:7,uuid:tag:1, as MySQL writes it.
func (s *Set) String() string {
	var b strings.Builder
	for i := range s.sources {
		src := &s.sources[i]
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(src.String())
		for _, n := range src.intervals {
			b.WriteByte(':')
			b.WriteString(strconv.FormatUint(n.first, 10))
			if n.end > n.first+1 {
				b.WriteByte('-')
				b.WriteString(strconv.FormatUint(n.end-1, 10))
			}
		}
	}
	return b.String()
}

// ParseSet reads what String writes, and what MySQL shows: spaces and line ends may be in it, and a tag may follow
// numbers without the UUID again.
func ParseSet(text string) (Set, error) {
	var s Set
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if len(s.sources) > entriesMax {
			return Set{}, fmt.Errorf("a GTID set of more than %d servers", entriesMax)
		}
		if err := s.parseSource(part); err != nil {
			return Set{}, err
		}
	}
	return s, nil
}

func (s *Set) parseSource(part string) error {
	broken := fmt.Errorf("%q is no GTID set of MySQL: uuid:first-last is", part)
	id, rest, ok := strings.Cut(part, ":")
	var of Source
	uuid, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if !ok || err != nil || len(uuid) != len(of.UUID) {
		return broken
	}
	copy(of.UUID[:], uuid)
	for field := range strings.SplitSeq(rest, ":") {
		field = strings.TrimSpace(field)
		first, last, isRange := strings.Cut(field, "-")
		from, err := strconv.ParseUint(first, 10, 64)
		if err != nil {
			if !isTag(field) {
				return broken
			}
			of.Tag = strings.ToLower(field)
			continue
		}
		to := from
		if isRange {
			if to, err = strconv.ParseUint(last, 10, 64); err != nil {
				return broken
			}
		}
		if err := s.AddRange(of, from, to); err != nil {
			return err
		}
	}
	return nil
}

func isTag(text string) bool {
	if text == "" || len(text) > 32 {
		return false
	}
	for i := range len(text) {
		c := text[i] | 0x20
		if !(c >= 'a' && c <= 'z' || text[i] == '_' || i > 0 && text[i] >= '0' && text[i] <= '9') {
			return false
		}
	}
	return true
}

// Encode makes what COM_BINLOG_DUMP_GTID takes: the format of an event of previous GTIDs.
//
//	n 8 | n times: uuid 16 | m 8 | m times: first 8 | end 8
//
// With a tag anywhere, n is 1 | n 6 | 1, and the tag follows the uuid, its length in front.
func (s *Set) Encode() []byte {
	tagged := slices.ContainsFunc(s.sources, func(src source) bool { return src.Tag != "" })
	n := uint64(len(s.sources))
	if tagged {
		n = 1<<56 | n<<8 | 1
	}
	b := binary.LittleEndian.AppendUint64(nil, n)
	for i := range s.sources {
		src := &s.sources[i]
		b = append(b, src.UUID[:]...)
		if tagged {
			b = append(append(b, byte(len(src.Tag)<<1)), src.Tag...)
		}
		b = binary.LittleEndian.AppendUint64(b, uint64(len(src.intervals)))
		for _, n := range src.intervals {
			b = binary.LittleEndian.AppendUint64(b, n.first)
			b = binary.LittleEndian.AppendUint64(b, n.end)
		}
	}
	return b
}
