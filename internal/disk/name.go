package disk

import (
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// nameBytesMax bounds one element of a name, as Linux file systems do.
const nameBytesMax = 255

// checkName refuses what is not a plain slash-separated name below the root: the empty name, absolute names, "..",
// doubled or trailing slashes, NUL, backslashes and whatever the platform reserves. Both implementations call it
// first, so a name that leaves the root is refused alike, with fs.ErrInvalid, before a system call sees it.
func checkName(op, name string) error {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\x00\\") || !filepath.IsLocal(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	for element := range strings.SplitSeq(name, "/") {
		if len(element) > nameBytesMax {
			return &fs.PathError{Op: op, Path: name, Err: syscall.ENAMETOOLONG}
		}
	}
	return nil
}

// checkBelow is checkName for operations that would change the name itself: the root cannot be made or removed.
func checkBelow(op, name string) error {
	if name == "." {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return checkName(op, name)
}
