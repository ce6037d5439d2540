package services

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Broker is one broker process on loopback. Its methods are for one goroutine
// at a time, except Addr, Name and Dir, which never change.
type Broker interface {
	// Name is "skein" or "kafka".
	Name() string
	// Addr is the host:port that clients use.
	Addr() string
	// Dir holds the broker's data, its log output and nothing else.
	Dir() string
	// LogDir is the folder that holds the topic-partition folders.
	LogDir() string
	// PID is the process id while the broker runs, else 0.
	PID() int
	// Start runs the process and returns when it answers requests. On old data
	// it is a restart.
	Start(ctx context.Context) error
	// Stop sends SIGTERM, and SIGKILL after 30 s. It reports a bad exit.
	Stop() error
	// Kill sends SIGKILL and waits until the process is gone.
	Kill() error
}

// Options are what both kinds of broker are started with.
type Options struct {
	// Dir is created if it is missing.
	Dir string
	// Port 0 means a free one.
	Port int
	// Properties are Kafka property names; they overrule the package's own.
	Properties map[string]string
	// ReadyTimeout bounds Start; 0 means 90 s.
	ReadyTimeout time.Duration
}

// process is the part that both kinds share: one child and its log file.
type process struct {
	name    string
	addr    string
	dir     string
	timeout time.Duration

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed once cmd is gone
	err    error         // what Wait said, valid after exited
}

func newProcess(name string, o Options) (*process, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("data folder %q: %w", o.Dir, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	port := o.Port
	if port == 0 {
		if port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	if o.ReadyTimeout == 0 {
		o.ReadyTimeout = 90 * time.Second
	}
	return &process{name: name, addr: fmt.Sprintf("127.0.0.1:%d", port), dir: dir, timeout: o.ReadyTimeout}, nil
}

func (p *process) Name() string { return p.name }
func (p *process) Addr() string { return p.addr }
func (p *process) Dir() string  { return p.dir }

// PID implements Broker.
func (p *process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// launch starts the command with its output appended to server.log. The child
// dies with this process, so that an interrupted run leaves no broker behind.
func (p *process) launch(cmd *exec.Cmd) error {
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	defer func() { _ = log.Close() }()
	if cmd.Stdout == nil {
		cmd.Stdout = log
	}
	cmd.Stderr = log
	cmd.SysProcAttr = dieWithParent()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	exited := make(chan struct{})
	p.mu.Lock()
	p.cmd, p.exited = cmd, exited
	p.mu.Unlock()
	go func() {
		p.err = cmd.Wait()
		close(exited)
	}()
	return nil
}

func (p *process) logFile() string { return filepath.Join(p.dir, "server.log") }

// Stop implements Broker.
func (p *process) Stop() error {
	if p.PID() == 0 {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return p.Kill()
	}
	select {
	case <-p.exited:
		p.forget()
		return p.exitError()
	case <-time.After(30 * time.Second):
		return errors.Join(fmt.Errorf("%s ignored SIGTERM for 30 s", p.name), p.Kill())
	}
}

// exitError is nil for exit code 0 and for the 143 with which a JVM answers a
// SIGTERM that it handled.
func (p *process) exitError() error {
	if exit, ok := p.err.(*exec.ExitError); ok && exit.ExitCode() == 143 {
		return nil
	}
	if p.err != nil {
		return fmt.Errorf("%s ended badly: %w (see %s)", p.name, p.err, p.logFile())
	}
	return nil
}

// Kill implements Broker.
func (p *process) Kill() error {
	if p.PID() == 0 {
		return nil
	}
	_ = p.cmd.Process.Kill() // an error here means that it is gone already
	<-p.exited
	p.forget()
	return nil
}

func (p *process) forget() {
	p.mu.Lock()
	p.cmd = nil
	p.mu.Unlock()
}

// FreePort returns a loopback port that nobody listens on at this moment.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
