package partition

import (
	"maps"
	"testing"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

func TestCheckpointIsKafkasText(t *testing.T) {
	one := &Partition{Name: metadata.TopicPartition{Topic: "orders", Partition: 3}}
	one.replicated.Store(true)
	one.highWatermark.Store(1042)
	alone := &Partition{Name: metadata.TopicPartition{Topic: "alone"}}
	b := encodeCheckpoint([]*Partition{alone, one})
	if want := "0\n1\norders 3 1042\n"; string(b) != want {
		t.Errorf("%q, want %q", b, want)
	}
	entries, err := decodeCheckpoint(b)
	if want := map[metadata.TopicPartition]record.Offset{one.Name: 1042}; err != nil || !maps.Equal(entries, want) {
		t.Errorf("%v, %v", entries, err)
	}
	for i := range b {
		if _, err := decodeCheckpoint(b[:i]); err == nil {
			t.Errorf("cut after %d bytes it is read: %q", i, b[:i])
		}
	}
	for _, bad := range []string{"1\n0\n", "0\n1\n", "0\n1\nt x 1\n", "0\n1\nt 0 -1\n", "0\n1\nt 0 1 2\n", "0\n-1\n"} {
		if _, err := decodeCheckpoint([]byte(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
