package logdump

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/protocol"
)

// Verify checks a file, a partition's folder or a whole data directory: every batch's length, CRC and claims, the order
// of offsets and epochs, that indexes point where they should, that the other files can be read, and that the log
// reaches as far as the durable mark says. With Deep it walks the records too. The error wraps ErrDamaged where
// something is wrong, and is another one where a file could not be read. A torn tail alone is no error.
func Verify(name string, options Options) (Report, error) {
	v := &verifier{options: options, meter: &meter{report: options.Progress}}
	info, err := os.Stat(name)
	if err != nil {
		return v.report, err
	}
	if name, err = filepath.Abs(name); err != nil {
		return v.report, err
	}
	if info.IsDir() {
		err = v.directory(name)
	} else {
		err = v.within(filepath.Dir(name), filepath.Base(name))
	}
	v.meter.end()
	if err != nil {
		return v.report, err
	}
	return v.report, v.report.err()
}

// verifier goes over a data directory, of which the source is the root.
type verifier struct {
	source  source
	options Options
	meter   *meter
	report  Report
	marks   map[logID]marked
}

type logID struct {
	topic     protocol.UUID
	partition int32
}

// directory checks a data directory or one partition's folder.
func (v *verifier) directory(name string) error {
	entries, err := os.ReadDir(name)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(entries, partitionFile) {
		return v.within(name, "")
	}
	var folders []string
	for _, e := range entries {
		if _, _, ok := topicOf(e.Name()); ok && e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	if len(folders) == 0 {
		return fmt.Errorf("%s is neither a data directory nor a partition's folder: it has no folder such as orders-0 and no .log file", name)
	}
	return v.inRoot(name, func() error {
		for _, f := range folders {
			if err := v.folder(f, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

func partitionFile(e fs.DirEntry) bool {
	k, _, _ := classify(e.Name())
	return !e.IsDir() && (k == logFile || k == partitionMetadata)
}

// within checks a partition's folder, or of it one file.
func (v *verifier) within(folder, file string) error {
	root, name := filepath.Split(folder)
	if k, _, _ := classify(file); k == durableMark || k == metaProperties { // these stand beside the folders
		root, name = folder, "."
	}
	return v.inRoot(root, func() error { return v.folder(name, file) })
}

func (v *verifier) inRoot(name string, check func() error) error {
	root, err := os.OpenRoot(name)
	if err != nil {
		return err
	}
	v.source = source{root.FS(), name}
	err = v.readMark()
	if err == nil {
		v.meter.total = v.totalBytes()
		err = check()
	}
	return errors.Join(err, root.Close())
}

// readMark reads the durable mark, if there is one: Kafka has none.
func (v *verifier) readMark() error {
	const name = "durable-mark"
	b, err := v.source.small(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	v.report.Files++
	all, err := parseMark(b)
	if err != nil {
		v.problem(Problem{File: name, Position: 0, Offset: -1, Class: Derived, What: err.Error(),
			Remedy: "without the mark a damaged end of a log cannot be told from a torn one; where a copy of the file of this moment exists, put it back"})
		return nil
	}
	v.marks = map[logID]marked{}
	for _, m := range all {
		id := logID{m.topicID, m.partition}
		if known, twice := v.marks[id]; !twice || m.end < known.end { // of two slots the lower is true
			v.marks[id] = m
		}
	}
	return nil
}

// totalBytes adds up the .log files; what cannot be read counts as nothing, which its check will say.
func (v *verifier) totalBytes() int64 {
	total := int64(0)
	_ = fs.WalkDir(v.source.files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if e.IsDir() && strings.Count(name, "/") > 0 {
			return fs.SkipDir
		}
		if k, _, leftover := classify(path.Base(name)); k == logFile && !leftover {
			if info, err := e.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}

// problem notes what is wrong; File is relative to the source's root.
func (v *verifier) problem(p Problem) {
	p.File = v.source.show(p.File)
	v.report.add(p)
}
