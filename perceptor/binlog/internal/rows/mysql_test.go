package rows_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/binlog/internal/rows"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/arena"
)

// There is no MySQL to record: these events are put together by its rules.

func build(t event.Type, body ...[]byte) []byte {
	all := slices.Concat(body...)
	b := binary.LittleEndian.AppendUint32(nil, 1_700_000_000)
	b = append(b, byte(t))
	b = binary.LittleEndian.AppendUint32(b, 1)
	b = binary.LittleEndian.AppendUint32(b, uint32(event.HeaderSize+len(all)))
	b = binary.LittleEndian.AppendUint32(b, 1000)
	return append(append(b, 0, 0), all...)
}

// mysqlFormat is a format description of MySQL 8: table numbers of 6 bytes.
func mysqlFormat() []byte {
	version := make([]byte, 50)
	copy(version, "8.0.36")
	return build(event.FormatType, []byte{4, 0}, version, make([]byte, 4), []byte{event.HeaderSize}, slices.Repeat([]byte{8}, 42), []byte{0}, make([]byte, 4))
}

var (
	tableNumber = []byte{9, 0, 0, 0, 0, 0}
	document    = []byte{0, 1, 0, 12, 0, 11, 0, 1, 0, 5, 2, 0, 'a'} // {"a": 2}
)

// mysqlTable has a YEAR in front of an unsigned number, which MySQL does not count, and two documents: id, year, n unsigned, j1, j2.
func mysqlTable() []byte {
	return build(event.TableMapType, tableNumber, []byte{1, 0}, []byte("\x04shop\x00\x01t\x00"), []byte{5},
		[]byte{event.Long, event.Year, event.Long, event.JSON, event.JSON}, []byte{2, 4, 4}, []byte{0b11110},
		[]byte{1, 1, 0b01000000}, append([]byte{4, 13}, "\x02id\x01y\x01n\x02j1\x02j2"...), []byte{8, 1, 0})
}

func long(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }

func sized(b []byte) []byte { return append(long(uint32(len(b))), b...) }

func mysqlRows(kind event.Type, images ...[]byte) []byte {
	present := []byte{0b11111}
	if kind == event.UpdateRowsV2 || kind == event.PartialUpdateRows {
		present = []byte{0b11111, 0b11111}
	}
	return build(kind, tableNumber, []byte{1, 0}, []byte{5, 0, 7, 7, 7}, []byte{5}, present, slices.Concat(images...))
}

func image(id, n uint32, j1, j2 []byte) []byte {
	return slices.Concat([]byte{0}, long(id), []byte{124}, long(n), sized(j1), sized(j2))
}

func partialUpdate() []byte {
	difference := append([]byte{0, 3}, "$.a\x03\x05\x07\x00"...) // replace $.a by 7
	after := slices.Concat([]byte{1, 0b10}, []byte{0}, long(1), []byte{124}, long(5), sized(document), sized(difference))
	return mysqlRows(event.PartialUpdateRows, image(1, 1<<32-1, document, document), after)
}

func mysqlEvents() [][]byte {
	return [][]byte{
		mysqlFormat(),
		mysqlTable(),
		mysqlRows(event.WriteRowsV2, image(1, 1<<32-1, document, nil)),
		partialUpdate(),
		mysqlRows(event.DeleteRowsV2, image(2, 3, []byte{4, 1}, []byte{4, 2})),
	}
}

const mysqlTold = `format: checksums false
table: shop.t key [0] names told true
  id int unsigned=false null=false (0,0)  []
  y year unsigned=false null=true (0,0)  []
  n int unsigned=true null=true (0,0)  []
  j1 json unsigned=false null=true (0,0)  []
  j2 json unsigned=false null=true (0,0)  []
row of shop.t, action 1
  after id="1"
  after y="2024"
  after n="4294967295"
  after j1="{\"a\": 2}"
  after j2="null"
row of shop.t, action 2
  before id="1"
  before y="2024"
  before n="4294967295"
  before j1="{\"a\": 2}"
  before j2="{\"a\": 2}"
  after id="1"
  after y="2024"
  after n="5"
  after j1="{\"a\": 2}"
  after j2="{\"a\": 7}"
row of shop.t, action 3
  before id="2"
  before y="2024"
  before n="3"
  before j1="true"
  before j2="false"
`

func TestMySQL(t *testing.T) {
	s := newStream()
	for i, e := range mysqlEvents() {
		if err := s.read(e); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
	}
	if got := s.out.String(); got != mysqlTold {
		t.Errorf("it says\n%s", got)
	}
}

func payload(compressed []byte, algorithm ...byte) []byte {
	size := append([]byte{0xfd}, long(uint32(len(compressed)))[:3]...)
	return build(event.PayloadType, append([]byte{2, byte(len(algorithm))}, algorithm...), append([]byte{1, byte(len(size))}, size...), []byte{0}, compressed)
}

// The same transaction, compressed and not: it says the same.
func TestMySQLPayload(t *testing.T) {
	inner := slices.Concat(mysqlEvents()[1:]...)
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string][]byte{"zstd": payload(encoder.EncodeAll(inner, nil), 0), "none": payload(inner, 0xfc, 255, 0)} {
		s := newStream()
		for _, b := range [][]byte{mysqlFormat(), e} {
			if err := s.read(b); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if got := s.out.String(); got != mysqlTold {
			t.Errorf("%s: it says\n%s", name, got)
		}
	}
	// An event inside that would be larger than the bound is refused before its bytes are there.
	huge := slices.Clone(inner)
	binary.LittleEndian.PutUint32(huge[9:], sizeMax+1)
	p, err := event.ParsePayload(event.Header{}, payload(encoder.EncodeAll(huge, nil), 0)[event.HeaderSize:], sizeMax)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, _, err := p.Next(); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Error(err)
	}
}

// A bomb: a compressed event that says how large it is, and one that lies.
func TestBombs(t *testing.T) {
	for _, b := range [][]byte{{0x84, 0xff, 0xff, 0xff, 0xff, 1}, {0x85, 1, 1, 1, 1, 1, 1}, {0x80}, {0x02, 1, 1}, {}} {
		h := event.Header{Type: event.QueryCompressedType}
		if _, err := event.ParseQuery(h, append(make([]byte, 14), b...), sizeMax); err == nil {
			t.Errorf("% x was decompressed", b)
		}
	}
}

func TestMySQLGTIDs(t *testing.T) {
	id := []byte("0123456789abcdef")
	g, err := event.ParseGTID(event.Header{Type: event.GTIDType}, slices.Concat([]byte{1}, id, []byte{7, 0, 0, 0, 0, 0, 0, 0, 2}))
	if string(g.Source[:]) != string(id) || g.Number != 7 || g.Tag != "" || err != nil {
		t.Errorf("%+v, %v", g, err)
	}
	// Of MySQL 8.3: version 1, size, last field, then flags, uuid, number, tag.
	var tagged []byte
	for _, n := range []byte{1, 60, 0, 0, 1, 1} {
		tagged = append(tagged, n<<1)
	}
	for _, b := range id {
		tagged = append(tagged, b<<1)
	}
	tagged = append(tagged, 2<<1, byte(7<<1)<<1, 3<<1, 3<<1, 't', 'a', 'g')
	g, err = event.ParseGTID(event.Header{Type: event.TaggedGTIDType}, tagged)
	if string(g.Source[:]) != string(id) || g.Number != 7 || g.Tag != "tag" || err != nil {
		t.Errorf("%+v, %v", g, err)
	}
	for n := range tagged {
		if _, err := event.ParseGTID(event.Header{Type: event.TaggedGTIDType}, tagged[:n]); err == nil {
			t.Errorf("a tagged GTID of %d bytes was read", n)
		}
	}
	eight := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	sets, err := event.ParsePreviousGTIDs(event.Header{}, slices.Concat(eight(1), id, eight(2), eight(1), eight(6), eight(9), eight(10)))
	if err != nil || fmt.Sprint(sets[0].Intervals) != "[{1 6} {9 10}]" {
		t.Errorf("%v, %v", sets, err)
	}
	for _, b := range [][]byte{eight(1 << 60), slices.Concat(eight(1), id, eight(1<<60))} {
		if _, err := event.ParsePreviousGTIDs(event.Header{}, b); err == nil {
			t.Errorf("% x was read", b)
		}
	}
}

// The rotate event in front of the first format description has a checksum or not, and nobody has said which.
func TestFirstRotate(t *testing.T) {
	plain := build(event.RotateType, []byte{4, 0, 0, 0, 0, 0, 0, 0}, []byte("binlog.000007"))
	binary.LittleEndian.PutUint32(plain[13:], 0)
	sum := slices.Clone(plain)
	binary.LittleEndian.PutUint32(sum[9:], uint32(len(sum)+event.ChecksumSize))
	sum = binary.LittleEndian.AppendUint32(sum, crc32.ChecksumIEEE(sum))
	for _, b := range [][]byte{plain, sum} {
		var f event.Format
		h, body, err := f.Open(b)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := event.ParseRotate(h, body); r.File != "binlog.000007" || r.Offset != 4 || err != nil {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// Old times, of before MySQL 5.6, which no server of today writes.
func TestOldTimes(t *testing.T) {
	m := &event.TableMap{Database: "shop", Name: "old", Names: true}
	for _, kind := range []byte{event.Time, event.Time, event.DateTime, event.Timestamp, event.NewDate} {
		m.Columns = append(m.Columns, event.Column{Type: kind, Name: fmt.Sprint(kind)})
	}
	schema, _, err := rows.Describe(m)
	if err != nil {
		t.Fatal(err)
	}
	table, err := rows.NewTable(m, schema)
	if err != nil {
		t.Fatal(err)
	}
	minus := int32(-8385959)
	data := slices.Concat([]byte{0}, long(123456)[:3], long(uint32(minus))[:3], binary.LittleEndian.AppendUint64(nil, 99991231235958), long(1_700_000_000), long(2024<<9 | 2<<5 | 29)[:3])
	var r rows.Reader
	if err := r.Reset(table, event.Rows{Action: event.Write, Columns: 5, Present: [2][]byte{{0b11111}}, Data: data}, &arena.Arena{}); err != nil {
		t.Fatal(err)
	}
	_, row, err := r.Next()
	if err != nil || r.More() {
		t.Fatal(err, r.More())
	}
	var got []string
	for _, v := range row {
		got = append(got, string(v.AppendText(nil, 0)))
	}
	if want := "12:34:56|-838:59:59|9999-12-31 23:59:58|2023-11-14 22:13:20|2024-02-29"; strings.Join(got, "|") != want {
		t.Errorf("%s, not %s", strings.Join(got, "|"), want)
	}
}

// A schema of another table, or of another moment, is refused.
func TestNewTableRefuses(t *testing.T) {
	m := &event.TableMap{Columns: []event.Column{{Type: event.Long}, {Type: event.Enum, Meta: 1}}}
	good := func() *change.Table {
		return &change.Table{Columns: []change.Column{{Name: "a", Type: change.Integer}, {Name: "e", Type: change.Enum, Members: []string{"x"}}}, Key: []int{0}}
	}
	if _, err := rows.NewTable(m, good()); err != nil {
		t.Fatal(err)
	}
	for what, f := range map[string]func(*change.Table){
		"columns": func(s *change.Table) { s.Columns = s.Columns[:1] },
		"moment":  func(s *change.Table) { s.Columns[0].Type = change.BigInt },
		"names":   func(s *change.Table) { s.Columns[1].Members = nil },
		"charset": func(s *change.Table) { s.Columns[0].Charset = "klingon" },
		"key":     func(s *change.Table) { s.Key = []int{2} },
	} {
		s := good()
		f(s)
		if _, err := rows.NewTable(m, s); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
