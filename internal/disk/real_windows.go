package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// syncDirectory does nothing: NTFS journals names itself and has no call for it.
func syncDirectory(*os.File) error { return nil }

func lockFile(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}

// unlockFile does nothing: no child inherits the handle, so its close ends the lock.
func unlockFile(*os.File) error { return nil }

func spaceOf(dir *os.File) (Space, error) {
	name, err := windows.UTF16PtrFromString(dir.Name())
	if err != nil {
		return Space{}, err
	}
	var s Space
	var freeToAll uint64
	err = windows.GetDiskFreeSpaceEx(name, &s.Free, &s.Total, &freeToAll)
	return s, err
}
