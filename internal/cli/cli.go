// Package cli is the binary's commands: flags become values, values go to the node, to a client or to a file, and what
// comes back is printed. Results go to stdout, logs and errors to stderr. It holds nothing that an embedded node needs.
// Start with Main; each command is in a file of its own name. What several of them need: connection.go (a client of a
// cluster), wire.go (requests of skein's own), output.go (tables and JSON), failure.go (what an error tells a person).
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
)

// version is set by the build; a build without it asks the module.
var version string

// Version is the version of this build.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the command could not do what it was asked
	exitUsage  = 2 // the command was not understood
)

// usageError is a command line that was not understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// errReported ends a command that has told already what went wrong.
var errReported = errors.New("what went wrong was told")

// Main runs one command and returns the exit code. SIGINT and SIGTERM cancel it.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, args, stdin, stdout, stderr)
}

// run is Main without signals. Commands write messages from several goroutines, which a file can take and other writers
// cannot.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if _, file := stderr.(*os.File); !file {
		stderr = &lockedWriter{w: stderr}
	}
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if !errors.Is(err, errReported) {
		fmt.Fprintln(stderr, "skein:", err)
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// lockedWriter is a writer that goroutines share.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
