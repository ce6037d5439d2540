package logdump

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/record"
)

var update = flag.Bool("update", false, "write the golden files again")

// kafkaFolders were written by Apache Kafka 4.3.1: a topic with every codec, transactions and a rolled segment, the
// commits of a classic group, and the controller's log.
const kafkaFolders = "testdata/kafka-4.3.1"

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: not as before; run the test with -update and look at the difference\n%s", name, firstDifference(got, want))
	}
}

func firstDifference(got, want []byte) string {
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "got:  " + g[i] + "\nwant: " + w[i]
		}
	}
	return "one of them is longer"
}

func dumped(t *testing.T, path string, options Options) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Dump(&out, path, options); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out.Bytes()
}

func TestDumpOfKafkasFiles(t *testing.T) {
	orders := filepath.Join(kafkaFolders, "orders-0")
	offsets := filepath.Join(kafkaFolders, "__consumer_offsets-0")
	golden(t, "orders", dumped(t, orders, Options{}))
	golden(t, "orders-deep", dumped(t, orders, Options{Deep: true}))
	golden(t, "orders-part", dumped(t, orders+"/00000000000000000000.log", Options{Deep: true, From: 21, Until: 25}))
	golden(t, "offsets-deep", dumped(t, offsets, Options{Deep: true}))
	golden(t, "offsets-deep-json", dumped(t, offsets, Options{Deep: true, JSON: true}))
	golden(t, "metadata-deep", dumped(t, filepath.Join(kafkaFolders, "__cluster_metadata-0"), Options{Deep: true}))
}

func TestEveryJSONLineIsAnObject(t *testing.T) {
	for _, folder := range []string{"orders-0", "__consumer_offsets-0", "__cluster_metadata-0"} {
		out := dumped(t, filepath.Join(kafkaFolders, folder), Options{Deep: true, JSON: true})
		for line := range bytes.Lines(out) {
			var object map[string]any
			if err := json.Unmarshal(line, &object); err != nil || object["type"] == nil || object["file"] == nil {
				t.Fatalf("%s: %s: %v", folder, line, err)
			}
		}
	}
}

func TestConsumerOffsetsUnderAnotherName(t *testing.T) {
	copied := copyTree(t, filepath.Join(kafkaFolders, "__consumer_offsets-0"), "backup")
	plain := dumped(t, copied, Options{Deep: true})
	decoded := dumped(t, copied, Options{Deep: true, ConsumerOffsets: true})
	if bytes.Contains(plain, []byte("OffsetCommit")) || !bytes.Contains(decoded, []byte(`schema: OffsetCommit key: {"group":"shop"`)) {
		t.Errorf("%s", decoded)
	}
}

func TestPayloadsThatAreNoText(t *testing.T) {
	builder := record.NewBuilder()
	_ = builder.Add(1, []byte{0xff, 0}, []byte("text"), record.Header{Key: "h", Value: []byte{0xfe}})
	b, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "t-0")
	write(t, filepath.Join(dir, "00000000000000000000.log"), b)
	if out := string(dumped(t, dir, Options{Deep: true})); !strings.Contains(out, `key: "\xff\x00" payload: "text"`) {
		t.Error(out)
	}
	if out := string(dumped(t, dir, Options{Deep: true, JSON: true})); !strings.Contains(out, `"headers":[["h","/g=="]],"keyBase64":"/wA=","payload":"text"`) {
		t.Error(out)
	}
}

// A damaged log is printed as far as it goes, and the error says where that is.
func TestDumpOfDamagedLogs(t *testing.T) {
	log := filepath.Join(kafkaFolders, "orders-0", "00000000000000000000.log")
	whole, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		damage  func(b []byte) []byte
		batches int // printed
		errors  string
	}{
		"whole":               {func(b []byte) []byte { return b }, 16, ""},
		"cut in a header":     {func(b []byte) []byte { return b[:158+20] }, 1, "position 158"},
		"cut in a batch":      {func(b []byte) []byte { return b[:158+100] }, 1, "position 158"},
		"a flipped bit":       {func(b []byte) []byte { b[158+130] ^= 4; return b }, 16, "position 158 is damaged"},
		"a length of nothing": {func(b []byte) []byte { clear(b[158+8 : 158+12]); return b }, 1, "position 158"},
		"magic 1":             {func(b []byte) []byte { b[158+16] = 1; return b }, 1, "magic 1"},
		"zeros behind":        {func(b []byte) []byte { return append(b, make([]byte, 300_000)...) }, 16, "position 2392"},
	} {
		dir := filepath.Join(t.TempDir(), "orders-0")
		write(t, filepath.Join(dir, filepath.Base(log)), c.damage(append([]byte(nil), whole...)))
		var out bytes.Buffer
		err := Dump(&out, dir, Options{})
		if n := strings.Count(out.String(), "baseOffset:"); n != c.batches || (err == nil) != (c.errors == "") || err != nil && !strings.Contains(err.Error(), c.errors) {
			t.Errorf("%s: %d batches, %v\n%s", name, n, err, out.String())
		}
	}
}

func TestDumpRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "notes.txt"), nil)
	for path, reason := range map[string]string{
		filepath.Join(dir, "nothing"): "no such file", filepath.Join(dir, "notes.txt"): "unknown kind", dir: "no file that can be printed",
	} {
		if err := Dump(&bytes.Buffer{}, path, Options{}); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestProgressIsTold(t *testing.T) {
	builder := record.NewBuilder()
	_ = builder.Add(1, nil, make([]byte, 5<<20))
	b, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "t-0")
	file := []byte(nil)
	for i := range 5 {
		b.SetBaseOffset(record.Offset(i))
		file = append(file, b...)
	}
	write(t, filepath.Join(dir, "00000000000000000000.log"), file)
	for name, run := range map[string]func(Options) error{
		"dump":   func(o Options) error { return Dump(&bytes.Buffer{}, dir, o) },
		"verify": func(o Options) error { _, err := Verify(dir, o); return err },
	} {
		calls, last := 0, int64(0)
		err := run(Options{Progress: func(done, total int64) {
			calls++
			if done < last || total != int64(len(file)) {
				t.Errorf("%s: %d of %d after %d", name, done, total, last)
			}
			last = done
		}})
		if err != nil || calls < 3 || last != int64(len(file)) {
			t.Errorf("%s: %d calls, the last at %d of %d: %v", name, calls, last, len(file), err)
		}
	}
}

func write(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// copyTree copies a folder into a new one with the name given.
func copyTree(t testing.TB, from, name string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), name)
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rest, _ := filepath.Rel(from, path)
		write(t, filepath.Join(to, rest), b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
