package zookeeper

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/test/services"
)

// moving is a cluster that goes from ZooKeeper to a quorum of its own.
type moving struct {
	*cluster
	at          string
	controllers []string // where each node's controller listener will be
	voting      int      // the nodes up to this one vote
	file        string
}

func newMoving(t *testing.T, n int) *moving {
	t.Helper()
	m := &moving{at: single(t), voting: n, file: filepath.Join(t.TempDir(), "metadata.seed")}
	m.cluster = newCluster(t, m.at, n, nil)
	for range n {
		port, err := services.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		m.controllers = append(m.controllers, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	return m
}

func (m *moving) voters() string {
	var all []string
	for i, address := range m.controllers[:m.voting] {
		all = append(all, fmt.Sprintf("%d@%s", i+1, address))
	}
	return strings.Join(all, ",")
}

// command is skein quorum migrate.
func (m *moving) command(args ...string) *exec.Cmd {
	m.t.Helper()
	return exec.Command(skeinBinary(m.t), append([]string{"quorum", "migrate"}, args...)...)
}

func (m *moving) export(more ...string) []string {
	return append([]string{"--zookeeper", m.at, "--voters", m.voters(), "--out", m.file}, more...)
}

func (m *moving) take(id int, more ...string) []string {
	return append([]string{"--import", m.file, "--data-dir", m.nodes[id-1].LogDir()}, more...)
}

// does runs the command, which must succeed and say something.
func (m *moving) does(want string, args []string) {
	m.t.Helper()
	out, err := m.command(args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		m.t.Fatalf("%v: %v, %s; want %q", args, err, out, want)
	}
}

// refuses runs the command, which must fail with something.
func (m *moving) refuses(want string, args []string) {
	m.t.Helper()
	out, err := m.command(args...).CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); !failed || !strings.Contains(string(out), want) {
		m.t.Fatalf("%v: %v, %s; want it to fail with %q", args, err, out, want)
	}
}

func (m *moving) stop(ids ...int) {
	m.t.Helper()
	var work sync.WaitGroup
	for _, id := range ids {
		work.Go(func() {
			if err := m.nodes[id-1].Stop(); err != nil {
				m.t.Error(err)
			}
		})
	}
	work.Wait()
}

// onRaft is a node's process with the same data and address, which is to be in the quorum.
func (m *moving) onRaft(id int) *services.Skein {
	m.t.Helper()
	old := m.nodes[id-1]
	_, text, err := net.SplitHostPort(old.Addr())
	if err != nil {
		m.t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		m.t.Fatal(err)
	}
	n := len(m.nodes)
	properties := map[string]string{
		"node.id": strconv.Itoa(id), "controller.listener.names": "CONTROLLER",
		"listeners":                  "PLAINTEXT://" + old.Addr() + ",CONTROLLER://" + m.controllers[id-1],
		"default.replication.factor": strconv.Itoa(n), "min.insync.replicas": strconv.Itoa(min(n, 2)),
	}
	if id <= m.voting {
		properties["controller.quorum.voters"] = m.voters()
	} else {
		properties["controller.quorum.bootstrap.servers"] = strings.Join(m.controllers[:m.voting], ",")
	}
	next, err := services.NewSkein(skeinBinary(m.t), services.Options{Dir: old.Dir(), Port: port, Properties: properties})
	if err != nil {
		m.t.Fatal(err)
	}
	return next
}

// begin starts nodes in the quorum.
func (m *moving) begin(ids ...int) {
	m.t.Helper()
	for _, id := range ids {
		m.nodes[id-1] = m.onRaft(id)
	}
	var work sync.WaitGroup
	for _, id := range ids {
		work.Go(func() { m.start(id) })
	}
	if work.Wait(); m.t.Failed() {
		m.t.FailNow()
	}
}

// startRefused starts a node, which must end with something in its log.
func startRefused(t *testing.T, s *services.Skein, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := s.Start(ctx)
	if err == nil {
		t.Fatalf("it starts; want %q", want)
	}
	if log := logOf(t, s); !strings.Contains(log, want) {
		t.Fatalf("%v; the log is %s; want %q", err, log, want)
	}
	_ = s.Kill()
}

func logOf(t *testing.T, s *services.Skein) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.Dir(), "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// state is what must be the same afterwards: topics with their ids and configuration, groups with their offsets. epochs are the
// partitions' leader epochs, which may only grow.
func (m *moving) state(client *kgo.Client, group string) (text string, epochs map[string]int32) {
	m.t.Helper()
	admin := kadm.NewClient(client)
	epochs = map[string]int32{}
	await(m.t, "the cluster's state", func() bool {
		ctx, cancel := context.WithTimeout(m.t.Context(), 20*time.Second)
		defer cancel()
		topics, err := admin.ListTopicsWithInternal(ctx)
		if err != nil {
			return false
		}
		var b strings.Builder
		for _, topic := range topics.Sorted() {
			fmt.Fprintf(&b, "%s %v\n", topic.Topic, topic.ID)
			for _, p := range topic.Partitions.Sorted() {
				if p.Err != nil || p.Leader < 0 {
					return false
				}
				fmt.Fprintf(&b, "  %d %v\n", p.Partition, p.Replicas)
				epochs[fmt.Sprint(topic.Topic, "-", p.Partition)] = p.LeaderEpoch
			}
			configs, err := admin.DescribeTopicConfigs(ctx, topic.Topic)
			if err != nil || configs[0].Err != nil {
				return false
			}
			for _, c := range configs[0].Configs {
				if strings.Contains(c.Source.String(), "TOPIC") {
					fmt.Fprintf(&b, "  %s=%s\n", c.Key, c.MaybeValue())
				}
			}
		}
		offsets, err := admin.FetchOffsets(ctx, group)
		if err != nil || offsets.Error() != nil {
			return false
		}
		for _, o := range offsets.Sorted() {
			fmt.Fprintf(&b, "%s has committed %s-%d at %d %q\n", group, o.Topic, o.Partition, o.At, o.Metadata)
		}
		text = b.String()
		return true
	})
	return text, epochs
}

// commit commits offsets of a group that nobody is in.
func (m *moving) commit(client *kgo.Client, group, topic string, at int64) {
	m.t.Helper()
	await(m.t, "a commit", func() bool {
		ctx, cancel := context.WithTimeout(m.t.Context(), 20*time.Second)
		defer cancel()
		var offsets kadm.Offsets
		for p := range int32(3) {
			offsets.Add(kadm.Offset{Topic: topic, Partition: p, At: at + int64(p), LeaderEpoch: -1, Metadata: "noted"})
		}
		return kadm.NewClient(client).CommitAllOffsets(ctx, group, offsets) == nil
	})
}

// raftLeader is who leads the quorum, and the epoch.
func (m *moving) raftLeader(client *kgo.Client) (id int, epoch int64) {
	m.t.Helper()
	await(m.t, "the quorum's leader", func() bool {
		request := kmsg.NewPtrDescribeQuorumRequest()
		topic := kmsg.NewDescribeQuorumRequestTopic()
		topic.Topic = "__cluster_metadata"
		topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
		request.Topics = append(request.Topics, topic)
		ctx, cancel := context.WithTimeout(m.t.Context(), 10*time.Second)
		defer cancel()
		r, err := request.RequestWith(ctx, client)
		if err != nil || r.ErrorCode != 0 || len(r.Topics) != 1 || r.Topics[0].Partitions[0].ErrorCode != 0 {
			return false
		}
		found := r.Topics[0].Partitions[0]
		if id, epoch = int(found.LeaderID), int64(found.LeaderEpoch); len(found.CurrentVoters) != m.voting {
			m.t.Errorf("%d of %d nodes vote", len(found.CurrentVoters), len(m.nodes))
		}
		return id > 0
	})
	return id, epoch
}

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

// cut runs the command and kills it, after one of its steps is told or at any time before; it says whether it had ended by itself.
func (m *moving) cut(args []string, after int, pause time.Duration) (ended bool) {
	m.t.Helper()
	c := m.command(args...)
	out, err := c.StderrPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		m.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range after {
		if !lines.Scan() {
			break
		}
	}
	time.Sleep(pause) // where it is killed is not to be known
	_ = c.Process.Kill()
	err = c.Wait()
	exit, failed := errors.AsType[*exec.ExitError](err)
	if failed && exit.Sys().(syscall.WaitStatus).Signaled() {
		return false
	}
	if err != nil {
		m.t.Fatalf("%v: %v", args, err)
	}
	return true
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
