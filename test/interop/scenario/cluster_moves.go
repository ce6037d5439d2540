package scenario

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// moves gives partitions other replicas, with all nodes there.
func (t *clusterTools) moves(ctx context.Context) {
	topics := t.file("topics.json", `{"version":1,"topics":[{"topic":"`+narrow+`"}]}`)
	text := t.broker(ctx, reassignTool, "--generate --topics-to-move-json-file "+topics+" --broker-list 2,3", `Current partition replica assignment`, `Proposed partition reassignment configuration`)
	_, proposed, _ := strings.Cut(text, "Proposed partition reassignment configuration")
	t.lacks(proposed, `"replicas":\[[^\]]*1`)
	plan := t.file("plan.json", strings.TrimSpace(proposed))
	t.broker(ctx, reassignTool, "--execute --reassignment-json-file "+plan, `Successfully started partition reassignments for `+narrow+`-0,`+narrow+`-1`)
	t.completes(ctx, plan)
	text = t.broker(ctx, topicTool, "--describe --topic "+narrow)
	t.counts(text, 2, `Partition: \d\s+Leader: [23]\s+Replicas: [23],[23]\s+Isr: [23],[23]\s`)
	back := t.file("back.json", assignment(narrow, "1,2", "2,1"))
	t.broker(ctx, reassignTool, "--execute --reassignment-json-file "+back, `Successfully started partition reassignments`)
	t.completes(ctx, back)
	t.broker(ctx, reassignTool, "--list", `No partition reassignments found`)
}

// assignment is a reassignment file for a topic, the replicas of each partition in order.
func assignment(topic string, replicas ...string) string {
	var all []string
	for p, r := range replicas {
		all = append(all, `{"topic":"`+topic+`","partition":`+string(rune('0'+p))+`,"replicas":[`+r+`]}`)
	}
	return `{"version":1,"partitions":[` + strings.Join(all, ",") + `]}`
}

// completes asks --verify until it says that all partitions have arrived. It takes throttles away then, whether there are any or
// not.
func (t *clusterTools) completes(ctx context.Context, plan string) {
	for end := time.Now().Add(time.Minute); ctx.Err() == nil; {
		text := t.broker(ctx, reassignTool, "--verify --reassignment-json-file "+plan, `Status of partition reassignment`)
		if !strings.Contains(text, "is still in progress") {
			t.counts(text, 2, `Reassignment of partition \S+ is completed`)
			t.counts(text, 1, `Clearing broker-level throttles on brokers [123],[123],[123]\s+Clearing topic-level throttles on topic `+narrow)
			return
		}
		if time.Now().After(end) {
			t.fail("ReassignPartitionsCommand: not completed within a minute\n%s", text)
			return
		}
	}
}

// without3 stops node 3, looks at what is left, and lets it come back as one that the cluster had forgotten.
func (t *clusterTools) without3(ctx context.Context) {
	third := t.env.Cluster.Nodes[2]
	if err := third.Stop(); err != nil {
		t.fail("stop node 3: %w", err)
	}
	text := t.broker(ctx, topicTool, "--describe --under-replicated-partitions --topic "+spread)
	t.counts(text, 6, `Leader: [12]\s+Replicas: \S+\s+Isr: (1,2|2,1)\s`)
	t.counts(t.broker(ctx, topicTool, "--describe --at-min-isr-partitions --topic "+spread), 6, `Partition: \d`)
	t.lacks(t.broker(ctx, topicTool, "--describe --under-min-isr-partitions --topic "+spread), `Partition: \d`)
	cluster, server := inTools+"ClusterTool", []string{"--bootstrap-server", t.env.Bootstrap}
	t.run(ctx, cluster, append([]string{"list-endpoints", "--include-fenced-brokers"}, server...), `(?m)^3\s+127\.0\.0\.1\s+\d+\s+null\s+fenced\s+broker`)
	t.pending(ctx)
	t.run(ctx, cluster, append([]string{"unregister", "--id", "3"}, server...), `Broker 3 is no longer registered`)
	t.lacks(t.run(ctx, cluster, append([]string{"list-endpoints", "--include-fenced-brokers"}, server...)), `(?m)^3\s`)
	if err := third.Start(ctx); err != nil {
		t.fail("start node 3: %w", err)
	}
	if err := t.env.inSync(ctx); err != nil {
		t.fail("node 3 after its unregistration: %w", err)
	}
	t.broker(ctx, electionTool, "--election-type preferred --all-topic-partitions", `Successfully completed leader election \(PREFERRED\) for partitions .*`+spread)
	t.counts(t.broker(ctx, topicTool, "--describe --topic "+spread), 2, `Leader: 3\s`)
	t.broker(ctx, electionTool, "--election-type preferred --topic "+spread+" --partition 0", `Valid replica already elected for partitions `+spread+`-0`)
}

// pending begins a reassignment that cannot end, since node 3 is away, and takes it back. The command refuses to begin it,
// so the orchestrator does.
func (t *clusterTools) pending(ctx context.Context) {
	plan := t.file("pending.json", assignment(narrow, "1,3", "2,1"))
	t.refused(ctx, reassignTool, "--execute --reassignment-json-file "+plan, `Unknown broker id 3`)
	var asked kadm.AlterPartitionAssignmentsReq
	asked.Assign(narrow, 0, []int32{1, 3})
	answers, err := t.env.adm.AlterPartitionAssignments(ctx, asked)
	if err := errors.Join(err, answers.Error()); err != nil {
		t.fail("reassignment to a node that is away: %w", err)
	}
	t.broker(ctx, reassignTool, "--list", narrow+`-0: replicas: 1,3,2\.\s+adding: 3\.\s+removing: 2\.`)
	t.broker(ctx, reassignTool, "--verify --preserve-throttles --reassignment-json-file "+plan, `Reassignment of partition `+narrow+`-0 is still in progress`)
	t.broker(ctx, topicTool, "--describe --topic "+narrow, `Partition: 0\s+Leader: [12]\s+Replicas: 1,3,2\s.*Adding Replicas: 3\s+Removing Replicas: 2`)
	t.broker(ctx, reassignTool, "--cancel --preserve-throttles --reassignment-json-file "+plan, `Successfully cancelled partition reassignments? for: `+narrow+`-0`)
	t.broker(ctx, reassignTool, "--list", `No partition reassignments found`)
	t.broker(ctx, topicTool, "--describe --topic "+narrow, `Partition: 0\s+Leader: [12]\s+Replicas: 1,2\s+Isr: (1,2|2,1)\s`)
}

// unclean leaves a partition's only in-sync replica behind and elects the other one.
func (t *clusterTools) unclean(ctx context.Context) {
	first, second := t.env.Cluster.Nodes[0], t.env.Cluster.Nodes[1]
	which := " --topic " + narrow + " --partition 0"
	t.broker(ctx, electionTool, "--election-type unclean"+which, `Valid replica already elected for partitions `+narrow+`-0`)
	if err := second.Stop(); err != nil {
		t.fail("stop node 2: %w", err)
	}
	t.broker(ctx, topicTool, "--describe --topic "+narrow, `Partition: 0\s+Leader: 1\s+Replicas: 1,2\s+Isr: 1\s`)
	if err := errors.Join(first.Kill(), second.Start(ctx)); err != nil {
		t.fail("node 2 back, node 1 away: %w", err)
	}
	t.broker(ctx, topicTool, "--describe --unavailable-partitions --topic "+narrow, `Partition: 0\s+Leader: none\s+Replicas: 1,2\s`)
	t.refused(ctx, electionTool, "--election-type preferred"+which, `PreferredLeaderNotAvailableException`)
	t.broker(ctx, electionTool, "--election-type unclean"+which, `Successfully completed leader election \(UNCLEAN\) for partitions `+narrow+`-0`)
	t.broker(ctx, topicTool, "--describe --topic "+narrow, `Partition: 0\s+Leader: 2\s+Replicas: 1,2\s+Isr: 2\s`)
	if err := errors.Join(first.Start(ctx), t.env.inSync(ctx)); err != nil {
		t.fail("node 1 back: %w", err)
	}
}

// said collects what a command prints.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// untilSaid runs a command until it has printed enough, and ends it.
func untilSaid(cmd *exec.Cmd, enough func(text string) bool) (string, error) {
	var out said
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			return out.String(), errors.Join(errors.New("it ended before it had said enough"), err)
		case <-look.C:
			if enough(out.String()) {
				_ = cmd.Process.Kill()
				<-ended
				return out.String(), nil
			}
		}
	}
}
