package tour

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/wiretap"
)

// process is a node's way to its disk. It ends when the node is killed, and what the node writes and syncs can be watched.
type process struct {
	disk.FS
	node  int32
	watch *watch
	dead  atomic.Bool
}

var errDead = errors.New("this node was killed")

func (p *process) alive() error {
	if p.dead.Load() {
		return errDead
	}
	return nil
}

// Happening is what a node did, as whoever watches the cluster saw it.
type Happening struct {
	Kind     HappeningKind
	Node     int32
	At       time.Time     // its end
	Took     time.Duration // of what was done to a file
	File     string
	Offset   int64 // in bytes
	Bytes    int
	Exchange wiretap.Exchange
}

// HappeningKind says which fields a Happening has.
type HappeningKind uint8

const (
	// Wrote is bytes in a file: in the page cache, if the disk is real.
	Wrote HappeningKind = iota
	// Synced is a file that is on the disk, as far as it was written.
	Synced
	// Asked is a request to another node, with its answer.
	Asked
)

// watch gives what happens to whoever wants it.
type watch struct {
	mu   sync.Mutex
	take func(Happening)
}

func (w *watch) set(take func(Happening)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.take = take
}

func (w *watch) tell(h Happening) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.take != nil {
		w.take(h)
	}
}

// Open implements disk.FS, as do the others.
func (p *process) Open(name string) (disk.File, error) { return p.file(p.FS.Open, name) }

func (p *process) Create(name string) (disk.File, error) { return p.file(p.FS.Create, name) }

func (p *process) file(open func(string) (disk.File, error), name string) (disk.File, error) {
	if err := p.alive(); err != nil {
		return nil, err
	}
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	return &processFile{f, p}, nil
}

func (p *process) MkdirAll(name string) error {
	return p.unlessDead(func() error { return p.FS.MkdirAll(name) })
}

func (p *process) Rename(from, to string) error {
	return p.unlessDead(func() error { return p.FS.Rename(from, to) })
}

func (p *process) Remove(name string) error {
	return p.unlessDead(func() error { return p.FS.Remove(name) })
}

func (p *process) RemoveAll(name string) error {
	return p.unlessDead(func() error { return p.FS.RemoveAll(name) })
}

func (p *process) SyncDir(name string) error {
	return p.unlessDead(func() error { return p.FS.SyncDir(name) })
}

// SyncAll syncs every file, which one happening tells: it names none.
func (p *process) SyncAll() error {
	begun := time.Now()
	err := p.unlessDead(p.FS.SyncAll)
	if err == nil {
		p.tell(Happening{Kind: Synced}, begun)
	}
	return err
}

func (p *process) tell(h Happening, begun time.Time) {
	h.Node, h.At = p.node, time.Now()
	h.Took = h.At.Sub(begun)
	p.watch.tell(h)
}

func (p *process) unlessDead(do func() error) error {
	if err := p.alive(); err != nil {
		return err
	}
	return do()
}

func (p *process) Space() (disk.Space, error) {
	if err := p.alive(); err != nil {
		return disk.Space{}, err
	}
	return p.FS.Space()
}

func (p *process) Lock(name string) (io.Closer, error) {
	if err := p.alive(); err != nil {
		return nil, err
	}
	return p.FS.Lock(name)
}

// processFile is a file that a process has open. Close and reading need no life.
type processFile struct {
	disk.File
	process *process
}

func (f *processFile) WriteAt(b []byte, offset int64) (int, error) {
	if err := f.process.alive(); err != nil {
		return 0, err
	}
	begun := time.Now()
	n, err := f.File.WriteAt(b, offset)
	f.process.tell(Happening{Kind: Wrote, File: f.Name(), Offset: offset, Bytes: n}, begun)
	return n, err
}

func (f *processFile) Truncate(size int64) error {
	return f.process.unlessDead(func() error { return f.File.Truncate(size) })
}

func (f *processFile) Sync() error {
	if err := f.process.alive(); err != nil {
		return err
	}
	begun := time.Now()
	err := f.File.Sync()
	if err == nil {
		f.process.tell(Happening{Kind: Synced, File: f.Name()}, begun)
	}
	return err
}

// SyscallConn implements disk.Descriptor, where the file does.
func (f *processFile) SyscallConn() (syscall.RawConn, error) {
	if d, ok := f.File.(disk.Descriptor); ok {
		return d.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
