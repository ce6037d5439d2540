package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// leftoversNamed is how many of a kind are named one by one, the largest first.
const leftoversNamed = 10

// leftovers are the kinds of things in a data directory that no topic uses and no broker removes, and what to do about
// them. In advice %s is the path.
var leftovers = []struct {
	kind   string // several of them
	is     func(fs.DirEntry) bool
	advice string
}{
	{"folders that end in -stray", folderThatEndsIn("-stray"),
		"a start kept it, since no topic has it; skein log dump %s shows what is in it; remove it if nobody needs that"},
	{"folders that end in -future", folderThatEndsIn("-future"),
		"another broker was copying a partition there, and skein does not read it; remove %s"},
	{"recordings of the group coordinator", isCrashRecording,
		"the coordinator came to a state that must not be and left this recording; skein group replay %s shows what led to it; report it, then remove it"},
}

func folderThatEndsIn(suffix string) func(fs.DirEntry) bool {
	return func(e fs.DirEntry) bool { return e.IsDir() && strings.HasSuffix(e.Name(), suffix) }
}

func isCrashRecording(e fs.DirEntry) bool {
	return e.Type().IsRegular() && strings.HasPrefix(e.Name(), "crash-group-") && strings.HasSuffix(e.Name(), ".jsonl")
}

// examineLeftovers names what takes room in a data directory for nothing.
func (f *findings) examineLeftovers(check, dir string, running bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.add(check, doubt, "it cannot be looked through: %v", err)
		return
	}
	for _, kind := range leftovers {
		var found []usage
		for _, e := range entries {
			if kind.is(e) {
				found = append(found, usageOf(filepath.Join(dir, e.Name()), everyFile))
			}
		}
		slices.SortStableFunc(found, func(a, b usage) int { return cmp.Compare(b.bytes, a.bytes) })
		named := min(len(found), leftoversNamed)
		for _, one := range found[:named] {
			f.add(check, doubt, "%s takes %s: "+kind.advice, filepath.Base(one.path), one, one.path)
		}
		if rest := total(found[named:]); len(found) > named {
			f.add(check, doubt, "%d more %s take %s", len(found)-named, kind.kind, rest)
		}
	}
	if waiting := usageOf(dir, awaitsRemoval); waiting.files > 0 && !running {
		f.add(check, fine, "%s of what was deleted or not finished; the next start removes it", waiting)
	}
}

// usage is the room that files take.
type usage struct {
	path  string
	files int
	bytes int64
	err   error // why it may be more
}

func (u usage) String() string {
	text := size(u.bytes) + " in " + plural(u.files, "file")
	if u.err != nil {
		return fmt.Sprintf("at least %s (%v)", text, u.err)
	}
	return text
}

func total(all []usage) (sum usage) {
	for _, one := range all {
		sum.files, sum.bytes, sum.err = sum.files+one.files, sum.bytes+one.bytes, cmp.Or(sum.err, one.err)
	}
	return sum
}

// usageOf counts the files below a path, or the path itself, that counts says yes to. A broker may run: what goes away
// meanwhile takes no room.
func usageOf(path string, counts func(path string) bool) usage {
	u := usage{path: path}
	gone := func(err error) bool { return errors.Is(err, fs.ErrNotExist) }
	u.err = filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if gone(err) {
			return nil
		}
		if err != nil || !e.Type().IsRegular() || !counts(name) {
			return err
		}
		info, err := e.Info()
		if gone(err) {
			return nil
		}
		if err == nil {
			u.files++
			u.bytes += info.Size()
		}
		return err
	})
	return u
}

func everyFile(string) bool { return true }

// awaitsRemoval knows the files that a start removes: of deleted logs and segments, of a compaction that did not come to
// its end, of a snapshot that was not written whole.
func awaitsRemoval(path string) bool {
	return strings.HasSuffix(filepath.Base(filepath.Dir(path)), "-delete") ||
		slices.Contains([]string{".deleted", ".cleaned", ".part"}, filepath.Ext(path))
}
