package zookeeper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// TestMigrate moves a cluster of three under load: everything that was acknowledged is there, the producer goes on with its id and its
// sequence, no leader epoch goes back, and the quorum elects another controller when its own is killed. What must be refused is.
func TestMigrate(t *testing.T) {
	m := newMoving(t, 3)
	client := m.client()
	defer client.Close()
	m.create(client, "orders", 3)
	m.create(client, "kept", 1)
	retention := "123456789"
	await(t, "a configuration", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		r, err := kadm.NewClient(client).AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: "retention.ms", Value: &retention}}, "kept")
		return err == nil && r[0].Err == nil
	})
	l := m.load("orders")
	l.goesOn(t)
	m.commit(client, "readers", "orders", 3)
	m.refuses("brokers are alive in ZooKeeper: 1 at 127.0.0.1:", m.export("--dry-run"))
	m.refuses("brokers are alive in ZooKeeper: 1 at 127.0.0.1:", m.export())
	l.goesOn(t)
	awaitInSync(m.cluster, client, "orders", 3)
	_, zooEpoch := m.controller(0)
	before, epochs := m.state(client, "readers")
	m.stop(1, 2, 3)

	untouched := tree(t, m.at)
	m.does("Nothing is changed yet", m.export("--dry-run"))
	m.refuses("voter 7 is no broker of this cluster", append(m.export("--dry-run"), "--voters", "7@127.0.0.1:9"))
	if now := tree(t, m.at); now != untouched {
		t.Fatalf("a dry run has changed %s\nto %s", untouched, now)
	}
	if _, err := os.Stat(m.file); err == nil {
		t.Fatal("a dry run has written the file")
	}
	startRefused(t, m.onRaft(1), "has its metadata in ZooKeeper")
	m.does("The cluster is migrated", m.export())
	file, err := os.ReadFile(m.file)
	if err != nil {
		t.Fatal(err)
	}
	m.does("was migrated already", m.export("--dry-run"))
	m.does("was migrated already", m.export())
	if err := os.Remove(m.file); err != nil {
		t.Fatal(err)
	}
	m.does("was migrated already", m.export())
	if again, err := os.ReadFile(m.file); err != nil || !bytes.Equal(again, file) {
		t.Fatalf("the file is another when it is written again: %v", err)
	}
	m.refuses("they cannot be others now", append(m.export()[:2], "--voters", "1@127.0.0.1:9093", "--out", m.file))
	startRefused(t, m.nodes[1], "the cluster was migrated")
	startRefused(t, m.onRaft(1), "if the cluster was migrated, take its metadata here first")

	m.refuses("is no node's data directory", []string{"--import", m.file, "--data-dir", t.TempDir()})
	m.does("nothing is changed yet", m.take(1, "--dry-run"))
	startRefused(t, m.onRaft(1), "has its metadata in ZooKeeper")
	for id := 1; id <= 3; id++ {
		m.does(fmt.Sprintf("node %d, which votes, has the metadata", id), m.take(id))
		m.does("nothing is left to do", m.take(id))
	}
	startRefused(t, m.nodes[1], "the cluster was migrated")
	m.begin(1, 2, 3)
	l.goesOn(t)
	awaitInSync(m.cluster, client, "orders", 3)
	after, later := m.state(client, "readers")
	if after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	for p, epoch := range epochs {
		if later[p] < epoch {
			t.Errorf("the leader epoch of %s was %d, and is %d", p, epoch, later[p])
		}
	}
	m.refuses("in use by another process", m.take(2))
	m.stop(2)
	m.does("nothing is left to do", m.take(2))
	m.start(2)

	leader, epoch := m.raftLeader(client)
	if epoch <= zooEpoch {
		t.Errorf("the quorum's epoch is %d, and ZooKeeper's was %d", epoch, zooEpoch)
	}
	if err := m.nodes[leader-1].Kill(); err != nil {
		t.Fatal(err)
	}
	m.create(client, "after-a-kill", 1)
	l.goesOn(t)
	next, nextEpoch := m.raftLeader(client)
	if next == leader || nextEpoch <= epoch {
		t.Errorf("after node %d in epoch %d was killed node %d leads in epoch %d", leader, epoch, next, nextEpoch)
	}
	m.start(leader)
	m.commit(client, "readers", "orders", 7)
	awaitInSync(m.cluster, client, "orders", 3)
	l.end(m.cluster, "orders")
	if len(l.failed) > 0 {
		t.Errorf("%d records were not stored, the first because of %v", len(l.failed), l.failed[0])
	}
}

// TestMigrateWithObserver moves a cluster in which not every broker is to vote: the other one follows, with its data, and can vote later.
func TestMigrateWithObserver(t *testing.T) {
	m := newMoving(t, 2)
	m.voting = 1
	client := m.client()
	defer client.Close()
	m.create(client, "orders", 3)
	l := m.load("orders")
	l.goesOn(t)
	awaitInSync(m.cluster, client, "orders", 2)
	m.stop(1, 2)
	m.does("brokers that do not vote: 2", m.export())
	m.does("node 1, which votes, has the metadata", m.take(1))
	startRefused(t, m.onRaft(2), "has its metadata in ZooKeeper")
	m.does("node 2, which does not vote, has the metadata", m.take(2))
	m.begin(1, 2)
	l.goesOn(t)
	awaitInSync(m.cluster, client, "orders", 2)
	if leader, _ := m.raftLeader(client); leader != 1 {
		t.Errorf("node %d leads", leader)
	}
	out, err := exec.Command(skeinBinary(t), "cluster", "add-voter", "2", "--bootstrap-server", m.nodes[0].Addr(), "--timeout", "1m").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m.voting = 2
	m.raftLeader(client)
	l.end(m.cluster, "orders")
}

// TestMigrateCutOff kills the command again and again, in each of its steps. As long as the cluster is not marked it can be started on
// ZooKeeper, and once it is the command ends when it is run again; imports are killed too. What was acknowledged is there.
func TestMigrateCutOff(t *testing.T) {
	for round := range times(t, 3) {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
			m := newMoving(t, 1)
			client := m.client()
			defer client.Close()
			m.create(client, "orders", 3)
			l := m.load("orders")
			l.goesOn(t)
			m.commit(client, "readers", "orders", 1)
			cuts, restarts := 0, 0
			rand := rand.New(rand.NewPCG(uint64(round), 1))
			marked := func() bool {
				head, err := member.ParseAnyHead(get(t, m.see, member.HeadPath).Data)
				if err != nil {
					t.Fatal(err)
				}
				return head.Migrated != nil
			}
			m.stop(1)
			for step := 0; ; step++ {
				if m.cut(m.export(), min(step, 5), time.Duration(rand.IntN(20_000))*time.Microsecond) {
					break
				}
				cuts++
				if !marked() && step%2 == 1 { // as before
					restarts++
					m.start(1)
					l.goesOn(t)
					m.commit(client, "readers", "orders", int64(step))
					m.stop(1)
				}
				if marked() {
					m.does("was migrated already", m.export())
					break
				}
				if _, err := os.Stat(m.file); err == nil {
					t.Fatal("there is a file, and the cluster is not marked")
				}
				if _, err := os.Stat(m.file + ".part"); err == nil {
					m.refuses("has not ended", []string{"--import", m.file + ".part", "--data-dir", m.nodes[0].LogDir()})
				}
			}
			for range 3 {
				if m.cut(m.take(1), 0, time.Duration(rand.IntN(30_000))*time.Microsecond) {
					break
				}
				cuts++
			}
			m.does("node 1, which votes, has the metadata", m.take(1))
			t.Logf("the command was killed %d times; the cluster was on ZooKeeper again %d times", cuts, restarts)
			m.begin(1)
			l.goesOn(t)
			text, _ := m.state(client, "readers")
			if !strings.Contains(text, "readers has committed orders-2") {
				t.Errorf("the group is gone: %s", text)
			}
			l.end(m.cluster, "orders")
		})
	}
}

// TestSleepsThroughMigration stops the controller's process with SIGSTOP, and migrates without it. When it goes on it writes nothing to
// ZooKeeper, though it was given a request meanwhile, and ends; then it joins in with its own data.
func TestSleepsThroughMigration(t *testing.T) {
	m := newMoving(t, 3)
	client := m.client()
	defer client.Close()
	m.create(client, "orders", 3)
	l := m.load("orders")
	l.goesOn(t)
	awaitInSync(m.cluster, client, "orders", 3)
	id32, epoch := m.controller(0)
	id := int(id32)
	sleeper := m.nodes[id-1]
	t.Cleanup(func() { _ = sleeper.Kill() })
	pid := sleeper.PID()
	signal(t, sleeper, syscall.SIGSTOP)
	m.refuses("brokers are alive in ZooKeeper", m.export())
	m.controller(epoch)
	l.goesOn(t)
	asked := ask(t, sleeper.Addr(), "never") // it lies in the socket until the process goes on
	var others []int
	for one := 1; one <= 3; one++ {
		if one != id {
			others = append(others, one)
		}
	}
	m.stop(others...)
	m.does("The cluster is migrated", m.export())
	m.refuses("in use by another process", m.take(id))
	for _, one := range others {
		m.does("has the metadata", m.take(one))
	}
	m.begin(others...)
	l.goesOn(t)
	before := tree(t, m.at)
	signal(t, sleeper, syscall.SIGCONT)
	<-asked
	await(t, "the old controller to end", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
	if log := logOf(t, sleeper); !strings.Contains(log, "the cluster was migrated") {
		t.Errorf("it has ended, and says %s", log)
	}
	if after := tree(t, m.at); after != before {
		t.Errorf("it has changed\n%s\nto\n%s", before, after)
	}
	_ = sleeper.Kill()
	m.does("has the metadata", m.take(id))
	m.begin(id)
	awaitInSync(m.cluster, client, "orders", 3)
	text, _ := m.state(client, "nobody")
	if strings.Contains(text, "never") {
		t.Error("what the old controller was asked has happened")
	}
	l.end(m.cluster, "orders")
}
