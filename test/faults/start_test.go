//go:build linux

package faults

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestSecondProcessOnTheFolder(t *testing.T) {
	first := newBroker(t)
	first.start()
	second := newBroker(t)
	second.dir = first.dir
	says(t, second.refused(), first.dir, "in use by another process", "stop it, or give another directory")
	first.alive()
	serves(t, first.address, "orders")
}

func TestPortInUse(t *testing.T) {
	first := newBroker(t)
	first.start()
	second := newBroker(t)
	second.address = first.address
	says(t, second.refused(), first.address, "address already in use", "free the port, or set listeners to another")
	if _, err := os.Stat(filepath.Join(second.dir, "meta.properties")); err == nil {
		t.Error("the second process wrote into its folder before it looked at the port")
	}
	serves(t, first.address, "orders")
}

// A folder that was another node's, or is a newer skein's, is refused, and nothing in it changes.
func TestFolderOfAnother(t *testing.T) {
	b := newBroker(t)
	b.start()
	serves(t, b.address, "orders")
	b.signal(syscall.SIGTERM)
	b.ends()
	meta := filepath.Join(b.dir, "meta.properties")
	content, err := os.ReadFile(meta)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		from, to string
		set      []string
		said     []string
	}{
		{"another node", "", "", []string{"node.id=7"}, []string{"meta.properties", "node.id=1", "this node is 7", "set node.id=1 or give another data directory"}},
		{"another cluster", "cluster.id=", "cluster.id=x", nil, []string{"cluster", "give each node its own data directory"}},
		{"a newer format", "version=1", "version=2", nil, []string{"meta.properties", "version 2", "start the newer one, or give it another data directory"}},
		{"damaged", "node.id=1", "node.id=one", nil, []string{"meta.properties is damaged", "node.id=one"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := strings.Replace(string(content), c.from, c.to, 1)
			if err := os.WriteFile(meta, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			other := newBroker(t, c.set...)
			other.dir = b.dir
			says(t, other.refused(), c.said...)
			after, err := os.ReadFile(meta)
			if err != nil || string(after) != changed {
				t.Errorf("the refused start changed %s: %q, %v", meta, after, err)
			}
		})
	}
	if err := os.WriteFile(meta, content, 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	if got := consume(t, b.address, "orders", 3); len(got) != 3 {
		t.Errorf("after the refused starts the topic holds %q", got)
	}
}

// A folder with the note of a later clean start after damage in a file that was durable: refused by name, not cut.
func TestDamageIsRefusedByName(t *testing.T) {
	b := newBroker(t)
	b.start()
	createTopic(t, b.address, "orders", 1)
	c := client(t, b.address)
	produce(t, c, "orders", "v", 50)
	c.Close()
	b.signal(syscall.SIGTERM)
	b.ends()
	log := filepath.Join(b.dir, "orders-0", "00000000000000000000.log")
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, content[:len(content)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	waitFor(t, "the damage is named", func() bool {
		return strings.Contains(b.stderr.String(), "orders-0/00000000000000000000.log")
	})
	after, err := os.ReadFile(log)
	if err != nil || len(after) != len(content)/2 {
		t.Errorf("the damaged file has %d bytes, had %d: %v", len(after), len(content)/2, err)
	}
}
