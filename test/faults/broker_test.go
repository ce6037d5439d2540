//go:build linux

package faults

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test. TestMain builds it.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "skein-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "skein")
	build := exec.Command("go", "build", "-o", binary, "github.com/skein-io/skein/cmd/skein")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	code := 1
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
	} else {
		code = m.Run()
		outages.write(os.Getenv("SKEIN_FAULTS_TABLE"))
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// patience is how long a test waits for what must happen at last. It is no measure: only a test that fails gets near it.
const patience = 2 * time.Minute

// broker is one process of the binary at a time, on an address and a folder that stay.
type broker struct {
	t       *testing.T
	dir     string
	address string
	set     []string
	wrap    []string // a command that runs the binary, such as strace

	cmd    *exec.Cmd
	exited chan struct{}
	err    error // of Wait, valid after exited
	stderr *output
}

// output is what a process has said so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func newBroker(t *testing.T, set ...string) *broker {
	t.Helper()
	return &broker{t: t, dir: filepath.Join(t.TempDir(), "data"), address: freeAddress(t), set: set}
}

// freeAddress is on a loopback address of its own, on which no other test and no client has sockets: the port is free for as
// long as the test needs it, also while its process is away.
func freeAddress(t *testing.T) string {
	t.Helper()
	return freeAddressAt(t, clusters.Add(1), 1)
}

// freeAddressAt is a port on one of the loopback addresses of a test.
func freeAddressAt(t *testing.T, test int32, node int) string {
	t.Helper()
	l, err := net.Listen("tcp", hostAt(test, node)+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it was never used
	return l.Addr().String()
}

// hostAt is one of the loopback addresses of a test.
func hostAt(test int32, node int) string {
	return fmt.Sprintf("127.%d.%d.%d", 64+os.Getpid()%128, test%250, node)
}

// launch runs the binary and returns the first line of its stdout when it comes; the channel is closed without one.
func (b *broker) launch() <-chan string {
	b.t.Helper()
	args := []string{binary, "serve", "--data-dir", b.dir, "--listen", b.address}
	args = append(args, "--set", "group.initial.rebalance.delay.ms=0")
	for _, s := range b.set {
		args = append(args, "--set", s)
	}
	args = append(append([]string{}, b.wrap...), args...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SKEIN_") }) // it reads them all
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	b.stderr = new(output)
	cmd.Stderr = b.stderr
	read, write := io.Pipe()
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	exited := make(chan struct{})
	b.cmd, b.exited = cmd, exited
	go func() {
		b.err = cmd.Wait()
		_ = write.Close()
		close(exited)
	}()
	b.t.Cleanup(func() { b.reap(cmd, exited) })
	first := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(read)
		if line, err := lines.ReadString('\n'); err == nil {
			first <- line
		}
		close(first)
		_, _ = io.Copy(io.Discard, lines)
	}()
	return first
}

// reap ends what a test left running.
func (b *broker) reap(cmd *exec.Cmd, exited chan struct{}) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its own group; gone already in most tests
	<-exited
}

var listens = regexp.MustCompile(`^skein \S+ listens on (\S+), data in `)

// start runs the binary until it says that it listens, and returns how long that took.
func (b *broker) start() time.Duration {
	b.t.Helper()
	begun := time.Now()
	b.listening(b.launch())
	return time.Since(begun)
}

// listening waits for the line that launch promises.
func (b *broker) listening(first <-chan string) {
	b.t.Helper()
	select {
	case line := <-first:
		if !listens.MatchString(line) {
			b.ends()
			b.t.Fatalf("the broker does not start: %q, %v\n%s", line, b.err, b.stderr)
		}
	case <-time.After(patience):
		b.t.Fatalf("the broker does not start within %v\n%s", patience, b.stderr)
	}
}

// refused runs the binary, which must end by itself with a code that is not 0, and returns what it said.
func (b *broker) refused() string {
	b.t.Helper()
	first := b.launch()
	b.ends()
	if line, ok := <-first; ok {
		b.t.Fatalf("the broker started: %q", line)
	}
	if b.err == nil {
		b.t.Fatalf("the broker ends with code 0\n%s", b.stderr)
	}
	return b.stderr.String()
}

// ends waits until the process has ended.
func (b *broker) ends() {
	b.t.Helper()
	select {
	case <-b.exited:
	case <-time.After(patience):
		b.t.Fatalf("the broker does not end within %v\n%s", patience, b.stderr)
	}
}

// runs says whether there is a process; it may be stopped.
func (b *broker) runs() bool {
	if b.cmd == nil {
		return false
	}
	select {
	case <-b.exited:
		return false
	default:
		return true
	}
}

// alive fails the test if the process has ended.
func (b *broker) alive() {
	b.t.Helper()
	select {
	case <-b.exited:
		b.t.Fatalf("the broker ended: %v\n%s", b.err, b.stderr)
	default:
	}
}

func (b *broker) signal(s syscall.Signal) {
	b.t.Helper()
	if err := b.cmd.Process.Signal(s); err != nil {
		b.t.Fatalf("%v: %v", s, err)
	}
}

// kill is kill -9. It returns when the process is gone.
func (b *broker) kill() {
	b.t.Helper()
	b.signal(syscall.SIGKILL)
	<-b.exited
}

// says fails the test unless the text has every word.
func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not said in\n%s", word, text)
		}
	}
}
