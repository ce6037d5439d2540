package commitlog

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
)

// failAt runs a history in which the k-th operation of some kinds fails, and checks what a failure may lead to. fired
// is false when the history ended before.
func failAt(w *world, k int, cause error, short int, ops ...disk.Op) (fired bool, wrong error) {
	if err := w.open(); err != nil {
		return false, err
	}
	matching, failed := 0, false
	w.fs.SetHook(func(c disk.Call) error {
		for _, op := range ops {
			if c.Op == op {
				matching++
			}
		}
		if !failed && matching == k {
			failed = true
			w.namesLost = c.Op == disk.OpSyncDir || c.Op == disk.OpSyncAll
			if short > 0 {
				w.fs.Inject(disk.Fault{Op: c.Op, Name: c.Name, Err: cause, Short: short})
				return nil
			}
			return cause
		}
		return nil
	})
	for range 100 {
		if err := w.step(); err != nil {
			if !failed {
				return failed, fmt.Errorf("failed without a fault: %w", err)
			}
			if w.d.Offline() != nil || w.d.closed || w.l == nil || !full(err) {
				break
			}
		}
	}
	w.fs.SetHook(nil)
	if !failed {
		return false, nil
	}
	if err := afterFault(w, cause); err != nil {
		lines := append(w.lines, w.fs.Trace()...)
		return true, fmt.Errorf("%w\n%s", err, strings.Join(lines[max(0, len(lines)-60):], "\n"))
	}
	return true, nil
}

// afterFault checks a directory that saw a fault: offline, it takes nothing and leaves no note of a clean end; and
// whatever it acknowledged is there after a crash and after a kill.
func afterFault(w *world, cause error) error {
	if err := w.d.Offline(); err != nil {
		if !errors.Is(err, cause) {
			return fmt.Errorf("offline for another reason: %w", err)
		}
		durable := w.l.DurableEnd()
		if _, err := w.l.Append(batch(w.t, testNow, "late"), AppendOptions{Now: testNow}); protocol.CodeOf(err) != protocol.KafkaStorageError {
			return fmt.Errorf("an offline directory took an append: %w", err)
		}
		if err := w.d.Round(); err == nil {
			return errors.New("an offline directory syncs")
		}
		if w.l.DurableEnd() != durable {
			return errors.New("the durable end moved in an offline directory")
		}
		if closed := w.d.closed; w.d.Close() == nil && !closed {
			return errors.New("an offline directory closes without an error")
		}
		if _, err := w.fs.Stat(cleanShutdown); err == nil {
			return errors.New("a note of a clean end was left after an error")
		}
	}
	if err := verify(w.t, w.fs.CrashClone(nil), w.config, w.want.clone(), w.faults); err != nil {
		return fmt.Errorf("after a crash: %w", err)
	}
	if w.namesLost { // the journal of the file system is broken: no process can do anything about names
		return nil
	}
	if err := verify(w.t, w.fs.Kill(), w.config, w.want.clone(), w.faults); err != nil {
		return fmt.Errorf("after a kill: %w", err)
	}
	return nil
}

// everyFailure lets call 1, 2, 3 and so on fail, up to 200, until the history has no more such calls.
func everyFailure(t *testing.T, cause error, short int, ops ...disk.Op) {
	t.Helper()
	for _, make := range []func(testing.TB, uint64, *faults) *world{newWorld, compacting} {
		for k := 1; k <= 200; k += slowdown {
			fired, err := failAt(make(t, 5, nil), k, cause, short, ops...)
			if err != nil {
				t.Fatalf("call %d: %v", k, err)
			}
			if !fired {
				break
			}
		}
	}
}

func TestSyncFailsAtEveryCall(t *testing.T) {
	everyFailure(t, syscall.EIO, 0, disk.OpSync, disk.OpSyncDir, disk.OpSyncAll)
}

func TestWriteFailsAtEveryCall(t *testing.T) { everyFailure(t, syscall.EIO, 0, disk.OpWrite) }

func TestShortWriteAtEveryCall(t *testing.T) { everyFailure(t, syscall.EIO, 7, disk.OpWrite) }

func TestDiskFullAtEveryCall(t *testing.T) {
	everyFailure(t, syscall.ENOSPC, 0, disk.OpWrite, disk.OpCreate, disk.OpTruncate, disk.OpRename)
}

func TestShortWriteOnFullDiskAtEveryCall(t *testing.T) {
	everyFailure(t, syscall.ENOSPC, 7, disk.OpWrite)
}

func TestReadFailsAtEveryCall(t *testing.T) { everyFailure(t, syscall.EIO, 0, disk.OpRead) }

func TestNameOperationsFailAtEveryCall(t *testing.T) {
	everyFailure(t, syscall.EIO, 0, disk.OpCreate, disk.OpRename, disk.OpRemove, disk.OpOpen, disk.OpList, disk.OpMkdir)
}
