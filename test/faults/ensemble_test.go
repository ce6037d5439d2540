//go:build linux

package faults

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/skein-io/skein/test/services"
)

// quorum is what the nodes of a cluster agree on their metadata by.
type quorum string

const (
	raft      quorum = "raft"      // among themselves
	zooKeeper quorum = "zookeeper" // in an ensemble of the cluster's own
)

// onEach runs a test on each quorum.
func onEach(t *testing.T, run func(t *testing.T, on quorum)) {
	t.Helper()
	for _, on := range []quorum{raft, zooKeeper} {
		t.Run(string(on), func(t *testing.T) { run(t, on) })
	}
}

const (
	ensembleSize = 3
	// sessionTimeout is what nodes ask the ensemble for.
	sessionTimeout = 2 * time.Second
)

// ensemble is servers of Apache ZooKeeper.
type ensemble struct {
	t *testing.T
	*services.ZooKeeperEnsemble
}

// newEnsemble starts a server in each place. Where there is none to be had, or make test runs, which needs nothing but Go, the test
// is left out.
func newEnsemble(t *testing.T, places []services.Place) *ensemble {
	t.Helper()
	if os.Getenv("SKEIN_FAULTS_ZOOKEEPER") == "" && os.Getenv("SKEIN_KILLS") == "" {
		t.Skip("on Apache ZooKeeper; make faults runs it, or SKEIN_FAULTS_ZOOKEEPER=1")
	}
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("this test needs Apache ZooKeeper %s, which a JDK and Maven bring: %v", services.ZooKeeperVersion, err)
		}
	}
	made, err := services.NewZooKeeperAt(services.Options{Dir: t.TempDir()}, places...)
	if err != nil {
		t.Fatal(err)
	}
	e := &ensemble{t, made}
	t.Cleanup(func() {
		if err := e.Kill(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // the first of all is downloaded
	defer cancel()
	if err := e.ZooKeeperEnsemble.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return e
}

// properties are what the nodes need to find it.
func (e *ensemble) properties() []string {
	return []string{"zookeeper.connect=" + e.Connect(), "zookeeper.session.timeout.ms=" + inMillis(sessionTimeout), "zookeeper.connection.timeout.ms=" + inMillis(patience)}
}

func inMillis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// places are where the servers stand in the network, or those but some.
func (e *ensemble) places(but ...int) (places []int) {
	for i := range e.Servers {
		if !contains(but, i) {
			places = append(places, ensemblePlace+i)
		}
	}
	return places
}

// member is a server that leads the ensemble, or one that follows. It waits for one.
func (e *ensemble) member(mode string) int {
	e.t.Helper()
	found := -1
	waitFor(e.t, "a "+mode+" of the ensemble", func() bool {
		for i, z := range e.Servers {
			if z.PID() == 0 {
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), askPatience)
			said, err := z.Mode(ctx)
			cancel()
			if err == nil && said == mode {
				found = i
			}
		}
		return found >= 0
	})
	return found
}

// kill is kill -9 of servers.
func (e *ensemble) kill(servers ...int) {
	e.t.Helper()
	for _, i := range servers {
		if err := e.Servers[i].Kill(); err != nil {
			e.t.Fatal(err)
		}
	}
}

// start starts the servers that do not run, together.
func (e *ensemble) start() {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var starts []chan error
	for _, z := range e.Servers {
		if z.PID() == 0 {
			done := make(chan error, 1)
			go func() { done <- z.Start(ctx) }()
			starts = append(starts, done)
		}
	}
	for _, done := range starts {
		if err := <-done; err != nil {
			e.t.Error(err)
		}
	}
	if e.t.Failed() {
		e.t.FailNow()
	}
}
