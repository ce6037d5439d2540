package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A service follows its folder: files appear, change, are paused, resumed and go; one that is broken or fails stops no other.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pipeline := func(name string) string {
		return strings.Replace(oneSinkFile, "name: shop", "name: "+name, 1)
	}
	write("a.yaml", pipeline("a"))
	write("broken.yaml", "name: b\nsinc: {}\n")
	write("notes.txt", "nothing")

	var mu, held sync.Mutex // held: nothing ends
	var running []string
	failing := map[string]bool{"fails": true}
	o := ServeOptions{LookEvery: 5 * time.Millisecond, Workers: 3, run: func(ctx context.Context, c *Config, o Options) error {
		if cap(o.Budget) != 3 {
			t.Errorf("the budget is %d", cap(o.Budget))
		}
		mu.Lock()
		fails := failing[c.Name]
		mu.Unlock()
		if fails {
			return errors.New("it needs somebody")
		}
		mu.Lock()
		running = append(running, c.Name)
		mu.Unlock()
		<-ctx.Done()
		held.Lock()
		defer held.Unlock()
		mu.Lock()
		defer mu.Unlock()
		running = slices.DeleteFunc(running, func(name string) bool { return name == c.Name })
		return nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, dir, o) }()

	listed := func() string {
		files, served, err := Listed(dir)
		if err != nil || !served {
			return fmt.Sprint(served, err)
		}
		var all []string
		for _, f := range files {
			all = append(all, f.File+" "+f.State)
		}
		return strings.Join(all, ", ")
	}
	is := func(want string, names ...string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			got := listed()
			mu.Lock()
			now := slices.Sorted(slices.Values(running))
			mu.Unlock()
			if got == want && slices.Equal(now, names) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s, running %v; not %s, %v", got, now, want, names)
			}
		}
	}
	do := func(f func(dir, name string) (string, error), name string) {
		t.Helper()
		if _, err := f(dir, name); err != nil {
			t.Fatal(err)
		}
	}
	is("a.yaml running, broken.yaml broken", "a")
	files, _, _ := Listed(dir)
	if !strings.Contains(files[1].Problem, "sinc: there is no such key; did you mean sink?") {
		t.Errorf("it is broken because of %q", files[1].Problem)
	}

	elsewhere := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(elsewhere, []byte(pipeline("c")), 0o600); err != nil {
		t.Fatal(err)
	}
	do(Add, elsewhere)
	is("a.yaml running, broken.yaml broken, c.yaml running", "a", "c")
	if _, err := Add(dir, elsewhere); err == nil || !strings.Contains(err.Error(), "has the pipeline c already") {
		t.Errorf("adding it twice: %v", err)
	}
	do(Pause, "a")
	is("a.yaml paused, broken.yaml broken, c.yaml running", "c")
	write("broken.yaml", pipeline("c"))
	is("a.yaml paused, broken.yaml broken, c.yaml running", "c") // a second c
	write("broken.yaml", pipeline("b"))
	is("a.yaml paused, broken.yaml running, c.yaml running", "b", "c")
	do(Resume, "a")
	do(Remove, "c")
	is("a.yaml running, broken.yaml running", "a", "b")
	if _, err := Resume(dir, "a"); err == nil {
		t.Error("what runs is resumed")
	}
	write("z.yaml", pipeline("fails"))
	is("a.yaml running, broken.yaml running, z.yaml failed", "a", "b")
	mu.Lock()
	failing["fails"] = false
	mu.Unlock()
	do(Resume, "z")
	is("a.yaml running, broken.yaml running, z.yaml running", "a", "b", "fails")
	if _, err := Pause(dir, "nobody"); err == nil || !strings.Contains(err.Error(), "it has a.yaml, broken.yaml, z.yaml") {
		t.Errorf("pausing what is not there: %v", err)
	}

	// What is removed is told until it has ended.
	held.Lock()
	do(Remove, "z")
	is("a.yaml running, broken.yaml running, z.yaml ending", "a", "b", "fails")
	held.Unlock()
	is("a.yaml running, broken.yaml running", "a", "b")
	write("z.yaml", pipeline("fails"))
	is("a.yaml running, broken.yaml running, z.yaml running", "a", "b", "fails")

	cancel()
	if err := <-ended; err != nil || len(running) != 0 {
		t.Errorf("it ended with %v, and %v run", err, running)
	}
	if files, served, err := Listed(dir); served || err != nil || len(files) != 3 || files[0].State != "not run" {
		t.Errorf("afterwards %v, %v, %v", files, served, err)
	}
}

// While one pipeline takes its time to end, the service is heard of, and what it tells is true.
func TestServeEndsSlowly(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.yaml": oneSinkFile, "b.yaml": strings.Replace(oneSinkFile, "name: shop", "name: b", 1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- Serve(ctx, dir, ServeOptions{run: func(ctx context.Context, _ *Config, _ Options) error {
				<-ctx.Done()
				time.Sleep(10 * heardMax)
				return nil
			}})
		}()
		is := func(want string) {
			t.Helper()
			files, served, err := Listed(dir)
			var all []string
			for _, f := range files {
				all = append(all, f.File+" "+f.State)
			}
			if got := strings.Join(all, ", "); !served || err != nil || got != want {
				t.Errorf("%s, it is heard of: %v, %v; not %s", got, served, err, want)
			}
		}
		time.Sleep(time.Minute)
		is("a.yaml running, b.yaml running")
		if _, err := Remove(dir, "b"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * heardMax)
		is("a.yaml running, b.yaml ending")
		time.Sleep(6 * heardMax)
		is("a.yaml running")
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestServeNoFolder(t *testing.T) {
	if err := Serve(t.Context(), filepath.Join(t.TempDir(), "none"), ServeOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
