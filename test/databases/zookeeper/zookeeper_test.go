package zookeeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/test/services"
)

// patience is how long a test waits for something that must happen. It is no measure of anything.
const patience = 2 * time.Minute

// sessionTimeout is what nodes ask for.
const sessionTimeout = 2 * time.Second

// shared is what the tests share: folders, a server that is alone, an ensemble of three, the binary. Each is there for the
// first that wants it.
var shared struct {
	dir            string
	single, triple lazy
	binary         struct {
		once sync.Once
		path string
		err  error
	}
}

type lazy struct {
	once     sync.Once
	ensemble *services.ZooKeeperEnsemble
	err      error
	roots    int
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if repeat = os.Getenv("SKEIN_ZOOKEEPER_TIMES"); repeat != "" {
		if err := os.Unsetenv("SKEIN_ZOOKEEPER_TIMES"); err != nil { // brokers would take it for a property
			return 1, err
		}
	}
	if shared.dir, err = os.MkdirTemp("", "skein-zookeeper"); err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(shared.dir) }()
	code = m.Run()
	for _, l := range []*lazy{&shared.single, &shared.triple} {
		if l.ensemble != nil {
			err = errors.Join(err, l.ensemble.Kill())
		}
	}
	return code, err
}

// start starts n servers, or skips the test where ZooKeeper cannot be had.
func (l *lazy) start(t *testing.T, n int) *services.ZooKeeperEnsemble {
	t.Helper()
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("this test needs Apache ZooKeeper %s, which a JDK and Maven bring: %v", services.ZooKeeperVersion, err)
		}
	}
	l.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		l.ensemble, l.err = services.NewZooKeeper(services.Options{Dir: filepath.Join(shared.dir, strconv.Itoa(n))}, n)
		if l.err == nil {
			l.err = l.ensemble.Start(ctx)
		}
	})
	if l.err != nil {
		t.Fatal(l.err)
	}
	return l.ensemble
}

// root makes a chroot that is the test's own, and returns zookeeper.connect with it.
func (l *lazy) root(t *testing.T, n int) string {
	t.Helper()
	e := l.start(t, n)
	l.roots++
	path := fmt.Sprintf("/%s-%d", t.Name(), l.roots)
	if i := len("/Test"); len(path) > i {
		path = "/" + filepath.Base(path)
	}
	s := connect(t, e.Connect())
	defer s.Close()
	must(t, s.Do(&member.Request{Kind: member.Multi, Ops: []member.Op{{Kind: member.Create, Path: path}}}))
	return e.Connect() + path
}

func single(t *testing.T) string { t.Helper(); return shared.single.root(t, 1) }
func triple(t *testing.T) string { t.Helper(); return shared.triple.root(t, 3) }

// repeat is what SKEIN_ZOOKEEPER_TIMES said.
var repeat string

// times is how often something is repeated.
func times(t *testing.T, few int) int {
	t.Helper()
	if repeat != "" {
		n, err := strconv.Atoi(repeat)
		if err != nil || n < 1 {
			t.Fatalf("SKEIN_ZOOKEEPER_TIMES=%s is no number", repeat)
		}
		return n
	}
	return few
}

// address reads zookeeper.connect.
func address(t testing.TB, connect string) config.Ensemble {
	t.Helper()
	set, err := config.FromSet("test", []string{"zookeeper.connect=" + connect})
	if err != nil {
		t.Fatal(err)
	}
	b, err := config.Resolve(set)
	if err != nil {
		t.Fatal(err)
	}
	return b.ZooKeeper
}

func connect(t testing.TB, at string) *zookeeper.Session {
	t.Helper()
	s, err := zookeeper.Connect(context.Background(), zookeeper.Options{Address: address(t, at), SessionTimeout: sessionTimeout, ConnectTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t testing.TB, a *member.Answer) *member.Answer {
	t.Helper()
	if a.Code != member.OK {
		t.Fatalf("ZooKeeper answers with code %d: %s", a.Code, a.Text)
	}
	return a
}

// get reads a znode, again while the connection is lost.
func get(t testing.TB, s *zookeeper.Session, path string) *member.Answer {
	t.Helper()
	var a *member.Answer
	await(t, "an answer about "+path, func() bool {
		a = s.Do(&member.Request{Kind: member.Get, Path: path})
		return a.Code != member.Lost
	})
	return a
}

// await waits for a condition.
func await(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s in vain for %v", what, patience)
		}
	}
}

// controllerOf is who has /controller, and the epoch; -1 if nobody has.
func controllerOf(t testing.TB, s *zookeeper.Session) (id int32, epoch int64) {
	t.Helper()
	id = -1
	if a := get(t, s, member.ControllerPath); a.Code == member.OK {
		var c struct {
			BrokerID *int32 `json:"brokerid"`
		}
		if err := json.Unmarshal(a.Data, &c); err != nil || c.BrokerID == nil {
			t.Fatalf("/controller holds %q", a.Data)
		}
		id = *c.BrokerID
	}
	e, err := member.ParseEpoch(get(t, s, member.EpochPath).Data)
	if err != nil {
		t.Fatal(err)
	}
	return id, int64(e)
}

// skeinBinary builds skein, once.
func skeinBinary(t testing.TB) string {
	t.Helper()
	b := &shared.binary
	b.once.Do(func() {
		b.path = filepath.Join(shared.dir, "skein")
		build := exec.Command("go", "build", "-o", b.path, "./cmd/skein")
		build.Dir = filepath.Join("..", "..", "..")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			b.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.path
}

// node is a member without a broker around it.
type node struct {
	*zookeeper.Node
	session *zookeeper.Session
	id      metadata.NodeID
}

// open opens a node with a session of its own.
func open(t testing.TB, at string, id metadata.NodeID, change func(*zookeeper.Config)) *node {
	t.Helper()
	s := connect(t, at)
	cluster, err := zookeeper.Prepare(s.Do, "tests")
	if err != nil {
		t.Fatal(err)
	}
	c := zookeeper.Config{Asker: s, NodeID: id, ClusterID: cluster, Controller: controller.Config{SessionTimeout: time.Hour}, // no broker sends heartbeats
		Broker: member.Broker{Host: "127.0.0.1", Port: 9092, Directory: fmt.Sprint("directory of ", id), Controller: fmt.Sprint("node", id, ":9093")}}
	if change != nil {
		change(&c)
	}
	n, err := zookeeper.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return &node{n, s, id}
}
