package migration

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// TestRun: what the file has is what the node had; the preview said so and changed nothing; again it is the same; the node that starts
// on ZooKeeper is refused.
func TestRun(t *testing.T) {
	b := newBed(t, 40)
	image := b.node.Image()
	if _, err := Run(b.options()); err == nil || !strings.Contains(err.Error(), "brokers are alive in ZooKeeper: 1 at here:9092") {
		t.Fatalf("with a broker alive: %v", err)
	}
	if _, err := Preview(b.options()); err == nil || !strings.Contains(err.Error(), "brokers are alive in ZooKeeper: 1 at here:9092") {
		t.Fatalf("with a broker alive: %v", err)
	}
	b.stop()
	if head := b.head(); head.Snapshot == nil || head.Offset == head.Snapshot.Offset {
		t.Fatalf("the log has no snapshot, or nothing after it: %+v", head)
	}
	before := b.snapshot()
	planned, err := Preview(b.options())
	if err != nil {
		t.Fatal(err)
	}
	if after := b.snapshot(); after != before {
		t.Fatal("the preview has changed something")
	}
	var steps []string
	o := b.options()
	o.Step = func(s string) { steps = append(steps, s) }
	report, err := Run(o)
	if err != nil {
		t.Fatal(err)
	}
	s := b.file(b.files)
	if records(s.Image) != records(image) || records(planned.Seed.Image) != records(image) || s.Epoch <= image.Epoch || planned.Seed.Epoch > s.Epoch ||
		len(report.Others) != 37 || report.Again || len(steps) != 5 || planned.Bytes != report.Bytes {
		t.Errorf("%+v, planned %+v, steps %q", report, planned, steps)
	}
	for i, v := range s.Voters {
		if v.ID != metadata.NodeID(i+1) || v.Directory != directory(int32(i+1)) || v.Address != fmt.Sprintf("host%d:9093", i+1) {
			t.Errorf("voter %+v", v)
		}
	}
	b.over()
	for range 2 {
		again, err := Run(b.options())
		if err != nil || !again.Again || b.file(b.files).Epoch != s.Epoch {
			t.Fatalf("%+v, %v", again, err)
		}
		if err := b.files.Remove("metadata.seed"); err != nil {
			t.Fatal(err)
		}
	}
	o.Voters = voters(1, 2)
	if _, err := Run(o); err == nil || !strings.Contains(err.Error(), "1@host1:9093,2@host2:9093,3@host3:9093: they cannot be others now") {
		t.Errorf("other voters: %v", err)
	}
	marked := b.snapshot()
	b.start()
	if !b.until(func() bool { return b.stopped != nil }) || !strings.Contains(b.stopped.Error(), "the cluster was migrated") {
		t.Errorf("a node on ZooKeeper stops because of %v", b.stopped)
	}
	if after := b.snapshot(); after != marked {
		t.Errorf("a node on ZooKeeper has changed\n%s\nto\n%s", marked, after)
	}
}

// errKilled is thrown where the command is killed.
var errKilled = errors.New("killed")

// killed runs the command to its k-th request or operation of the disk, which is carried out if carried says so; false if it ended
// before.
func killed(b *bed, o Options, k int, carried bool) (was bool, next *disk.Simulated) {
	b.t.Helper()
	left := k
	files, do := b.files, o.Do
	o.Do = func(r *member.Request) *member.Answer {
		if left--; left == 0 {
			if carried {
				do(r)
			}
			panic(errKilled)
		}
		return do(r)
	}
	files.SetHook(func(disk.Call) error {
		if left--; left == 0 {
			panic(errKilled)
		}
		return nil
	})
	defer func() {
		files.SetHook(nil)
		r := recover()
		if r == nil {
			return
		}
		if r != errKilled {
			panic(r)
		}
		was, next = true, files.Kill()
	}()
	if _, err := Run(o); err != nil {
		b.t.Fatalf("cut off at %d: %v", k, err)
	}
	return false, nil
}

// TestRunCutOff kills the command at each request and each operation of the disk, before and after the request is carried out; sometimes
// the machine loses its power too. As long as the znodes are not marked there is no file, and the node goes on as before; once they are,
// the command ends when it is run again. The file has what the node had last.
func TestRunCutOff(t *testing.T) {
	asBefore, finished := 0, 0
	for _, carried := range []bool{false, true} {
		for _, power := range []bool{false, true} {
			for k := 1; ; k++ {
				b := newBed(t, 12)
				image := b.node.Image()
				b.stop()
				was, next := killed(b, b.options(), k, carried)
				if !was {
					break
				}
				if b.files = next; power {
					b.files = next.Crash()
				}
				b.over()
				marked := b.head().Migrated
				_, there := b.files.Stat("metadata.seed")
				if marked == nil {
					asBefore++
					if there == nil {
						t.Fatalf("%d: the file is there, and the znodes are not marked", k)
					}
					if part, err := commitlog.ReadFile(b.files, "metadata.seed"+partSuffix, SeedBytesMax); err == nil {
						if _, err := quorum.DecodeSeed(part); err == nil {
							t.Fatalf("%d: the unfinished file could be imported", k)
						}
					}
					b.start()
					b.register(77) // as before
					image = b.node.Image()
					b.stop()
				} else {
					finished++
				}
				report, err := Run(b.options())
				if err != nil || report.Again != (marked != nil) {
					t.Fatalf("%d: again: %+v, %v", k, report, err)
				}
				if s := b.file(b.files.CrashClone(nil)); records(s.Image) != records(image) || marked != nil && s.Epoch != marked.Epoch || s.Epoch != b.head().Migrated.Epoch {
					t.Fatalf("%d: the file has epoch %d, offset %d; the node had offset %d", k, s.Epoch, s.Image.Offset, image.Offset)
				}
			}
		}
	}
	t.Logf("killed %d times before the mark, %d times after it", asBefore, finished)
	if asBefore < 40 || finished < 20 {
		t.Error("it was hardly killed")
	}
}

// TestLostAnswers: each answer in turn is lost, whether the request was carried out or not; the migration goes on.
func TestLostAnswers(t *testing.T) {
	for _, carried := range []bool{false, true} {
		for k, lost := 1, true; lost; k++ {
			b := newBed(t, 5)
			image := b.node.Image()
			b.stop()
			o, left := b.options(), k
			lost = false
			o.Do = func(r *member.Request) *member.Answer {
				if left--; left == 0 {
					lost = true
					if carried {
						b.ensemble.Do(r)
					}
					return &member.Answer{Code: member.Lost, Text: "the connection has ended"}
				}
				return b.ensemble.Do(r)
			}
			if _, err := Run(o); err != nil {
				t.Fatalf("answer %d: %v", k, err)
			}
			if s := b.file(b.files); records(s.Image) != records(image) || s.Epoch != b.head().Migrated.Epoch {
				t.Fatalf("answer %d: another file", k)
			}
		}
	}
}

// before are options with which something happens in front of the k-th request; never says that there were not so many.
func (b *bed) before(k int, happens func()) (o Options, never func() bool) {
	o = b.options()
	o.Do = func(r *member.Request) *member.Answer {
		if k--; k == 0 {
			happens()
		}
		return b.ensemble.Do(r)
	}
	return o, func() bool { return k > 0 }
}

// TestTakenMeanwhile: a node or another migration that becomes the controller while the command works keeps it from the mark, at each of
// its requests; what that one writes is not lost.
func TestTakenMeanwhile(t *testing.T) {
	refused, last := 0, false
	for k := 1; !last; k++ {
		b := newBed(t, 5)
		b.stop()
		o, never := b.before(k, func() {
			b.over()
			b.start()
			b.register(50)
			image := b.node.Image()
			b.stop()
			if image.Broker(50) == nil {
				t.Fatal("broker 50 is not there")
			}
		})
		_, err := Run(o)
		last = never()
		head := b.head()
		switch {
		case last: // it had ended
		case err != nil:
			refused++
			if head.Migrated != nil {
				t.Fatalf("request %d: it is refused (%v), and the znodes are marked", k, err)
			}
		case b.file(b.files).Image.Broker(50) == nil:
			t.Fatalf("request %d: broker 50 is lost", k)
		}
	}
	if refused < 5 {
		t.Errorf("it was refused %d times", refused)
	}
}

// TestTwoMigrations: of two at a time the one that took the epoch last marks, and no epoch is above that of the mark.
func TestTwoMigrations(t *testing.T) {
	refused, went := 0, 0
	for k, last := 1, false; !last; k++ {
		b := newBed(t, 3)
		b.stop()
		o, never := b.before(k, func() {
			if _, err := (tree{b.ensemble.Do}).take(b.clock()); err != nil {
				t.Fatal(err)
			}
		})
		_, err := Run(o)
		last = never()
		epoch, bad := member.ParseEpoch(b.ensemble.Do(&member.Request{Kind: member.Get, Path: member.EpochPath}).Data)
		if bad != nil {
			t.Fatal(bad)
		}
		switch mark := b.head().Migrated; {
		case err == nil && (mark == nil || mark.Epoch != epoch):
			t.Fatalf("request %d: it is marked as %+v, and the epoch is %d", k, mark, epoch)
		case err != nil && (mark != nil || !strings.Contains(err.Error(), "somebody else has become the controller meanwhile")):
			t.Fatalf("request %d: %v, and it is marked as %+v", k, err, mark)
		case err != nil:
			refused++
		default:
			went++
		}
	}
	if refused < 3 || went < 3 {
		t.Errorf("%d were refused, %d went on", refused, went)
	}
}
