package line

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// ErrUnsupported is what a handler returns when its library has no such call.
var ErrUnsupported = errors.New("the library has no such call")

// Handler runs one command. The value it returns, if not nil, goes into the
// Data of the done event.
type Handler func(s *Session, r Request) (any, error)

// Session is a client program's end of the conversation. Emit is safe for
// concurrent use.
type Session struct {
	mu      sync.Mutex
	out     *bufio.Writer
	current atomic.Int64
	stop    atomic.Bool
	commits atomic.Int64
}

// Serve runs commands from stdin until it ends. Each command is looked up by
// its name.
func Serve(handlers map[string]Handler) {
	s := &Session{out: bufio.NewWriterSize(os.Stdout, 1<<16)}
	requests := make(chan Request)
	go s.read(os.Stdin, requests)
	for r := range requests {
		s.current.Store(int64(r.ID))
		s.stop.Store(false)
		s.commits.Store(0)
		s.finish(run(handlers[r.Cmd], s, r))
	}
}

func run(h Handler, s *Session, r Request) (any, error) {
	if h == nil {
		return nil, ErrUnsupported
	}
	return h(s, r)
}

// read hands commands on, one at a time, and takes the two words itself.
func (s *Session) read(in io.Reader, requests chan<- Request) {
	defer close(requests)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r Request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			fmt.Fprintln(os.Stderr, "bad command:", err)
			continue
		}
		switch r.Cmd {
		case "stop":
			s.stop.Store(true)
		case "commit":
			s.commits.Add(int64(r.N))
		default:
			requests <- r
		}
	}
	s.stop.Store(true)
}

// Stopped tells a running command that it should end politely.
func (s *Session) Stopped() bool { return s.stop.Load() }

// TakeCommits returns how many commits were asked for since the last call.
func (s *Session) TakeCommits() int { return int(s.commits.Swap(0)) }

// Emit sends one event of the present command. Records and acks are buffered
// until Flush or the next event of another kind.
func (s *Session) Emit(e Event) {
	e.ID = int(s.current.Load())
	text, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("event %+v: %v", e, err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.out.Write(append(text, '\n')) // a broken pipe ends the program at the next read of stdin
	if e.E != Rec && e.E != Ack {
		_ = s.out.Flush()
	}
}

// Flush sends what Emit has buffered.
func (s *Session) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.out.Flush()
}

func (s *Session) finish(data any, err error) {
	switch {
	case errors.Is(err, ErrUnsupported):
		s.Emit(Event{E: Unsupported})
	case err != nil:
		s.Emit(Event{E: Failed, Error: err.Error()})
	default:
		e := Event{E: Done}
		if data != nil {
			e.Data, _ = json.Marshal(data)
		}
		s.Emit(e)
	}
}
