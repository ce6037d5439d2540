package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

// tornTails are what a crash can leave of the end of a file.
var tornTails = map[string]func(b []byte, r *sim.Rand){
	"cut":    nil,
	"zeros":  func(b []byte, _ *sim.Rand) { clear(b) },
	"random": func(b []byte, r *sim.Rand) { fillRandom(b, r) },
}

func fillRandom(b []byte, r *sim.Rand) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// tear damages a file from a byte on.
func tear(t testing.TB, fs disk.FS, name string, at int64, fill func([]byte, *sim.Rand)) {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	if fill == nil {
		err = f.Truncate(at)
	} else if size > at {
		b := make([]byte, size-at)
		fill(b, sim.NewRand(uint64(at)))
		_, err = f.WriteAt(b, at)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tornWorld has a log with several segments that is durable up to a point, and one batch more that is not.
func tornWorld(t testing.TB) (w *world, tail int64) {
	t.Helper()
	w = newWorld(t, 11, nil)
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if err := w.append(); err != nil {
			t.Fatal(err)
		}
		if err := w.round(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.d.SyncMark(); err != nil {
		t.Fatal(err)
	}
	for active := w.l.active(); ; active = w.l.active() { // the last batch shares a segment with durable ones
		tail = active.size.Load()
		if err := w.append(); err != nil {
			t.Fatal(err)
		}
		if w.l.active() == active {
			return w, tail
		}
		if err := w.round(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTornSegment cuts, zeroes and garbles the last batch from every byte on: recovery ends with the batch before.
func TestTornSegment(t *testing.T) {
	w, tail := tornWorld(t)
	name, size := w.l.active().log.name, w.l.active().size.Load()
	for how, fill := range tornTails {
		for at := tail; at < size; at += slowdown {
			clone := w.fs.CrashClone(sim.NewRand(uint64(at)))
			if _, err := clone.Stat(name); err != nil {
				t.Fatal(err)
			}
			tear(t, clone, name, tail, nil) // whatever the crash kept of the batch
			whole := keepAll(t, w, name)
			writeAll(t, clone, name, whole)
			tear(t, clone, name, at, fill)
			if err := verify(t, clone, w.config, w.want.clone(), nil); err != nil {
				t.Fatalf("%s from byte %d on: %v", how, at, err)
			}
		}
	}
}

func keepAll(t testing.TB, w *world, name string) []byte {
	t.Helper()
	b, err := ReadFile(w.fs, name, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeAll(t testing.TB, fs disk.FS, name string, b []byte) {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
}

// TestTornFilesBesideTheSegments does the same to every other file, from every byte on. What they hold can be found
// out again, or a copy of it is elsewhere: nothing is lost.
func TestTornFilesBesideTheSegments(t *testing.T) {
	w, _ := tornWorld(t)
	if err := errors.Join(w.round(), w.d.SyncMark()); err != nil {
		t.Fatal(err)
	}
	base := w.fs.Kill()
	folder := testName.String()
	entries, err := base.List(folder)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, e := range entries {
		_, suffix, ok := parseFileName(e.Name)
		if !ok {
			suffix = e.Name
		}
		if suffix == logSuffix {
			continue
		}
		kinds[suffix]++
		step := int64(1)
		if kinds[suffix] > 1 { // one of each kind from every byte
			step = 23
		}
		for how, fill := range tornTails {
			for at := int64(0); at < e.Size; at += step * slowdown {
				if how == "random" && at%5 != 0 {
					continue
				}
				checkTorn(t, w, base, folder+"/"+e.Name, at, how, fill)
			}
		}
	}
	for _, kind := range []string{indexSuffix, timeIndexSuffix, snapshotSuffix, epochFile, partitionFile} {
		if kinds[kind] == 0 {
			t.Errorf("no file %s was torn", kind)
		}
	}
}

func checkTorn(t *testing.T, w *world, base *disk.Simulated, name string, at int64, how string, fill func([]byte, *sim.Rand)) {
	t.Helper()
	clone := base.CrashClone(nil)
	if _, err := clone.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return
	}
	tear(t, clone, name, at, fill)
	err := verify(t, clone, w.config, w.want.clone(), nil)
	if err != nil && fill != nil && refusedOrOtherID(err) {
		return // garbage that happens to be another topic's id is not taken for ours
	}
	if err != nil {
		t.Fatalf("%s, %s from byte %d on: %v", name, how, at, err)
	}
}

func refusedOrOtherID(err error) bool { return strings.Contains(err.Error(), "INCONSISTENT_TOPIC_ID") }

// TestTornMark tears the durable mark from every byte of its used pages on. What remains is true: the log opens, and
// nothing that was acknowledged is cut.
func TestTornMark(t *testing.T) {
	w, _ := tornWorld(t)
	base := w.fs.Kill()
	e, err := base.Stat(markFile)
	if err != nil {
		t.Fatal(err)
	}
	for how, fill := range tornTails {
		for at := int64(0); at < e.Size; at += slowdown {
			if at > 80 && at%markPageSize > 80 && at%1021 != 0 { // empty slots: a few of them are enough
				continue
			}
			if how == "random" && at%5 != 0 {
				continue
			}
			clone := base.CrashClone(sim.NewRand(uint64(at)))
			tear(t, clone, markFile, at, fill)
			want := w.want.clone()
			if err := verify(t, clone, w.config, want, nil); err != nil {
				t.Fatalf("%s from byte %d on: %v", how, at, err)
			}
		}
	}
}

// TestTornMeta tears meta.properties: it was durable before anything else, so the directory is refused, by name.
func TestTornMeta(t *testing.T) {
	w, _ := tornWorld(t)
	b := keepAll(t, w, metaName)
	for at := range b {
		clone := w.fs.CrashClone(sim.NewRand(1))
		tear(t, clone, metaName, int64(at), nil)
		d, err := openWith(clone, nil)
		if err == nil {
			if d.meta.nodeID != 1 || d.meta.clusterID != "test-cluster" {
				t.Fatalf("cut at %d: %+v", at, d.meta)
			}
			continue
		}
		if !strings.Contains(err.Error(), metaName) {
			t.Fatalf("cut at %d: %v", at, err)
		}
	}
}

// TestBitFlips turns over single bits of every file of a durable log. Whatever is served is what was written: a flip is
// refused by name, found by Verify, or of no consequence.
func TestBitFlips(t *testing.T) {
	w, _ := tornWorld(t)
	if err := errors.Join(w.round(), w.d.SyncMark()); err != nil {
		t.Fatal(err)
	}
	base := w.fs.Kill()
	folder := testName.String()
	entries, err := base.List(folder)
	if err != nil {
		t.Fatal(err)
	}
	r := sim.NewRand(21)
	outcomes := map[string]int{}
	for range 400 * seeds(1) {
		e := entries[r.IntN(len(entries))]
		clone := base.CrashClone(nil)
		name := folder + "/" + e.Name
		if _, err := clone.Stat(name); err != nil || e.Size == 0 {
			continue
		}
		bit := r.Int64N(e.Size * 8)
		if clone.Flip(name, bit) != nil {
			continue
		}
		outcome, err := afterFlip(clone, w)
		if err != nil {
			t.Fatalf("bit %d of %s: %v", bit, name, err)
		}
		outcomes[outcome]++
	}
	t.Log(outcomes)
	if outcomes["refused"] == 0 || outcomes["verified"] == 0 || outcomes["harmless"] == 0 {
		t.Fatalf("not every outcome was seen: %v", outcomes)
	}
}

func afterFlip(clone *disk.Simulated, w *world) (string, error) {
	d, err := openWith(clone, nil)
	if err != nil {
		return "", err
	}
	l, err := d.OpenLog(testName, testID, w.config)
	if err != nil {
		if e, ok := errors.AsType[*DamagedError](err); ok && strings.HasPrefix(e.File, testName.String()) {
			return "refused", nil
		}
		if refusedOrOtherID(err) {
			return "refused", nil
		}
		return "", err
	}
	if l.EndOffset() < w.want.acked {
		return "", fmt.Errorf("cut at %d; %d was acknowledged: %+v", l.EndOffset(), w.want.acked, l.Recovery())
	}
	verified := l.Verify()
	if e, ok := errors.AsType[*DamagedError](verified); ok && e.File != "" {
		return "verified", nil
	}
	if verified != nil {
		return "", verified
	}
	got, err := readValues(l, l.StartOffset())
	if err != nil {
		return "", fmt.Errorf("verified, and then: %w", err)
	}
	return "harmless", w.current().holds(got, l.StartOffset(), l.EndOffset(), 0)
}

// TestDamageIsNamed flips the length of a batch below the mark, where recovery steps over headers.
func TestDamageIsNamed(t *testing.T) {
	w := newWorld(t, 3, nil)
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	w.d.checkpointEvery = 1 << 20
	var at int64
	var offset record.Offset
	for i := range 6 {
		if i == 3 {
			at, offset = w.l.active().size.Load(), w.l.EndOffset()
		}
		if err := w.append(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.round(); err != nil {
		t.Fatal(err)
	}
	fs := w.fs.Kill()
	name := testName.String() + "/00000000000000000000.log"
	if err := fs.Flip(name, (at+16)*8); err != nil { // the magic
		t.Fatal(err)
	}
	before := keepAll(t, &world{fs: fs}, name)
	d, err := openWith(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.OpenLog(testName, testID, w.config)
	e, ok := errors.AsType[*DamagedError](err)
	if !ok || e.File != name || e.Position != at || e.Offset != offset {
		t.Fatalf("position %d, offset %d: %v", at, offset, err)
	}
	if after := keepAll(t, &world{fs: fs}, name); string(after) != string(before) {
		t.Fatal("a damaged file was changed")
	}
}
