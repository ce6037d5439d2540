package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/skein-io/skein/internal/sim"
)

// FuzzRealAgainstSimulated runs one sequence of operations, three bytes each, on both disks: every answer and the tree
// at the end must be alike.
func FuzzRealAgainstSimulated(f *testing.F) {
	r := sim.NewRand(1)
	for range 200 {
		program := make([]byte, 3*(1+r.IntN(60)))
		for i := range program {
			program[i] = byte(r.IntN(256))
		}
		f.Add(program)
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 600 {
			return
		}
		simulated := newProgram(NewSimulated(SimulatedOptions{}))
		real := newProgram(openReal(t, t.TempDir()))
		defer real.close()
		for at := 0; at+3 <= len(program); at += 3 {
			op, a, b := program[at], program[at+1], program[at+2]
			want, got := real.run(op, a, b), simulated.run(op, a, b)
			if got != want {
				t.Fatalf("after %v\nthe simulated disk says %q, the real one %q", simulated.done, got, want)
			}
		}
		if got, want := fmt.Sprint(tree(t, simulated.d, ".")), fmt.Sprint(tree(t, real.d, ".")); got != want {
			t.Fatalf("after %v\nthe simulated tree is %s, the real one %s", simulated.done, got, want)
		}
	})
}

// program runs operations on one disk and writes down what it answers.
type program struct {
	d     FS
	files [4]File
	done  []string
}

func newProgram(d FS) *program { return &program{d: d} }

func (p *program) close() {
	for _, f := range p.files {
		if f != nil {
			f.Close() //nolint:errcheck // the end of a test
		}
	}
}

var programNames = []string{"a", "b", "d", "d/a", "d/e", "d/e/a", "d/e/f", "c", ".", "b/x"}

func (p *program) run(op, a, b byte) string {
	name, to := programNames[int(a)%len(programNames)], programNames[int(b)%len(programNames)]
	what, answer := p.names(op%16, name, to, int(b))
	if what == "" {
		what, answer = p.file(op%16, int(a), int(b))
	}
	p.done = append(p.done, what)
	return answer
}

func (p *program) names(op byte, name, to string, slot int) (what, answer string) {
	switch op {
	case 0, 1:
		f, err := p.d.Create(name)
		p.keep(slot, f, err)
		return "create " + name, kind(err)
	case 2:
		f, err := p.d.Open(name)
		p.keep(slot, f, err)
		return "open " + name, kind(err)
	case 3:
		return "mkdir " + name, kind(p.d.MkdirAll(name))
	case 4, 5:
		return "rename " + name + " " + to, kind(p.d.Rename(name, to))
	case 6:
		return "remove " + name, kind(p.d.Remove(name))
	case 7:
		return "removeall " + name, kind(p.d.RemoveAll(name))
	case 8:
		e, err := p.d.Stat(name)
		return "stat " + name, fmt.Sprint(e.Name, e.Dir, e.Size, kind(err))
	case 9:
		entries, err := p.d.List(name)
		var names []string
		for _, e := range entries {
			names = append(names, fmt.Sprint(e.Name, e.Dir, e.Size))
		}
		return "list " + name, strings.Join(names, " ") + kind(err)
	}
	return "", ""
}

func (p *program) keep(slot int, f File, err error) {
	if err != nil {
		return
	}
	if old := p.files[slot%4]; old != nil {
		old.Close() //nolint:errcheck // only its closing matters here
	}
	p.files[slot%4] = f
}

func (p *program) file(op byte, a, b int) (what, answer string) {
	f := p.files[a%4]
	if f == nil {
		return "nothing", ""
	}
	at := int64(b) * 37
	switch op {
	case 10, 11: // of at least one byte: what has none asks nothing of a file, so only the simulated disk refuses it of a closed one
		n, err := f.WriteAt([]byte(strings.Repeat(string(rune('a'+b%26)), 1+a*5)), at)
		return fmt.Sprint("write ", f.Name(), " ", at), fmt.Sprint(n, kind(err))
	case 12:
		buffer := make([]byte, 1+a*7)
		n, err := f.ReadAt(buffer, at)
		return fmt.Sprint("read ", f.Name(), " ", at), fmt.Sprint(string(buffer[:n]), kind(err))
	case 13:
		return fmt.Sprint("truncate ", f.Name(), " ", at), kind(f.Truncate(at))
	case 14:
		size, err := f.Size()
		return "size " + f.Name(), fmt.Sprint(size, kind(err))
	}
	return "close " + f.Name(), kind(f.Close())
}

// kind is an error as callers tell errors apart.
func kind(err error) string {
	for _, k := range []error{fs.ErrNotExist, fs.ErrInvalid, syscall.ENOTEMPTY, fs.ErrExist, fs.ErrClosed, syscall.EISDIR,
		syscall.ENOTDIR, syscall.EINVAL} {
		if errors.Is(err, k) {
			return "!" + k.Error()
		}
	}
	return fmt.Sprint(err)
}
