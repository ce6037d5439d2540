package nemesis

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// linesMax bounds what a journal keeps, the newest.
const linesMax = 20_000

// journal is what happened in a run: the nemesis' steps, what clients were told, and the nodes' logs.
type journal struct {
	begun time.Time

	mu    sync.Mutex
	lines [][]byte
}

func newJournal() *journal { return &journal{begun: time.Now()} }

// note adds a line.
func (j *journal) note(format string, args ...any) { _, _ = fmt.Fprintf(j, format+"\n", args...) }

// Write adds a line of the nodes' log.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines) >= 2*linesMax {
		j.lines = append(j.lines[:0], j.lines[linesMax:]...)
	}
	j.lines = append(j.lines, fmt.Appendf(nil, "%9.4f %s", time.Since(j.begun).Seconds(), line))
	return len(line), nil
}

// logger is for nodes. SKEIN_LOG=debug tells more.
func (j *journal) logger() *slog.Logger {
	level := slog.LevelInfo
	if os.Getenv("SKEIN_LOG") == "debug" {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return string(bytes.Join(j.lines, nil))
}
