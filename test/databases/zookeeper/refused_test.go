package zookeeper

import (
	"crypto/sha256"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/skein-io/skein"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// serve opens a node in this process.
func serve(dir, at string, set ...string) (*skein.Node, error) {
	return skein.Open(skein.Config{DataDir: dir, Listen: "127.0.0.1:0", Set: append([]string{"zookeeper.connect=" + at,
		"zookeeper.session.timeout.ms=2000", "zookeeper.connection.timeout.ms=2000", "initial.broker.registration.timeout.ms=3000"}, set...)})
}

// tree is everything below a chroot, as one text.
func tree(t *testing.T, at string) string {
	t.Helper()
	s := connect(t, at)
	defer s.Close()
	var b strings.Builder
	var walk func(path string)
	walk = func(path string) {
		a := get(t, s, path)
		fmt.Fprintf(&b, "%q %d %x\n", path, a.Version, sha256.Sum256(a.Data))
		children := must(t, s.Do(&member.Request{Kind: member.Children, Path: path})).Children
		slices.Sort(children)
		for _, name := range children {
			walk(path + "/" + name)
		}
	}
	walk("")
	return b.String()
}

// plant makes znodes in a chroot.
func plant(t *testing.T, at string, nodes ...string) {
	t.Helper()
	s := connect(t, at)
	defer s.Close()
	for _, one := range nodes {
		path, data, _ := strings.Cut(one, "=")
		must(t, s.Do(&member.Request{Kind: member.Multi, Ops: []member.Op{{Kind: member.Create, Path: path, Data: []byte(data)}}}))
	}
}

// began is a chroot in which a cluster was begun, with one znode's data replaced.
func began(t *testing.T, path, data string) string {
	t.Helper()
	at := single(t)
	s := connect(t, at)
	defer s.Close()
	if _, err := zookeeper.Prepare(s.Do, "tests"); err != nil {
		t.Fatal(err)
	}
	must(t, s.Do(&member.Request{Kind: member.Multi, Ops: []member.Op{{Kind: member.SetData, Path: path, Data: []byte(data), Version: member.AnyVersion}}}))
	return at
}

// TestRefused: what cannot be is refused with what is wrong, and nothing is written to ZooKeeper.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		at   func(t *testing.T) string
		want string
	}{
		"a chroot that is missing": {func(t *testing.T) string { return shared.single.start(t, 1).Connect() + "/nowhere" }, "the chroot of zookeeper.connect does not exist: create it"},
		"a chroot of Kafka's": {func(t *testing.T) string {
			at := single(t)
			plant(t, at, "/cluster", `/cluster/id={"version":"1","id":"abc"}`, "/controller_epoch=7")
			return at
		}, "belongs to a cluster of Apache Kafka"},
		"a cluster id that is no JSON": {func(t *testing.T) string { return began(t, member.ClusterIDPath, "abc") }, "znode /cluster/id holds no JSON"},
		"a cluster id without an id":   {func(t *testing.T) string { return began(t, member.ClusterIDPath, `{"version":"1"}`) }, "names no cluster id"},
		"an epoch that is no number":   {func(t *testing.T) string { return began(t, member.EpochPath, "seven") }, "it must be a number"},
		"a head that is no JSON":       {func(t *testing.T) string { return began(t, member.HeadPath, "\x00\x01") }, "znode /skein/head holds no JSON"},
		"a head of a later version":    {func(t *testing.T) string { return began(t, member.HeadPath, `{"version":9}`) }, "this version of skein knows 1"},
		"a broker's znode that is no JSON": {func(t *testing.T) string {
			at := began(t, member.EpochPath, "0")
			plant(t, at, member.BrokerPath(1)+"=who")
			return at
		}, "znode /brokers/ids/1 holds no JSON"},
		"another broker with this id": {func(t *testing.T) string {
			at := began(t, member.EpochPath, "0")
			plant(t, at, member.BrokerPath(1)+`={"host":"elsewhere","port":9092}`)
			return at
		}, "belongs to another process, at elsewhere:9092"},
		"access that is refused": {func(t *testing.T) string {
			at := single(t)
			protect(t, at)
			return at
		}, "access control (ACL) refuses it"},
	} {
		t.Run(name, func(t *testing.T) {
			at := c.at(t)
			before := ""
			if name != "a chroot that is missing" && name != "access that is refused" {
				before = tree(t, at)
			}
			n, err := serve(t.TempDir(), at)
			if err == nil {
				_ = n.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("it is opened with %v; want %q", err, c.want)
			}
			if before != "" && tree(t, at) != before {
				t.Errorf("something was written:\n%s\nbefore\n%s", tree(t, at), before)
			}
		})
	}
}

// protect lets nobody write into a chroot but somebody with a password.
func protect(t *testing.T, at string) {
	t.Helper()
	where := address(t, at)
	conn, _, err := zk.Connect(where.Servers, sessionTimeout, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.SetACL(where.Chroot, append(zk.DigestACL(zk.PermAll, "somebody", "secret"), zk.WorldACL(zk.PermRead)...), -1); err != nil {
		t.Fatal(err)
	}
}

// TestNoServer: nobody listens, or somebody who says nothing: the start ends, soon after the time that it is given.
func TestNoServer(t *testing.T) {
	shared.single.start(t, 1) // or there is no ZooKeeper to do without
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = free.Close()
	for _, at := range []string{mute.Addr().String(), free.Addr().String()} {
		done := make(chan error, 1)
		go func() {
			_, err := serve(t.TempDir(), at)
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), "within zookeeper.connection.timeout.ms (2s)") || !strings.Contains(err.Error(), at) {
				t.Errorf("%s: %v", at, err)
			}
		case <-time.After(patience):
			t.Fatalf("%s: the start does not end", at)
		}
	}
}

// TestOneOrTheOther: a data directory has its metadata in one place, and a cluster's in one ensemble.
func TestOneOrTheOther(t *testing.T) {
	at, dir := single(t), t.TempDir()
	n, err := serve(dir, at)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	refused := func(want string, open func() (*skein.Node, error)) {
		t.Helper()
		n, err := open()
		if err == nil {
			_ = n.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	refused("set zookeeper.connect as before", func() (*skein.Node, error) {
		return skein.Open(skein.Config{DataDir: dir, Listen: "127.0.0.1:0"})
	})
	refused("holds none", func() (*skein.Node, error) { return serve(dir, single(t)) })
	refused("this cluster is tests", func() (*skein.Node, error) { return serve(dir, began(t, member.EpochPath, "0")) })
	refused("controller.quorum.voters is set as well", func() (*skein.Node, error) {
		return serve(t.TempDir(), at, "controller.quorum.voters=1@127.0.0.1:9093")
	})
	own := t.TempDir()
	alone, err := skein.Open(skein.Config{DataDir: own, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	_ = alone.Close()
	refused("holds none", func() (*skein.Node, error) { return serve(own, single(t)) })
	if n, err = serve(dir, at); err != nil { // as before
		t.Fatal(err)
	}
	_ = n.Close()
}
