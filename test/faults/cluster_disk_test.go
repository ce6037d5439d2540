//go:build linux

package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newSmall is a trial whose nodes have disks of 64 MiB each.
func newSmall(t *testing.T, floor int64) *trial {
	t.Helper()
	long(t)
	c := newCluster(t, raft, fmt.Sprint("log.dir.free.bytes.floor=", floor), "offsets.topic.num.partitions=4")
	for _, b := range c.nodes {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
			t.Skipf("a small disk needs root: sudo make faults (%v)", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		b.dir = filepath.Join(dir, "data")
	}
	return newTrial(t, c)
}

// A leader with less room than log.dir.free.bytes.floor refuses records until there is room again; commits go on, and
// nothing else happens to the cluster.
func TestClusterLeaderBelowTheFloor(t *testing.T) {
	x := newSmall(t, floorBytes)
	id := x.leader(x.controller())
	led := x.ledBy(id)
	x.create("room", clusterSize, 1) // a partition for each node; the others of it have room
	var own int32
	for index, p := range x.partitions("room") {
		if int(p.Leader) == id {
			own = index
		}
	}
	filler := fill(t, filepath.Dir(x.node(id).dir), floorBytes-2*mib)
	refusedForRoom(t, x.node(id).address, "room", own)
	x.settleOf(func(w work) bool { return w.group == killLedger }, monotonic())
	for p := range led {
		if now := x.partitions(killTopic)[p]; int(now.Leader) != id || len(now.ISR) != clusterSize {
			t.Errorf("%s-%d has the leader %d and the ISR %v; only room was short at node %d", killTopic, p, now.Leader, now.ISR, id)
		}
	}
	x.note(x.strike("a leader's disk below the floor; from when there is room again", led, func() {
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}))
	x.finish()
}

// A leader that cannot write at all refuses records, and the controller still takes topics; when there is room again it goes
// on, or has ended and says why, and starts again.
func TestClusterLeaderWithoutRoom(t *testing.T) {
	x := newSmall(t, 0)
	id := x.leader(x.controller())
	led := x.ledBy(id)
	filler := fill(t, filepath.Dir(x.node(id).dir), 0)
	waitFor(t, "the node says that there is no room", func() bool {
		return strings.Contains(x.node(id).stderr.String(), "no space left on device")
	})
	x.create("meanwhile", 1, 1)
	x.note(x.strike("a leader's disk full; from when there is room again", led, func() {
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if !x.node(id).runs() {
			t.Logf("node %d ended: %v, %s", id, x.node(id).err, lastLine(x.node(id).stderr.String()))
			x.start(id)
		}
	}))
	x.finish()
}

// A node whose syncs fail from some moment on acknowledges nothing from then on and ends, and the others take over.

func TestClusterLeaderSyncFails(t *testing.T) {
	long(t)
	x := newTrial(t, newCluster(t, raft))
	x.syncFails("syncs of a leader fail (EIO)", x.leader(x.controller()))
	x.finish()
}

func TestClusterControllerSyncFails(t *testing.T) {
	long(t)
	x := newTrial(t, newCluster(t, raft))
	x.syncFails("syncs of the controller fail (EIO)", x.controller())
	x.finish()
}

func (x *trial) syncFails(fault string, id int) {
	x.t.Helper()
	led := x.ledBy(id)
	x.note(x.strike(fault, led, func() {
		x.inject(id, "error=EIO")
		x.node(id).ends()
	}))
	says(x.t, x.node(id).stderr.String(), "log directory is offline", "input/output error")
	if x.node(id).err == nil {
		x.t.Errorf("node %d ends with code 0 although a sync failed\n%s", id, x.node(id).stderr)
	}
	x.strike("it starts again", nil, func() { x.start(id) })
}

// A slow disk slows the leader down; nobody takes it for dead.
func TestClusterSlowDisk(t *testing.T) {
	long(t)
	x := newTrial(t, newCluster(t, raft))
	id := x.leader(x.controller())
	led := x.ledBy(id)
	var end func()
	x.note(x.strike("each sync of a leader takes 500 ms longer", led, func() {
		end = x.inject(id, "delay_enter=500000")
		time.Sleep(10 * time.Second)
	}))
	for p := range led {
		if now := x.partitions(killTopic)[p]; int(now.Leader) != id {
			t.Logf("node %d leads %s-%d instead of node %d", now.Leader, killTopic, p, id)
		}
	}
	end()
	x.finish()
}

// inject lets strace tamper with each sync of a running node from now on. It returns when that works; the function that it
// returns ends it.
func (x *trial) inject(id int, what string) func() {
	x.t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		x.t.Skip("failing syncs need strace: on Debian, apt-get install strace")
	}
	said := new(output)
	cmd := exec.Command(strace, "-f", "-o", "/dev/null", "-p", fmt.Sprint(x.node(id).cmd.Process.Pid),
		"-e", "trace=fsync,fdatasync,syncfs", "-e", "inject=fsync,fdatasync,syncfs:"+what)
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		x.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it ends when the node does
		close(ended)
	}()
	end := func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // it lets the node go
		<-ended
	}
	x.t.Cleanup(end)
	waitFor(x.t, "strace looks at the node", func() bool {
		select {
		case <-ended:
			x.t.Fatalf("strace ends: %s", said)
		default:
		}
		return len(said.String()) > 0
	})
	return end
}
