//go:build linux

package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	mib        = 1 << 20
	floorBytes = 24 * mib
)

// smallDisk gives a folder on a file system of its own: a tmpfs if it may be mounted, else /dev/shm with a floor that
// leaves little room. The floor is log.dir.free.bytes.floor.
func smallDisk(t *testing.T) (dir string, floor int64) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err == nil {
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		return dir, floorBytes
	}
	dir, err := os.MkdirTemp("/dev/shm", "skein-faults-")
	if err != nil {
		t.Fatalf("neither a tmpfs can be mounted nor /dev/shm be written: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir, free(t, dir) - 40*mib
}

func free(t *testing.T, dir string) int64 {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// fill takes room away until less than so many bytes are free. The file it returns gives it back.
func fill(t *testing.T, dir string, left int64) string {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // its content does not matter
	block := make([]byte, mib)
	for free(t, dir) > left {
		if _, err := f.Write(block); err != nil {
			if errors.Is(err, syscall.ENOSPC) {
				break
			}
			t.Fatal(err)
		}
	}
	return name
}

// Below the floor a producer is refused with an error that it may retry; reading, committing, deleting records and
// deleting topics work; when there is room again so does producing, without a restart. The broker starts on a full disk.
func TestFullDisk(t *testing.T) {
	dir, floor := smallDisk(t)
	b := newBroker(t, fmt.Sprint("log.dir.free.bytes.floor=", floor), "offsets.topic.num.partitions=1")
	b.dir = filepath.Join(dir, "data")
	b.start()
	createTopic(t, b.address, "orders", 1)
	createTopic(t, b.address, "doomed", 1)
	c := client(t, b.address)
	produce(t, c, "orders", "v", 10)
	produce(t, c, "doomed", "v", 10)
	filler := fill(t, dir, floor-4*mib)

	refusedForRoom(t, b.address, "orders", 0)
	worksWithoutRoom(t, b.address)
	b.kill()
	b.start()
	refusedForRoom(t, b.address, "orders", 0)
	if got := consume(t, b.address, "orders", 5); got[0] != "v5" {
		t.Errorf("after a start on a full disk the topic begins with %q, want v5", got[0])
	}

	waiting := make(chan error, 1) // a producer that retries gets through when there is room
	late := &kgo.Record{Topic: "orders", Value: []byte("late")}
	client(t, b.address).Produce(background(t), late, func(_ *kgo.Record, err error) { waiting <- err })
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil {
		t.Errorf("the producer that waited for room: %v", err)
	}
	produce(t, client(t, b.address), "orders", "after", 1)
	b.alive()
}

// refusedForRoom waits until a producer to a partition that does not retry is refused.
func refusedForRoom(t *testing.T, address, topic string, partition int32) {
	t.Helper()
	waitFor(t, "a producer is refused", func() bool {
		c := client(t, address, kgo.RecordRetries(0), kgo.DisableIdempotentWrite(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		defer c.Close()
		err := c.ProduceSync(background(t), &kgo.Record{Topic: topic, Partition: partition, Value: make([]byte, 1000)}).FirstErr()
		if err == nil {
			return false // the room is looked at once a second
		}
		if !kerr.IsRetriable(err) {
			t.Fatalf("the producer is refused with %v, which it may not retry", err)
		}
		return true
	})
}

// worksWithoutRoom does what must work on a full disk.
func worksWithoutRoom(t *testing.T, address string) {
	t.Helper()
	if got := consume(t, address, "orders", 10); got[9] != "v9" {
		t.Errorf("the tenth record is %q", got[9])
	}
	admin := kadm.NewClient(client(t, address))
	ctx, cancel := context.WithTimeout(background(t), patience/2)
	defer cancel()
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: "orders", Partition: 0, At: 10, LeaderEpoch: -1})
	committed, err := admin.CommitOffsets(ctx, "readers", offsets)
	if err == nil {
		err = committed.Error()
	}
	if err != nil {
		t.Errorf("commit: %v", err)
	}
	var before kadm.Offsets
	before.Add(kadm.Offset{Topic: "orders", Partition: 0, At: 5})
	deleted, err := admin.DeleteRecords(ctx, before)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Errorf("delete records: %v", err)
	}
	gone, err := admin.DeleteTopic(ctx, "doomed")
	if err == nil {
		err = gone.Err
	}
	if err != nil {
		t.Errorf("delete a topic: %v", err)
	}
}

// With no room at all nothing that was acknowledged is lost, the process lives or says why it ends, and starts again.
func TestNoRoomAtAll(t *testing.T) {
	dir, floor := smallDisk(t)
	if floor != floorBytes {
		t.Log("no file system of its own could be mounted; the floor stands in for the end of the disk")
	} else {
		floor = 0
	}
	b := newBroker(t, fmt.Sprint("log.dir.free.bytes.floor=", floor), "offsets.topic.num.partitions=1")
	b.dir = filepath.Join(dir, "data")
	b.start()
	createTopic(t, b.address, "orders", 1)
	c := client(t, b.address)
	filler := fill(t, dir, max(floor, 2*mib))
	acked := produceUntilRefused(t, c)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	select {
	case <-b.exited:
		t.Logf("the broker ended: %s", lastLine(b.stderr.String()))
	default:
		b.kill()
	}
	b.start()
	for i, v := range consume(t, b.address, "orders", acked)[:acked] {
		if want := fmt.Sprintf("r%d-", i); !strings.HasPrefix(v, want) {
			t.Fatalf("record %d begins with %.10q, want %q", i, v, want)
		}
	}
	serves(t, b.address, "other")
}

// produceUntilRefused sends records of 64 KiB and returns how many were acknowledged.
func produceUntilRefused(t *testing.T, c *kgo.Client) int {
	t.Helper()
	padding := strings.Repeat("x", 64<<10)
	for i := 0; ; i++ {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err := c.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: fmt.Appendf(nil, "r%d-%s", i, padding)}).FirstErr()
		cancel()
		if err != nil {
			return i
		}
		if i > 4096 {
			t.Fatal("256 MiB fit on a disk of 64 MiB")
		}
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
