package skein_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skein-io/skein"
)

// refused opens a node that must not open, and wants the words in the reason.
func refused(t *testing.T, c skein.Config, words ...string) {
	t.Helper()
	node, err := skein.Open(c)
	if err == nil {
		node.Close()
		t.Fatal("it opened")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the reason %q does not name %q", err, word)
		}
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	refused(t, skein.Config{DataDir: dir, Listen: taken.Addr().String()}, taken.Addr().String(), "listeners")
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("the data directory was touched: %v", entries)
	}
}

func TestOneDataDirectory(t *testing.T) {
	refused(t, skein.Config{DataDir: "a,b", Listen: "127.0.0.1:0"}, "log.dirs", "a, b")
}

func TestDirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	node, err := skein.Open(skein.Config{DataDir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, skein.Config{DataDir: dir, Listen: "127.0.0.1:0"}, dir, "another process")
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	if err := node.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	select {
	case <-node.Done():
	default:
		t.Error("Done is open after Close")
	}
}

func TestDirectoryOfAnotherNode(t *testing.T) {
	dir := t.TempDir()
	node, err := skein.Open(skein.Config{DataDir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, skein.Config{DataDir: dir, Listen: "127.0.0.1:0", Set: []string{"node.id=7"}}, "node.id=1", "7", dir)
	meta := filepath.Join(dir, "meta.properties")
	b, err := os.ReadFile(meta)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(meta, []byte(strings.Replace(string(b), "version=1", "version=9", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, skein.Config{DataDir: dir, Listen: "127.0.0.1:0"}, "version 9", "newer")
}

func TestConfigurationFileIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "server.properties")
	if err := os.WriteFile(file, []byte("num.partitions=6\nlog.retention.ms=many\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, skein.Config{ConfigFile: file, DataDir: t.TempDir(), Listen: "127.0.0.1:0"}, file+":2", "log.retention.ms", "many")
}
