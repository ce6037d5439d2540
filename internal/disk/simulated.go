package disk

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/skein-io/skein/internal/sim"
)

// ErrCrashed is what every operation of a process gets whose life on a simulated disk has ended.
var ErrCrashed = errors.New("the simulated machine crashed")

// simulatedEpoch is the time that a simulated disk begins with: 2026-01-01 in milliseconds since 1970.
const simulatedEpoch int64 = 1_767_225_600_000

// SimulatedOptions are what a simulated disk starts from. The zero value is usable.
type SimulatedOptions struct {
	Seed          uint64       // decides what crashes leave
	SpaceBytesMax uint64       // how much fits; default 1 TiB. Files count in pages of 4096 bytes, holes do not
	Now           func() int64 // milliseconds since 1970, for ModTime; default goes on 1 ms an operation
	TraceLinesMax int          // default 100,000, the newest
}

// Simulated is one process's view of a disk in memory. The disk forgets at a crash what was not synced, tears what was
// being written, rots, fills and fails on command. It is safe for concurrent use, and deterministic when one goroutine
// drives it: the seed and the operations decide everything.
//
// A test opens what it tests on it, calls Crash, and opens it again on what Crash returns. Goroutines of the first life
// that are still running get ErrCrashed from then on and can spoil nothing.
type Simulated struct {
	m     *machine
	dead  bool // guarded by m.mu, as is all below
	files map[*simulatedFile]struct{}
	locks map[*simulatedLock]struct{}
}

var _ FS = (*Simulated)(nil)

// machine is the disk itself, and the kernel that caches it. Every field is guarded by mu.
type machine struct {
	mu      sync.Mutex
	root    *inode
	journal journal
	dirty   map[*inode]struct{} // files with pending operations; only ever walked where order does not matter
	used    int                 // pages
	views   []*Simulated        // the processes that are alive
	locked  map[*inode]struct{}

	options SimulatedOptions
	rand    *sim.Rand
	crashes int
	calls   uint64
	faults  faults
	hook    func(Call) error
	trace   *sim.Trace
}

// NewSimulated makes an empty disk and the first process on it.
func NewSimulated(o SimulatedOptions) *Simulated {
	if o.SpaceBytesMax == 0 {
		o.SpaceBytesMax = 1 << 40
	}
	if o.TraceLinesMax == 0 {
		o.TraceLinesMax = 100_000
	}
	return newMachine(o, sim.NewRand(o.Seed).Fork("disk"), newDir(simulatedEpoch)).attach()
}

func newMachine(o SimulatedOptions, r *sim.Rand, root *inode) *machine {
	m := &machine{options: o, rand: r, root: root, dirty: map[*inode]struct{}{}, locked: map[*inode]struct{}{},
		trace: sim.NewTrace(o.TraceLinesMax)}
	m.used = usedPages(root)
	return m
}

func (m *machine) attach() *Simulated {
	s := &Simulated{m: m, files: map[*simulatedFile]struct{}{}, locks: map[*simulatedLock]struct{}{}}
	m.views = append(m.views, s)
	return s
}

// Attach starts another process on the same disk: it sees the same files, and is kept out by the first one's locks.
func (s *Simulated) Attach() *Simulated {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.m.attach()
}

// Kill ends the process as kill -9 does, and starts another: locks are free, open files gone, but the machine runs on,
// so what was written is there, as un-synced as it was.
func (s *Simulated) Kill() *Simulated {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.end()
	return s.m.attach()
}

// Crash is a loss of power: every process on the disk ends. It returns a process on a disk that holds what was synced
// and whatever the seed lets survive of the rest. Faults, hook and trace stay behind.
func (s *Simulated) Crash() *Simulated {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	next := s.m.crash(nil)
	for _, view := range slices.Clone(s.m.views) {
		view.end()
	}
	return next
}

// CrashClone is what Crash would return, and nobody ends: the same disk can be crashed after each operation, or many
// times at one. r decides what survives; nil takes the next stream of the disk's seed.
func (s *Simulated) CrashClone(r *sim.Rand) *Simulated {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.m.crash(r)
}

func (m *machine) crash(r *sim.Rand) *Simulated {
	if r == nil {
		m.crashes++
		r = m.rand.Fork(fmt.Sprint("crash ", m.crashes))
	}
	return newMachine(m.options, r.Fork("next"), m.crashed(r)).attach()
}

// end closes everything that the process has.
func (s *Simulated) end() {
	if s.dead {
		return
	}
	s.dead = true
	for f := range s.files {
		f.release()
	}
	for l := range s.locks {
		l.release()
	}
	s.m.views = slices.DeleteFunc(s.m.views, func(view *Simulated) bool { return view == s })
}

// SetHook calls hook before each operation, without a lock held: it may crash or clone the disk, inject a fault, or in
// a synctest bubble sleep. An error from it fails the operation as a Fault would. nil takes the hook away.
func (s *Simulated) SetHook(hook func(Call) error) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.hook = hook
}

// FailAt lets the k-th operation of a kind from now on fail, once; 1 is the next.
func (s *Simulated) FailAt(op Op, k int, err error) { s.Inject(Fault{Op: op, Skip: k - 1, Err: err}) }

// Inject adds a fault.
func (s *Simulated) Inject(f Fault) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if f.Count == 0 {
		f.Count = 1
	}
	s.m.faults.list = append(s.m.faults.list, &f)
}

// ClearFaults takes every fault away.
func (s *Simulated) ClearFaults() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.faults.list = nil
}

// Fired tells how many operations have failed by a fault. A loop over k ends when nothing fires any more.
func (s *Simulated) Fired() int {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.m.faults.fired
}

// Calls tells how many operations there were.
func (s *Simulated) Calls() uint64 {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.m.calls
}

// Trace returns the operations that changed something or failed, one line each, such as "write t-0/0.log @0 +120",
// "rename a b", "sync a = input/output error".
func (s *Simulated) Trace() []string {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.m.trace.Lines()
}

// ResetTrace forgets the lines so far.
func (s *Simulated) ResetTrace() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.trace = sim.NewTrace(s.m.options.TraceLinesMax)
}

// SetSpace changes how many bytes fit.
func (s *Simulated) SetSpace(bytesMax uint64) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.options.SpaceBytesMax = bytesMax
}

// Flip turns one bit of a file over, on the disk and in the cache, as bit rot does. Bit 0 is the lowest of the first
// byte; one beyond the end is an error.
func (s *Simulated) Flip(name string, bit int64) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	f, err := s.m.find(name)
	if err != nil {
		return fmt.Errorf("flip %s: %w", name, err)
	}
	if f.dir || bit < 0 || bit/8 >= f.live.size {
		return fmt.Errorf("flip %s: no bit %d", name, bit)
	}
	for _, im := range []*image{&f.live, &f.disk} {
		var b [1]byte
		if im.readAt(b[:], bit/8) == 1 {
			im.writeAt([]byte{b[0] ^ 1<<(bit%8)}, bit/8)
		}
	}
	return nil
}

// do is the way of every operation: number it, ask the hook, take a fault, run it, note it. run gets the failure that
// was injected, if any, and decides what of the operation still happens.
func (s *Simulated) do(c Call, run func(fail *failure) error) error {
	m := s.m
	m.mu.Lock()
	m.calls++
	c.Number = m.calls
	hook := m.hook
	m.mu.Unlock()
	var hooked error
	if hook != nil {
		hooked = hook(c)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.dead {
		return ErrCrashed
	}
	var fail *failure
	if f, ok := m.faults.next(c); ok {
		fail = &f
	}
	if hooked != nil {
		fail = &failure{err: hooked}
	}
	err := run(fail)
	if c.Op.Changes() || fail != nil {
		m.trace.Line(c.line(err))
	}
	return err
}

// doNamed is do for an operation that fails whole, with the error of a system call about one name.
func (s *Simulated) doNamed(c Call, run func() error) error {
	return s.do(c, func(fail *failure) error {
		err := failed(fail)
		if err == nil {
			err = run()
		}
		return pathError(c, err)
	})
}

func (m *machine) now() int64 {
	if m.options.Now != nil {
		return m.options.Now()
	}
	return simulatedEpoch + int64(m.calls)
}
