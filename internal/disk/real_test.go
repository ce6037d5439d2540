package disk

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func openReal(t *testing.T, root string) *Real {
	t.Helper()
	d, err := OpenReal(root)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func TestRealConforms(t *testing.T) {
	testConformance(t, func(t *testing.T) FS { return openReal(t, filepath.Join(t.TempDir(), "made", "here")) })
}

func TestRealFileGivesItsDescriptor(t *testing.T) {
	d := openReal(t, t.TempDir())
	f := create(t, d, "a", "x")
	descriptor, ok := f.(Descriptor)
	if !ok {
		t.Fatalf("%T is no Descriptor", f)
	}
	_, err := descriptor.SyscallConn()
	must(t, err)
}

func TestRealModes(t *testing.T) {
	root := t.TempDir()
	d := openReal(t, root)
	must(t, d.MkdirAll("dir/inner"))
	create(t, d, "dir/f", "")
	held, err := d.Lock("dir/.lock")
	must(t, err)
	must(t, held.Close())
	for name, want := range map[string]os.FileMode{"dir": 0o700, "dir/inner": 0o700, "dir/f": 0o600, "dir/.lock": 0o600} {
		info, err := os.Stat(filepath.Join(root, name))
		must(t, err)
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

// Symbolic links that lead out of the root are refused, whatever is done through them.
func TestRealRefusesLinksOut(t *testing.T) {
	outside := t.TempDir()
	must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("s"), 0o600))
	root := t.TempDir()
	d := openReal(t, root)
	must(t, os.Symlink(outside, filepath.Join(root, "dir")))
	must(t, os.Symlink(filepath.Join(outside, "secret"), filepath.Join(root, "file")))
	must(t, os.Symlink("../"+filepath.Base(outside), filepath.Join(root, "relative")))

	_, openErr := d.Open("file")
	_, throughErr := d.Open("dir/secret")
	_, relativeErr := d.Open("relative/secret")
	_, createErr := d.Create("dir/new")
	_, listErr := d.List("dir")
	_, lockErr := d.Lock("file")
	_, statErr := d.Stat("dir/secret")
	for op, err := range map[string]error{
		"open": openErr, "open through": throughErr, "open relative": relativeErr, "create": createErr, "list": listErr,
		"lock": lockErr, "stat": statErr, "mkdir": d.MkdirAll("dir/new"), "syncdir": d.SyncDir("dir"),
		"remove": d.Remove("dir/secret"), "removeall": d.RemoveAll("dir/secret"), "rename": d.Rename("dir/secret", "x"),
	} {
		if err == nil {
			t.Errorf("%s through a link that leads out was not refused", op)
		}
	}
	must(t, d.RemoveAll("dir")) // the link goes, not what it names
	if _, err := os.Stat(filepath.Join(outside, "secret")); err != nil {
		t.Errorf("the file outside is gone: %v", err)
	}
}

func TestRealLockKeepsASecondOpenerOut(t *testing.T) {
	root := t.TempDir()
	first, second := openReal(t, root), openReal(t, root)
	held, err := first.Lock(".lock")
	must(t, err)
	_, err = second.Lock(".lock")
	wantErr(t, err, ErrLocked)
	must(t, held.Close())
	held, err = second.Lock(".lock")
	must(t, err)
	must(t, held.Close())
}

// The other process is this test binary again: it says by its exit code whether it got the lock.
func TestRealLockKeepsAnotherProcessOut(t *testing.T) {
	const locked = 7
	if root := os.Getenv("DISK_TEST_LOCK_ROOT"); root != "" {
		_, err := openReal(t, root).Lock(".lock")
		if errors.Is(err, ErrLocked) {
			os.Exit(locked)
		}
		os.Exit(0) // the lock, if it was had, ends with the process
	}
	root := t.TempDir()
	d := openReal(t, root)
	held, err := d.Lock(".lock")
	must(t, err)
	again := func() int {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRealLockKeepsAnotherProcessOut$")
		cmd.Env = append(os.Environ(), "DISK_TEST_LOCK_ROOT="+root)
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode()
	}
	if code := again(); code != locked {
		t.Errorf("the other process ended with %d while the lock was held, want %d", code, locked)
	}
	must(t, held.Close())
	if code := again(); code != 0 {
		t.Errorf("the other process ended with %d after the lock was released, want 0", code)
	}
	held, err = d.Lock(".lock")
	must(t, err)
	must(t, held.Close())
}
