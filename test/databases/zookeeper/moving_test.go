package zookeeper

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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
