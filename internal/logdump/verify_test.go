package logdump

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

const (
	firstLog  = "00000000000000000000.log"
	secondLog = "00000000000000000061.log"
)

func TestKafkasFilesAreInOrder(t *testing.T) {
	for _, deep := range []bool{false, true} {
		report, err := Verify(kafkaFolders, Options{Deep: deep})
		if err != nil || len(report.Problems) > 0 || report.Folders != 3 || report.Batches != 105 || report.Records != 175 {
			t.Errorf("deep %v: %+v %v", deep, report, err)
		}
	}
}

// change edits a file of a copy of Kafka's topic.
func change(t *testing.T, folder, name string, edit func([]byte) []byte) {
	t.Helper()
	file := filepath.Join(folder, name)
	b, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	write(t, file, edit(b))
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[at] ^= 1; return b }
}

func cut(by int) func([]byte) []byte {
	return func(b []byte) []byte { return b[:len(b)-by] }
}

// put overwrites a big-endian number of 4 bytes.
func put(at int, v uint32) func([]byte) []byte {
	return func(b []byte) []byte { binary.BigEndian.PutUint32(b[at:], v); return b }
}

// reseal edits a batch and makes its CRC right again.
func reseal(at, size int, edit func(b []byte)) func([]byte) []byte {
	return func(b []byte) []byte {
		batch := b[at : at+size]
		edit(batch)
		binary.BigEndian.PutUint32(batch[17:], crc32.Checksum(batch[21:], castagnoli))
		return b
	}
}

func TestProblemsAreFound(t *testing.T) {
	for _, c := range []struct {
		name     string
		file     string
		edit     func([]byte) []byte
		class    Class
		in       string // the file that is blamed
		position int64
		offset   record.Offset
		what     string
	}{
		{"a bit of a batch", firstLog, flip(158 + 100), Damaged, firstLog, 158, 4, "CRC"},
		{"a sealed segment is cut", firstLog, cut(10), Damaged, firstLog, 2319, 60, "cannot be read"},
		{"zeros in a sealed segment", firstLog, func(b []byte) []byte { return append(b, 0, 0, 0) }, Damaged, firstLog, 2392, 61, "zero"},
		{"the last segment is cut", secondLog, cut(1), Torn, secondLog, 154, 63, "cannot be read"},
		{"the last batch is damaged", secondLog, flip(230), Torn, secondLog, 154, 63, "CRC"},
		{"one before the last batch is damaged", secondLog, flip(70), Damaged, secondLog, 0, 61, "CRC"},
		{"zeros behind the last batch", secondLog, func(b []byte) []byte { return append(b, make([]byte, 100_000)...) }, Torn, secondLog, 232, 64, "zero"},
		{"offsets go back", firstLog, put(158+4, 2), Damaged, firstLog, 158, 2, "the one before ends at 3"},
		{"offsets reach into the next segment", firstLog, put(2319+4, 61), Damaged, firstLog, 2319, 61, "next segment begins at 61"},
		{"the epoch goes back", secondLog, put(12, 0xffffffff), Damaged, secondLog, 0, 61, "leader epoch"},
		{"records that are none", firstLog, reseal(474, 148, func(b []byte) { b[80] ^= 0xff }), Damaged, firstLog, 474, 12, "cannot be decompressed"},
		{"an index into a batch", "00000000000000000000.index", put(12, 623), Derived, "00000000000000000000.index", 8, 19, "no batch begins"},
		{"an index behind its batch", "00000000000000000000.index", put(12, 918), Derived, "00000000000000000000.index", 8, 19, "behind the batch"},
		{"an index that goes back", "00000000000000000000.index", put(8, 1), Derived, "00000000000000000000.index", 8, 1, "not above"},
		{"an index beyond the end", "00000000000000000000.index", put(52, 5000), Derived, "00000000000000000000.index", 48, 59, "points to position 5000"},
		{"half an entry", "00000000000000000000.index", cut(3), Derived, "00000000000000000000.index", 48, -1, "5 bytes more"},
		{"a time too early", "00000000000000000000.timeindex", put(16, 1), Derived, "00000000000000000000.timeindex", 12, 60, ""},
		{"a time index beyond the end", "00000000000000000000.timeindex", put(20, 200), Derived, "00000000000000000000.timeindex", 12, 200, "the log ends at 61"},
		{"a snapshot's bit", "00000000000000000064.snapshot", flip(30), Derived, "00000000000000000064.snapshot", -1, -1, "CRC"},
		{"a snapshot is cut", "00000000000000000064.snapshot", cut(280), Derived, "00000000000000000064.snapshot", -1, -1, "6 bytes"},
		{"epochs that are none", "leader-epoch-checkpoint", func([]byte) []byte { return []byte("0\n1\n0 x\n") }, Derived, "leader-epoch-checkpoint", -1, -1, "line 3"},
		{"epochs are cut", "leader-epoch-checkpoint", func([]byte) []byte { return []byte("0\n2\n0 0\n") }, Derived, "leader-epoch-checkpoint", -1, -1, "have 1"},
		{"an epoch is missing", "leader-epoch-checkpoint", func([]byte) []byte { return []byte("0\n1\n5 7\n") }, Derived, "leader-epoch-checkpoint", -1, 0, "lets epoch 5 begin at 7"},
		{"a topic id that is none", "partition.metadata", func([]byte) []byte { return []byte("version: 0\ntopic_id: x\n") }, Derived, "partition.metadata", -1, -1, "not an id"},
	} {
		folder := copyTree(t, filepath.Join(kafkaFolders, "orders-0"), "orders-0")
		change(t, folder, c.file, c.edit)
		report, err := Verify(folder, Options{Deep: true})
		if (c.class != Torn) != errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", c.name, err)
		}
		if !hasProblem(report, c.class, filepath.Join(folder, c.in), c.position, c.offset, c.what) {
			t.Errorf("%s: %+v", c.name, report.Problems)
		}
		for _, p := range report.Problems {
			if p.Remedy == "" || c.class == Torn && p.Class != Torn && strings.HasSuffix(p.File, ".log") {
				t.Errorf("%s: %+v", c.name, p)
			}
		}
	}
}

func hasProblem(r Report, class Class, file string, position int64, offset record.Offset, what string) bool {
	for _, p := range r.Problems {
		if p.Class == class && p.File == file && p.Position == position && p.Offset == offset && strings.Contains(p.What, what) {
			return true
		}
	}
	return false
}

func TestEpochsAreCompared(t *testing.T) {
	for checkpoint, what := range map[string]string{
		"0\n2\n0 0\n3 61\n":       "",
		"0\n2\n0 50\n3 61\n":      "", // records below 50 are deleted
		"0\n1\n3 61\n":            "",
		"0\n1\n0 0\n":             "", // the newest is not there yet
		"0\n2\n0 0\n3 62\n":       "lets it begin at 62",
		"0\n2\n0 0\n3 60\n":       "lets epoch 3 begin at 60",
		"0\n2\n0 0\n4 61\n":       "does not list it",
		"0\n3\n0 0\n3 61\n4 63\n": "lets epoch 4 begin at 63",
	} {
		folder := copyTree(t, filepath.Join(kafkaFolders, "orders-0"), "orders-0")
		change(t, folder, secondLog, put(12, 3))
		change(t, folder, secondLog, put(78+12, 3))
		change(t, folder, secondLog, put(154+12, 3))
		write(t, filepath.Join(folder, "leader-epoch-checkpoint"), []byte(checkpoint))
		report, err := Verify(folder, Options{})
		if what == "" && err != nil || what != "" && (len(report.Problems) != 1 || !strings.Contains(report.Problems[0].What, what)) {
			t.Errorf("%q: %+v %v", checkpoint, report, err)
		}
	}
}

// Kafka makes the indexes of the segment it appends to as large as they may become.
func TestPreallocatedIndexesAreInOrder(t *testing.T) {
	folder := copyTree(t, filepath.Join(kafkaFolders, "orders-0"), "orders-0")
	for _, name := range []string{"00000000000000000000.index", "00000000000000000000.timeindex", "00000000000000000061.index", "00000000000000000061.timeindex"} {
		change(t, folder, name, func(b []byte) []byte { return append(b, make([]byte, 12_000)...) })
	}
	write(t, filepath.Join(folder, "00000000000000000061.log.deleted"), []byte("under way"))
	write(t, filepath.Join(folder, "00000000000000000064.log"), nil)
	write(t, filepath.Join(folder, "00000000000000000064.index"), make([]byte, 800))
	write(t, filepath.Join(folder, "00000000000000000064.timeindex"), make([]byte, 1200))
	if report, err := Verify(folder, Options{}); err != nil || len(report.Problems) > 0 {
		t.Errorf("%+v %v", report, err)
	}
}

// The last batch cut at every byte is a torn tail; below the durable mark it is damage.
func TestTornAtEveryByte(t *testing.T) {
	root := filepath.Dir(copyTree(t, filepath.Join(kafkaFolders, "orders-0"), "orders-0"))
	folder := filepath.Join(root, "orders-0")
	_ = os.Remove(filepath.Join(folder, "00000000000000000061.timeindex")) // which knows of the last batch
	whole, err := os.ReadFile(filepath.Join(folder, secondLog))
	if err != nil {
		t.Fatal(err)
	}
	for n := 155; n < len(whole); n++ {
		write(t, filepath.Join(folder, secondLog), whole[:n])
		for end, class := range map[record.Offset]Class{-1: Torn, 63: Torn, 64: Damaged} {
			_ = os.Remove(filepath.Join(root, "durable-mark"))
			if end >= 0 {
				writeMark(t, root, folder, end)
			}
			report, err := Verify(root, Options{})
			if (err != nil) != (class == Damaged) || !hasProblem(report, class, filepath.Join(folder, secondLog), 154, 63, "") {
				t.Fatalf("%d bytes, mark %d: %+v %v", n, end, report.Problems, err)
			}
		}
	}
	write(t, filepath.Join(folder, secondLog), whole[:154])
	writeMark(t, root, folder, 64)
	report, err := Verify(folder, Options{}) // the mark is found beside the folder
	if err == nil || !hasProblem(report, Damaged, folder, -1, 63, "1 offsets are missing") {
		t.Errorf("a batch below the mark is missing: %+v %v", report, err)
	}
}

// writeMark writes a durable mark of one log by hand.
func writeMark(t *testing.T, root, folder string, end record.Offset) {
	t.Helper()
	metadata, err := os.ReadFile(filepath.Join(folder, "partition.metadata"))
	if err != nil {
		t.Fatal(err)
	}
	id, err := parseTopicID(metadata)
	if err != nil {
		t.Fatal(err)
	}
	file := make([]byte, 3*markPageSize)
	copy(file[4:], markMagic)
	binary.BigEndian.PutUint32(file[28:], 1)
	binary.BigEndian.PutUint32(file, crc32.Checksum(file[4:32], castagnoli))
	slot(file[markPageSize:], id, 8, end+5) // older: must not count
	slot(file[2*markPageSize:], id, 9, end)
	write(t, filepath.Join(root, "durable-mark"), file)
}

func slot(b []byte, id protocol.UUID, sequence uint32, end record.Offset) {
	b = b[:markSlotSize]
	binary.BigEndian.PutUint32(b[8:], sequence)
	copy(b[12:], id[:])
	binary.BigEndian.PutUint64(b[36:], uint64(end))
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
}

func TestVerifyOfOneFile(t *testing.T) {
	folder := copyTree(t, filepath.Join(kafkaFolders, "orders-0"), "orders-0")
	change(t, folder, firstLog, flip(158+100))
	change(t, folder, "00000000000000000064.snapshot", flip(30))
	for file, problems := range map[string]int{
		firstLog: 1, "00000000000000000000.index": 1, secondLog: 0, "00000000000000000064.snapshot": 1, "00000000000000000061.snapshot": 0, "partition.metadata": 0,
	} {
		report, err := Verify(filepath.Join(folder, file), Options{})
		if len(report.Problems) != problems || (err != nil) != (problems > 0) {
			t.Errorf("%s: %+v %v", file, report, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	if _, err := Verify(t.TempDir(), Options{}); err == nil || errors.Is(err, ErrDamaged) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Verify(filepath.Join(t.TempDir(), "nothing"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
}

func TestReportIsWritten(t *testing.T) {
	folder := copyTree(t, filepath.Join(kafkaFolders, "orders-0"), "orders-0")
	change(t, folder, firstLog, flip(158+100))
	report, _ := Verify(folder, Options{})
	var text, lines bytes.Buffer
	if err := errors.Join(report.Write(&text, Options{}), report.Write(&lines, Options{JSON: true})); err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(folder, firstLog)
	if !strings.HasPrefix(text.String(), "damaged: "+place+", position 158, offset 4\n") || !strings.Contains(text.String(), "problems: 1\n") {
		t.Error(text.String())
	}
	for line := range bytes.Lines(lines.Bytes()) {
		var object struct {
			Type, File, Class string
			Problems          int
		}
		if err := json.Unmarshal(line, &object); err != nil || object.Type == "problem" && (object.File != place || object.Class != "damaged") || object.Type == "summary" && object.Problems != 1 {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	builder := record.NewBuilder()
	_ = builder.Add(1, nil, nil)
	b, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "t-0")
	write(t, filepath.Join(dir, firstLog), bytes.Repeat(b, 3000)) // each at offset 0
	report, err := Verify(dir, Options{})
	if len(report.Problems) != problemsMax || report.More != 1999 || !errors.Is(err, ErrDamaged) {
		t.Errorf("%d problems and %d more: %v", len(report.Problems), report.More, err)
	}
}
