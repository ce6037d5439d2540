package logdump

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/skein-io/skein/internal/record"
)

// kind is what a file is, by its name.
type kind int

const (
	unknown kind = iota
	logFile
	offsetIndex
	timeIndex
	txnIndex
	producerSnapshot
	epochCheckpoint
	partitionMetadata
	metaProperties
	durableMark
)

// leftover is behind the names of files that a running or a dead broker has not finished with.
var leftovers = []string{".deleted", ".cleaned", ".swap"}

var suffixes = map[string]kind{
	".log": logFile, ".index": offsetIndex, ".timeindex": timeIndex, ".txnindex": txnIndex, ".snapshot": producerSnapshot,
}

var fixedNames = map[string]kind{
	"leader-epoch-checkpoint": epochCheckpoint, "partition.metadata": partitionMetadata,
	"meta.properties": metaProperties, "durable-mark": durableMark,
}

// classify says what a file is, and for the files of a segment the offset in its name. leftover files are those of a
// deletion or compaction under way.
func classify(name string) (k kind, base record.Offset, leftover bool) {
	for _, suffix := range leftovers {
		if rest, ok := strings.CutSuffix(name, suffix); ok {
			name, leftover = rest, true
		}
	}
	if k, ok := fixedNames[name]; ok {
		return k, 0, leftover
	}
	dot := strings.IndexByte(name, '.')
	if dot < 1 {
		return unknown, 0, leftover
	}
	n, err := strconv.ParseUint(name[:dot], 10, 63)
	if err != nil {
		return unknown, 0, leftover
	}
	return suffixes[name[dot:]], record.Offset(n), leftover
}

// topicOf splits a folder's name at its last hyphen: orders-3. ok is false for a folder that is no partition's.
func topicOf(folder string) (topic string, partition int32, ok bool) {
	at := strings.LastIndexByte(folder, '-')
	if at < 1 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(folder[at+1:], 10, 31)
	if err != nil {
		return "", 0, false
	}
	return folder[:at], int32(n), true
}

// source is a tree of files that is only read.
type source struct {
	files fs.FS
	// name is the root as the user gave it, for messages.
	name string
}

// openPath opens the folder that holds a file, or the folder itself. file is "" for a folder. folder is the name of the
// folder that was opened, which tells the topic.
func openPath(name string) (s source, file, folder string, closer io.Closer, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return s, "", "", nil, err
	}
	dir := name
	if !info.IsDir() {
		dir, file = filepath.Dir(name), filepath.Base(name)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return s, "", "", nil, err
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return s, "", "", nil, errors.Join(err, root.Close())
	}
	return source{root.FS(), dir}, file, filepath.Base(absolute), root, nil
}

// sized is an open file of which the size was taken once: what a broker appends later does not count.
type sized struct {
	fs.File
	io.ReaderAt
	name string
	size int64
}

func (s source) open(name string) (*sized, error) {
	f, err := s.files.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	at, ok := f.(io.ReaderAt)
	if !ok || info.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s is not a file that can be read at a position", s.show(name)), f.Close())
	}
	return &sized{f, at, s.show(name), info.Size()}, nil
}

// smallBytesMax bounds the files that are read as a whole.
const smallBytesMax = 64 << 20

// small reads a whole file.
func (s source) small(name string) ([]byte, error) {
	f, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.size > smallBytesMax {
		return nil, fmt.Errorf("%s has %d bytes; files of its kind have at most %d", f.name, f.size, smallBytesMax)
	}
	b := make([]byte, f.size)
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return nil, err
	}
	return b, nil
}

// show is a name as the user would have to write it.
func (s source) show(name string) string { return filepath.Join(s.name, filepath.FromSlash(name)) }

// list returns the entries of a folder in order of their names.
func (s source) list(folder string) ([]fs.DirEntry, error) {
	return fs.ReadDir(s.files, path.Clean(folder))
}
