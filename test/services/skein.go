package services

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// Skein runs the skein binary.
type Skein struct {
	*process
	binary     string
	properties map[string]string
}

var _ Broker = (*Skein)(nil)

// NewSkein prepares a broker of the given binary; nothing runs before Start.
func NewSkein(binary string, o Options) (*Skein, error) {
	path, err := filepath.Abs(binary)
	if err != nil {
		return nil, fmt.Errorf("binary %q: %w", binary, err)
	}
	p, err := newProcess("skein", o)
	if err != nil {
		return nil, err
	}
	return &Skein{process: p, binary: path, properties: maps.Clone(o.Properties)}, nil
}

// LogDir implements Broker.
func (s *Skein) LogDir() string { return filepath.Join(s.dir, "data") }

// Start implements Broker. It waits for the line that skein prints when it is
// ready, then for its first answer.
func (s *Skein) Start(ctx context.Context) error {
	cmd := exec.Command(s.binary, s.arguments()...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SKEIN_") }) // those are for tests
	stdout, write := io.Pipe()
	cmd.Stdout = write
	if err := s.launch(cmd); err != nil {
		return err
	}
	go func() {
		<-s.exited
		_ = write.Close()
	}()
	lines := bufio.NewReader(stdout)
	if _, err := lines.ReadString('\n'); err == nil {
		go func() { _, _ = io.Copy(io.Discard, lines) }()
	}
	return s.waitReady(ctx)
}

func (s *Skein) arguments() []string {
	args := []string{"serve", "--data-dir", s.LogDir()}
	if s.properties["listeners"] == "" {
		args = append(args, "--listen", s.addr)
	}
	names := make([]string, 0, len(s.properties))
	for name := range s.properties {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		args = append(args, "--set", name+"="+s.properties[name])
	}
	return args
}
