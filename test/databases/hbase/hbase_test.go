package hbase

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/test/services"
)

// shared is the server of the tests. It is started by the first that wants it, and stopped by TestMain.
var shared struct {
	once   sync.Once
	dir    string
	server *services.HBase
	err    error
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
	dir, err := os.MkdirTemp("", "skein-hbase")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	shared.dir = dir
	defer func() { err = errors.Join(err, stopHBase()) }()
	return m.Run(), nil
}

// hbaseAddr returns ZooKeeper's address. SKEIN_HBASE names a server that runs already, to try things out.
func hbaseAddr(t testing.TB) string {
	t.Helper()
	if addr := os.Getenv("SKEIN_HBASE"); addr != "" {
		return addr
	}
	shared.once.Do(func() {
		shared.server, shared.err = startHBase(filepath.Join(shared.dir, "hbase"), 1, nil)
	})
	if shared.err != nil {
		t.Fatalf("these tests need Apache HBase %s, which a JDK and Maven bring: %v", services.HBaseVersion, shared.err)
	}
	return shared.server.Addr()
}

func startHBase(dir string, regionServers int, properties map[string]string) (*services.HBase, error) {
	server, err := services.NewHBase(services.Options{Dir: dir, ReadyTimeout: 4 * time.Minute, Properties: properties}, services.JVM{}, regionServers)
	if err != nil {
		return nil, err
	}
	return server, server.Start(context.Background())
}

// stopHBase kills it: the data is thrown away, and a clean stop takes up to 20 s.
func stopHBase() error {
	if shared.server == nil {
		return nil
	}
	return shared.server.Kill()
}

// hbaseClient is a client of its own for a test.
func hbaseClient(t testing.TB, addr string) *client.Client {
	t.Helper()
	c, err := client.Open(client.Options{ZooKeeper: []string{addr}, RetryTimeout: 4 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

var hbaseTables atomic.Int64

// hbaseTable makes a table and deletes it in the end.
func hbaseTable(t testing.TB, c *client.Client, spec client.TableSpec) string {
	t.Helper()
	spec.Name = fmt.Sprintf("test_%d_%d", time.Now().UnixNano(), hbaseTables.Add(1))
	if err := c.CreateTable(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.DeleteTable(context.Background(), spec.Name); err != nil {
			t.Error(err)
		}
	})
	return spec.Name
}
