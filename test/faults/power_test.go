//go:build linux

package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// ext4Shutdown is EXT4_IOC_SHUTDOWN, and dropTheLog its way in which not even the journal is written: what was not synced
// is gone, as when the power fails.
const (
	ext4Shutdown = 0x8004587d
	dropTheLog   = 2
)

// volume is an ext4 file system of its own in a file.
type volume struct {
	t         *testing.T
	file, dir string
	mounted   bool
}

// newVolume makes a file system and mounts it. It needs root; without it the test is left out.
func newVolume(t *testing.T, mibs int64) *volume {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a file system of its own needs root: sudo make faults")
	}
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		t.Skip("a file system of its own needs mkfs.ext4: on Debian, apt-get install e2fsprogs")
	}
	root := t.TempDir()
	v := &volume{t: t, file: filepath.Join(root, "image"), dir: filepath.Join(root, "mounted")}
	f, err := os.Create(v.file)
	if err == nil {
		err = f.Truncate(mibs * mib)
	}
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.Mkdir(v.dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	v.run("mkfs.ext4", "-q", "-F", v.file)
	v.mount()
	t.Cleanup(func() {
		if v.mounted {
			v.unmount()
		}
	})
	return v
}

func (v *volume) run(name string, args ...string) {
	v.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		v.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func (v *volume) mount() {
	v.t.Helper()
	v.run("mount", "-o", "loop", v.file, v.dir)
	v.mounted = true
}

func (v *volume) unmount() {
	v.t.Helper()
	v.run("umount", v.dir)
	v.mounted = false
}

// cut is the loss of power: whatever was not synced never reaches the disk. Every call after it fails.
func (v *volume) cut() {
	v.t.Helper()
	root, err := unix.Open(v.dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		v.t.Fatal(err)
	}
	defer unix.Close(root) //nolint:errcheck // it was only read
	if err := unix.IoctlSetPointerInt(root, ext4Shutdown, dropTheLog); err != nil {
		v.t.Fatalf("EXT4_IOC_SHUTDOWN: %v", err)
	}
}

// restore mounts the volume again as it was when the power failed. No process may use it.
func (v *volume) restore() {
	v.t.Helper()
	v.unmount()
	v.mount()
}

// TestPowerLossDropsWhatWasNotSynced: what the tests of lost power stand on.
func TestPowerLossDropsWhatWasNotSynced(t *testing.T) {
	v := newVolume(t, 32)
	write := func(name string, sync bool) {
		t.Helper()
		f, err := os.Create(filepath.Join(v.dir, name))
		if err == nil {
			_, err = f.WriteString(name)
		}
		if err == nil && sync {
			err = f.Sync()
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("synced", true)
	write("written", false)
	v.cut()
	if err := os.WriteFile(filepath.Join(v.dir, "late"), nil, 0o600); err == nil {
		t.Error("a file is made after the power failed")
	}
	v.restore()
	if got, err := os.ReadFile(filepath.Join(v.dir, "synced")); err != nil || string(got) != "synced" {
		t.Errorf("what was synced is %q, %v", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(v.dir, "written")); err == nil && len(got) > 0 {
		t.Errorf("what was not synced is there: %q", got)
	}
}
