package line

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Client is a running client program, seen from the orchestrator. Send and
// Wait are for one goroutine; Kill and Stop may come from any.
type Client struct {
	name   string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *tail
	gone   chan struct{}

	mu   sync.Mutex
	next int
	runs map[int]*Run
}

// Run is one command that a client program works on.
type Run struct {
	// Events receives everything the command says but its end. It is called
	// from one goroutine, in order, together with the time of arrival.
	onEvent func(Event, time.Time)
	end     chan struct{}
	last    Event
	client  *Client
}

// Start runs a client program in a process group of its own.
func Start(name string, argv []string, env []string) (*Client, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(cmd.Environ(), env...)
	cmd.SysProcAttr = ownGroup()
	c := &Client{name: name, cmd: cmd, stderr: &tail{}, gone: make(chan struct{}), runs: map[int]*Run{}}
	cmd.Stderr = c.stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.stdin = stdin
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go c.read(stdout)
	return c, nil
}

// Send starts a command. onEvent may be nil.
func (c *Client) Send(r Request, onEvent func(Event, time.Time)) *Run {
	if onEvent == nil {
		onEvent = func(Event, time.Time) {}
	}
	run := &Run{onEvent: onEvent, end: make(chan struct{}), client: c}
	c.mu.Lock()
	c.next++
	r.ID = c.next
	c.runs[r.ID] = run
	c.mu.Unlock()
	c.write(r)
	return run
}

// Call runs a command to its end and returns its Data.
func (c *Client) Call(ctx context.Context, r Request, onEvent func(Event, time.Time)) (json.RawMessage, error) {
	return c.Send(r, onEvent).Wait(ctx)
}

// Stop asks the running command to end politely.
func (c *Client) Stop() { c.write(Request{Cmd: "stop"}) }

// Commit asks the running group member for n synchronous commits.
func (c *Client) Commit(n int) { c.write(Request{Cmd: "commit", N: n}) }

// Kill sends SIGKILL to the program and its children, and waits.
func (c *Client) Kill() {
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	<-c.gone
}

// Pause stops the program and its children with SIGSTOP, Resume lets them go on.
func (c *Client) Pause() error { return syscall.Kill(-c.cmd.Process.Pid, syscall.SIGSTOP) }

// Resume ends a Pause.
func (c *Client) Resume() error { return syscall.Kill(-c.cmd.Process.Pid, syscall.SIGCONT) }

// Close ends the program: politely, by the end of its stdin, then by force.
func (c *Client) Close() {
	_ = c.stdin.Close()
	select {
	case <-c.gone:
	case <-time.After(3 * time.Second):
		c.Kill()
	}
}

// Running reports whether the program still runs.
func (c *Client) Running() bool {
	select {
	case <-c.gone:
		return false
	default:
		return true
	}
}

// Stderr is the end of what the program wrote to stderr.
func (c *Client) Stderr() string { return c.stderr.String() }

func (c *Client) write(r Request) {
	text, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("command %+v: %v", r, err))
	}
	_, _ = c.stdin.Write(append(text, '\n')) // a program that is gone ends its runs by itself
}

// read hands events to their runs until the program's stdout ends.
func (c *Client) read(stdout io.Reader) {
	lines := bufio.NewReaderSize(stdout, 1<<20)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var e Event
		if err := json.Unmarshal(text, &e); err != nil {
			_, _ = c.stderr.Write([]byte("not an event: " + string(text)))
			continue
		}
		c.dispatch(e, time.Now())
	}
	exit := c.cmd.Wait()
	close(c.gone)
	c.endAll(fmt.Sprintf("the program ended (%v): %s", exit, c.stderr))
}

func (c *Client) dispatch(e Event, at time.Time) {
	c.mu.Lock()
	run := c.runs[e.ID]
	c.mu.Unlock()
	if run == nil {
		return
	}
	switch e.E {
	case Done, Failed, Unsupported:
		c.mu.Lock()
		delete(c.runs, e.ID)
		c.mu.Unlock()
		run.last = e
		close(run.end)
	default:
		run.onEvent(e, at)
	}
}

func (c *Client) endAll(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, run := range c.runs {
		delete(c.runs, id)
		run.last = Event{E: Failed, Error: reason}
		close(run.end)
	}
}

// Wait returns the Data of a command once it ended. It is ErrUnsupported where
// the library has no such call.
func (r *Run) Wait(ctx context.Context) (json.RawMessage, error) {
	select {
	case <-r.end:
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: no end of the command: %w; %s", r.client.name, ctx.Err(), r.client.stderr)
	}
	switch r.last.E {
	case Done:
		return r.last.Data, nil
	case Unsupported:
		return nil, ErrUnsupported
	default:
		return nil, errors.New(strings.TrimSpace(r.last.Error))
	}
}

// Ended is closed once the command has ended.
func (r *Run) Ended() <-chan struct{} { return r.end }

// tail keeps the last 2,000 bytes written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	t.b = t.b[max(0, len(t.b)-2000):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.b))
}
