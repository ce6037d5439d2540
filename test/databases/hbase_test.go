package databases

import (
	"context"
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

// hbase is the server that the tests share. It is started by the first that wants it, and stopped by TestMain.
var hbase struct {
	once   sync.Once
	dir    string
	server *services.HBase
	err    error
}

// hbaseAddr returns ZooKeeper's address. SKEIN_HBASE names a server that runs already, to try things out.
func hbaseAddr(t testing.TB) string {
	t.Helper()
	if addr := os.Getenv("SKEIN_HBASE"); addr != "" {
		return addr
	}
	hbase.once.Do(func() {
		hbase.server, hbase.err = startHBase(filepath.Join(hbase.dir, "hbase"), 1, nil)
	})
	if hbase.err != nil {
		t.Fatalf("these tests need Apache HBase %s, which a JDK and Maven bring: %v", services.HBaseVersion, hbase.err)
	}
	return hbase.server.Addr()
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
	if hbase.server == nil {
		return nil
	}
	return hbase.server.Kill()
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
