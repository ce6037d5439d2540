// Package native builds and runs the client programs in C: produce, consume
// and latency, written against librdkafka as lean as it allows. Their sources
// are in src; each says in its head what its arguments are.
//
// It refuses to interpret results. Start reading at Build.
package native

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed src/*.c src/*.h
var sources embed.FS

// Programs are the built clients.
type Programs struct {
	dir string
}

// Build compiles the clients into dir. It needs a C compiler and the header of
// librdkafka, and says so when one is missing.
func Build(ctx context.Context, dir string) (*Programs, error) {
	if _, err := exec.LookPath("cc"); err != nil {
		return nil, errors.New("no C compiler: on Debian, apt-get install gcc librdkafka-dev")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	files, err := sources.ReadDir("src")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := sources.ReadFile("src/" + file.Name())
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, file.Name()), text, 0o644); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		if name, isProgram := strings.CutSuffix(file.Name(), ".c"); isProgram {
			if err := compile(ctx, dir, name); err != nil {
				return nil, err
			}
		}
	}
	return &Programs{dir}, nil
}

func compile(ctx context.Context, dir, name string) error {
	cmd := exec.CommandContext(ctx, "cc", "-O2", "-std=gnu11", "-o", name, name+".c", "-lrdkafka", "-lpthread")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s.c (on Debian, apt-get install gcc librdkafka-dev): %w\n%s", name, err, out)
	}
	return nil
}

// Path is where a program is.
func (p *Programs) Path(name string) string { return filepath.Join(p.dir, name) }

// Run runs a program to its end and decodes the object that it prints. The
// program is killed after the given time; it may set a shorter deadline.
func (p *Programs) Run(ctx context.Context, result any, within time.Duration, name string, args ...string) error {
	return Run(ctx, result, within, p.Path(name), args...)
}

// Run is Programs.Run for any program.
func Run(ctx context.Context, result any, within time.Duration, path string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said := stderr.Bytes()
		return fmt.Errorf("%s: %w: %s", filepath.Base(path), errors.Join(ctx.Err(), err), said[:min(2000, len(said))])
	}
	if err := json.Unmarshal(stdout.Bytes(), result); err != nil {
		return fmt.Errorf("%s printed %q: %w", filepath.Base(path), stdout.Bytes(), err)
	}
	return nil
}
