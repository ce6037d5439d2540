package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// ServeOptions say how pipelines are run as one service.
type ServeOptions struct {
	// Workers bounds the batches that are on their way to all targets. 16 if it is 0.
	Workers int
	Log     *slog.Logger
	// LookEvery is how often the folder is looked at. A second if it is 0.
	LookEvery time.Duration

	// run runs a pipeline; Run if it is nil.
	run func(ctx context.Context, c *Config, o Options) error
}

const (
	// pausedSuffix is of the marker that a file is not to be run: shop.yaml.paused.
	pausedSuffix = ".paused"
	// serviceFile is where a service tells what it does.
	serviceFile = ".skein-sync.json"
)

// Served is a file of a service.
type Served struct {
	File     string `json:"file"`
	Pipeline string `json:"pipeline,omitempty"`
	// State is "running", "paused", "broken" (Problem is what is wrong with the file), "failed" (it has ended and needs somebody; it is
	// begun again when its file changes or it is resumed), "ended", or "ending" (its file is gone from the folder, and it is not through
	// with what it has in hand).
	State   string    `json:"state"`
	Problem string    `json:"problem,omitempty"`
	Since   time.Time `json:"since"`
}

// The states that only a service knows; the others are those of State.
const (
	Paused = "paused"
	Broken = "broken"
	Ending = "ending"
)

// service is Serve at work.
type service struct {
	dir    string
	o      ServeOptions
	budget chan struct{}
	work   sync.WaitGroup

	mu    sync.Mutex
	files map[string]*served
}

// served is a file at work.
type served struct {
	Served // guarded by service.mu, but for File and Pipeline
	found  foundFile
	cancel context.CancelFunc // nil if nothing runs
	done   chan struct{}
}

// Serve runs every pipeline of a folder, each *.yaml in it, until ctx ends. It looks at the folder again and again: a file that
// appears is run, one that goes or gets a marker FILE.paused is ended cleanly, one that changes is begun anew. A file that is
// broken stops no other; Listed tells what is wrong with it.
func Serve(ctx context.Context, dir string, o ServeOptions) error {
	if o.Workers == 0 {
		o.Workers = 16
	}
	if o.LookEvery == 0 {
		o.LookEvery = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.run == nil {
		o.run = Run
	}
	s := &service{dir: dir, o: o, budget: make(chan struct{}, o.Workers), files: map[string]*served{}}
	if _, err := s.scan(); err != nil {
		return err
	}
	for {
		found, err := s.scan()
		if err != nil {
			o.Log.Warn("the folder cannot be read", "folder", dir, "error", err)
		} else {
			s.follow(ctx, found)
		}
		s.say()
		if sleep(ctx, o.LookEvery) != nil {
			break
		}
	}
	s.work.Wait() // ctx has ended, and with it all of them
	return os.Remove(filepath.Join(dir, serviceFile))
}

// foundFile is a file as it is in the folder now.
type foundFile struct {
	text    string
	changed time.Time
	paused  bool
}

// scan reads the folder.
func (s *service) scan() (map[string]foundFile, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	found := map[string]foundFile{}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !isPipelineFile(name) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // it has just gone
		}
		if err != nil {
			return nil, err
		}
		about, err := e.Info()
		if err != nil {
			continue
		}
		_, err = os.Stat(filepath.Join(s.dir, name+pausedSuffix))
		found[name] = foundFile{string(text), about.ModTime(), err == nil}
	}
	return found, nil
}

func isPipelineFile(name string) bool {
	return !strings.HasPrefix(name, ".") && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"))
}

// follow begins and ends what has to be, given what is in the folder.
func (s *service) follow(ctx context.Context, found map[string]foundFile) {
	var over []*served
	for name, f := range s.all() {
		if now, there := found[name]; there && now == f.found {
			continue
		}
		over = append(over, f)
		if f.cancel != nil {
			f.cancel()
		}
	}
	for _, f := range over { // all end at the same time
		s.ended(f)
		s.mu.Lock()
		delete(s.files, f.File)
		s.mu.Unlock()
		s.o.Log.Info("a pipeline is ended", "file", f.File)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if _, known := s.all()[name]; !known && ctx.Err() == nil {
			s.begin(ctx, name, found[name])
		}
	}
}

// ended waits until nothing of a file runs, which may take longer than a service may be silent.
func (s *service) ended(f *served) {
	if f.done == nil {
		return
	}
	again := time.NewTicker(s.o.LookEvery)
	defer again.Stop()
	for {
		select {
		case <-f.done:
			return
		case <-again.C:
			s.say()
		}
	}
}

// all is a copy of what is known.
func (s *service) all() map[string]*served {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.files)
}

// begin runs a file, unless it is paused or broken.
func (s *service) begin(ctx context.Context, name string, found foundFile) {
	f := &served{Served: Served{File: name, Since: time.Now().UTC(), State: string(Running)}, found: found}
	c, err := Load(filepath.Join(s.dir, name))
	if err == nil {
		f.Pipeline = c.Name
		for _, other := range s.all() {
			if other.Pipeline == c.Name {
				err = fmt.Errorf("the pipeline %s is in %s, too: a name is one pipeline's", c.Name, other.File)
			}
		}
	}
	switch {
	case found.paused:
		f.State = Paused
	case err != nil:
		f.State, f.Problem = Broken, err.Error()
		s.o.Log.Error("a file is broken", "file", name, "error", err)
	default:
		running, cancel := context.WithCancel(ctx)
		f.cancel, f.done = cancel, make(chan struct{})
		s.o.Log.Info("a pipeline is begun", "file", name, "pipeline", c.Name)
		s.work.Go(func() {
			defer close(f.done)
			err := s.o.run(running, c, Options{Log: s.o.Log.With("pipeline", c.Name), Budget: s.budget})
			s.mu.Lock()
			defer s.mu.Unlock()
			f.Since, f.State = time.Now().UTC(), string(Ended)
			if err != nil {
				f.State, f.Problem = string(Failed), err.Error()
			}
		})
	}
	s.mu.Lock()
	s.files[name] = f
	s.mu.Unlock()
}

// told is what a service writes of itself.
type told struct {
	At    time.Time `json:"at"`
	Files []Served  `json:"files"`
}

// say tells what the service does, if it can.
func (s *service) say() {
	if err := s.tell(); err != nil {
		s.o.Log.Warn("what the service does is not told", "folder", s.dir, "error", err)
	}
}

func (s *service) tell() error {
	t := told{At: time.Now().UTC(), Files: []Served{}}
	s.mu.Lock()
	for _, f := range s.files {
		t.Files = append(t.Files, f.Served)
	}
	s.mu.Unlock()
	slices.SortFunc(t.Files, func(a, b Served) int { return strings.Compare(a.File, b.File) })
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return replace(filepath.Join(s.dir, serviceFile), text)
}

// replace writes a file that others read at the same time.
func replace(path string, text []byte) error {
	next := path + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
