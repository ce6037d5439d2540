package rows_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/binlog/internal/rows"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/arena"
)

var update = flag.Bool("update", false, "write the golden files again")

// sizeMax is what the tests let an event decompress to.
const sizeMax = 1 << 20

// split takes a recorded file apart into its events.
func split(t testing.TB, name string) [][]byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var events [][]byte
	for b = b[4:]; len(b) > 0; {
		size := binary.LittleEndian.Uint32(b[9:])
		events = append(events, b[:size:size])
		b = b[size:]
	}
	return events
}

// stream reads events one after the other, as a reader does, and writes down what they say.
type stream struct {
	format event.Format
	tables map[uint64]*rows.Table
	arena  arena.Arena
	reader rows.Reader
	out    bytes.Buffer
	rows   int
}

func newStream() *stream { return &stream{tables: make(map[uint64]*rows.Table)} }

func (s *stream) read(b []byte) error {
	h, body, err := s.format.Open(b)
	if err != nil {
		return err
	}
	return s.event(h, body)
}

func (s *stream) event(h event.Header, body []byte) (err error) {
	if h.Type.IsRows() {
		return s.image(h, body)
	}
	switch h.Type {
	case event.FormatType:
		s.format, err = event.ParseFormat(h, body)
		fmt.Fprintf(&s.out, "format: checksums %v\n", s.format.Checksum)
	case event.RotateType:
		var r event.Rotate
		r, err = event.ParseRotate(h, body)
		fmt.Fprintf(&s.out, "rotate: at %d\n", r.Offset)
	case event.QueryType, event.QueryCompressedType:
		var q event.Query
		q, err = event.ParseQuery(h, body, sizeMax)
		fmt.Fprintf(&s.out, "query: database %q collation %d %.40q\n", q.Database, q.Collation, q.SQL)
	case event.MariaGTIDType:
		var g event.MariaGTID
		g, err = event.ParseMariaGTID(h, body)
		fmt.Fprintf(&s.out, "gtid: domain %d standalone %v\n", g.Domain, g.Standalone)
	case event.MariaGTIDListType:
		_, err = event.ParseMariaGTIDList(h, body)
	case event.GTIDType, event.TaggedGTIDType, event.AnonymousGTIDType:
		_, err = event.ParseGTID(h, body)
	case event.PreviousGTIDsType:
		_, err = event.ParsePreviousGTIDs(h, body)
	case event.AnnotateRowsType, event.RowsQueryType:
		fmt.Fprintf(&s.out, "statement: %.30q\n", event.Statement(h, body))
	case event.TableMapType:
		err = s.table(h, body)
	case event.PayloadType:
		err = s.payload(h, body)
	case event.XIDType:
		fmt.Fprintln(&s.out, "commit")
	}
	return err
}

// complete gives names to what has none, as a schema would.
func complete(t *change.Table) {
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Name == "" {
			c.Name = fmt.Sprintf("column%d", i+1)
		}
		if (c.Type == change.Enum || c.Type == change.Set) && c.Members == nil {
			c.Members = []string{"one", "two"}
		}
		switch c.Name {
		case "uu":
			c.Type = change.UUID
		case "i6":
			c.Type = change.INET6
		case "js":
			c.Type = change.JSONType
		}
	}
}

func (s *stream) table(h event.Header, body []byte) error {
	m, err := s.format.ParseTableMap(h, body)
	if err != nil {
		return err
	}
	schema, missing, err := rows.Describe(m)
	if err != nil {
		return err
	}
	complete(schema)
	t, err := rows.NewTable(m, schema)
	if err != nil {
		return err
	}
	fmt.Fprintf(&s.out, "table: %s key %v names told %v\n", schema, schema.Key, missing == "")
	for _, c := range schema.Columns {
		fmt.Fprintf(&s.out, "  %s %s unsigned=%v null=%v (%d,%d) %s %q\n", c.Name, c.Type, c.Unsigned, c.Nullable, c.Length, c.Scale, c.Charset, c.Members)
	}
	s.tables[m.ID] = t
	return nil
}

func (s *stream) image(h event.Header, body []byte) error {
	e, _, err := s.format.ParseRows(h, body, nil, sizeMax)
	if err != nil {
		return err
	}
	t := s.tables[e.TableID]
	if t == nil {
		return fmt.Errorf("no table %d", e.TableID)
	}
	if err := s.reader.Reset(t, e, &s.arena); err != nil {
		return err
	}
	for s.reader.More() {
		before, after, err := s.reader.Next()
		if err != nil {
			return err
		}
		s.rows++
		fmt.Fprintf(&s.out, "row of %s, action %d\n", t.Schema, e.Action)
		s.tell("before", t, before)
		s.tell("after", t, after)
	}
	return nil
}

func (s *stream) tell(what string, t *rows.Table, row change.Row) {
	for i, v := range row {
		if c := &t.Schema.Columns[i]; v.Kind != change.Missing {
			text := "NULL"
			if !v.IsNull() {
				text = fmt.Sprintf("%q", v.AppendText(nil, c.Scale))
			}
			fmt.Fprintf(&s.out, "  %s %s=%s\n", what, c.Name, text)
		}
	}
}

func (s *stream) payload(h event.Header, body []byte) error {
	p, err := event.ParsePayload(h, body, sizeMax)
	if err != nil {
		return err
	}
	defer p.Close()
	for range 1000 {
		h, body, err := p.Next()
		if err != nil {
			return nil
		}
		if h.Type == event.PayloadType {
			return fmt.Errorf("a payload in a payload")
		}
		if err := s.event(h, body); err != nil {
			return err
		}
	}
	return nil
}

func told(t testing.TB, name string) string {
	t.Helper()
	s := newStream()
	for i, e := range split(t, name) {
		if err := s.read(e); err != nil {
			t.Fatalf("event %d of %s: %v", i, name, err)
		}
	}
	return s.out.String()
}

// What MariaDB has written, read to the last value; and with checksums and compressed it says the same.
func TestRecorded(t *testing.T) {
	const golden = "testdata/recorded.txt"
	got := told(t, "mariadb.binlog")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it says\n%s", got)
	}
	for _, name := range []string{"mariadb-checksum.binlog", "mariadb-compressed.binlog"} {
		if other := strings.Replace(told(t, name), "checksums true", "checksums false", 1); other != got {
			t.Errorf("%s says\n%s", name, other)
		}
	}
}

// A checksum finds each flipped bit of an event but those of its own length, which are found otherwise.
func TestChecksumFindsFlippedBits(t *testing.T) {
	events := split(t, "mariadb-checksum.binlog")
	s := newStream()
	for i, e := range events {
		if i > 0 {
			for bit := range 8 * len(e) {
				broken := bytes.Clone(e)
				broken[bit/8] ^= 1 << (bit % 8)
				if e[4] == byte(event.RotateType) || broken[4] == byte(event.FormatType) || broken[4] == byte(event.RotateType) {
					continue // they tell by themselves whether there are checksums
				}
				if _, _, err := s.format.Open(broken); err == nil {
					t.Fatalf("bit %d of event %d (type %d) was flipped, and the event is taken", bit, i, e[4])
				}
			}
		}
		if err := s.read(e); err != nil {
			t.Fatal(err)
		}
	}
}

// Every cut and every flipped bit of every event ends in an error or in values, never in a panic, and bounded.
func TestCutsAndFlippedBits(t *testing.T) {
	for _, name := range []string{"mariadb.binlog", "mariadb-compressed.binlog", "MySQL's"} {
		events := mysqlEvents()
		if name != "MySQL's" {
			events = split(t, name)
		}
		cuts, refused := 0, 0
		before := newStream()
		for i, e := range events {
			try := func(b []byte) {
				s := newStream()
				s.format = before.format
				for id, table := range before.tables {
					s.tables[id] = table
				}
				cuts++
				if s.read(b) != nil {
					refused++
				}
			}
			for n := range len(e) {
				b := bytes.Clone(e[:n])
				if n >= event.HeaderSize {
					binary.LittleEndian.PutUint32(b[9:], uint32(n))
				}
				try(b)
			}
			for bit := range 8 * len(e) {
				b := bytes.Clone(e)
				b[bit/8] ^= 1 << (bit % 8)
				try(b)
			}
			if err := before.read(e); err != nil {
				t.Fatalf("event %d: %v", i, err)
			}
		}
		if refused < cuts/10 {
			t.Errorf("%s: of %d broken events only %d were refused", name, cuts, refused)
		}
	}
}

// Several broken bytes at once, by seed.
func TestBrokenBytes(t *testing.T) {
	events := split(t, "mariadb.binlog")
	r := rand.New(rand.NewPCG(7, 7))
	for range 5_000 {
		s := newStream()
		for _, e := range events {
			b := bytes.Clone(e)
			if r.IntN(3) == 0 {
				for range 1 + r.IntN(4) {
					b[event.HeaderSize+r.IntN(len(b)-event.HeaderSize)] = byte(r.Uint32())
				}
			}
			if s.read(b) != nil {
				break
			}
		}
	}
}

// The events of a file, as a fuzzer mutates them: header sizes are made right, so that what is inside is reached.
func FuzzEvents(f *testing.F) {
	for _, name := range []string{"mariadb.binlog", "mariadb-compressed.binlog"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[4:])
		for _, e := range split(f, name) {
			f.Add(e)
		}
	}
	for _, e := range mysqlEvents() {
		f.Add(e)
	}
	seed := append(split(f, "mariadb.binlog")[:8:8], mysqlEvents()[:2]...)
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newStream()
		for _, e := range seed {
			if err := s.read(e); err != nil {
				t.Fatal(err)
			}
		}
		for range 100 {
			if len(b) < event.HeaderSize {
				return
			}
			size := min(max(int(binary.LittleEndian.Uint32(b[9:])), event.HeaderSize), len(b))
			e := bytes.Clone(b[:size])
			binary.LittleEndian.PutUint32(e[9:], uint32(size))
			_ = s.read(e)
			b = b[size:]
		}
	})
}
