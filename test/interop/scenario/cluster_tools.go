package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/skein-io/skein/test/services"
	"github.com/twmb/franz-go/pkg/kadm"
)

const (
	reassignTool = inTools + "reassign.ReassignPartitionsCommand"
	electionTool = inTools + "LeaderElectionCommand"
	quorumTool   = inTools + "MetadataQuorumCommand"
	topicTool    = inTools + "TopicCommand"
	spread       = "cluster-spread" // six partitions, three replicas each
	narrow       = "cluster-narrow" // two partitions, two replicas each
)

// clusterTools runs Kafka's own commands against three nodes.
type clusterTools struct {
	tools
	dir string // for the files that commands read
}

// ClusterTools runs TopicCommand, ConfigCommand, ProducerPerformance, ConsumerPerformance, GetOffsetShell,
// ConsumerGroupCommand, ReassignPartitionsCommand, LeaderElectionCommand, MetadataQuorumCommand, ClusterTool, LogDirsCommand,
// BrokerApiVersionsCommand, DeleteRecordsCommand and ReplicaVerificationTool against three nodes, and some of them again while
// one node is away.
func ClusterTools(ctx context.Context, env *Env) (Notes, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute) // a machine that does other things, too
	defer cancel()
	lib, err := services.KafkaJars()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "cluster-tools")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	t := &clusterTools{tools: tools{env: env, lib: lib}, dir: dir}
	walks := []func(context.Context){t.make, t.nodes, t.settings, t.records, t.coordinators, t.moves, t.throttled, t.without3, t.unclean, t.drop}
	for _, walk := range walks {
		walk(ctx)
	}
	return Notes{"ran": strings.Join(t.ran, " ")}, errors.Join(t.wrong...)
}

// lacks demands that none of the patterns is in an output.
func (t *clusterTools) lacks(text string, patterns ...string) {
	for _, p := range patterns {
		if regexp.MustCompile(p).MatchString(text) {
			t.fail("%q is in\n%s", p, text[:min(len(text), 1500)])
		}
	}
}

// counts demands how often a pattern is in an output.
func (t *clusterTools) counts(text string, want int, pattern string) {
	if n := len(regexp.MustCompile(pattern).FindAllString(text, -1)); n != want {
		t.fail("%q is %d times, not %d times, in\n%s", pattern, n, want, text[:min(len(text), 2500)])
	}
}

func (t *clusterTools) fail(format string, args ...any) {
	t.wrong = append(t.wrong, fmt.Errorf(format, args...))
}

// make creates topics; replicas and leaders are spread over the nodes.
func (t *clusterTools) make(ctx context.Context) {
	t.broker(ctx, topicTool, "--create --topic "+spread+" --partitions 3 --replication-factor 3 --config min.insync.replicas=2", "Created topic")
	t.broker(ctx, topicTool, "--alter --topic "+spread+" --partitions 6")
	t.broker(ctx, topicTool, "--create --topic "+narrow+" --replica-assignment 1:2,2:1 --config min.insync.replicas=1", "Created topic")
	text := t.broker(ctx, topicTool, "--describe --topic "+spread, `PartitionCount: 6\s+ReplicationFactor: 3\s+Configs: .*min\.insync\.replicas=2`)
	t.counts(text, 6, `Partition: \d\s+Leader: [123]\s+Replicas: [123],[123],[123]\s+Isr: [123],[123],[123]\s`)
	for node := 1; node <= 3; node++ {
		t.counts(text, 2, fmt.Sprintf(`Leader: %d\s`, node))
	}
	t.broker(ctx, topicTool, "--describe --topic "+narrow, `Partition: 0\s+Leader: 1\s+Replicas: 1,2\s+Isr: 1,2\s`, `Partition: 1\s+Leader: 2\s+Replicas: 2,1\s+Isr: 2,1\s`)
	t.lacks(t.broker(ctx, topicTool, "--describe --under-replicated-partitions"), `Partition: \d`)
}

// nodes asks who is there.
func (t *clusterTools) nodes(ctx context.Context) {
	text := t.broker(ctx, inTools+"BrokerApiVersionsCommand", "", `Produce\(0\): 0 to 13`)
	t.counts(text, 3, `\(id: [123] rack: null isFenced: false\) -> \(`)
	cluster := inTools + "ClusterTool"
	server := []string{"--bootstrap-server", t.env.Bootstrap}
	t.run(ctx, cluster, append([]string{"cluster-id"}, server...), `Cluster ID: \S{22}\s`)
	text = t.run(ctx, cluster, append([]string{"list-endpoints"}, server...))
	t.counts(text, 3, `(?m)^[123]\s+127\.0\.0\.1\s+\d+\s+null\s+unfenced\s+broker`)
	text = t.broker(ctx, quorumTool, "describe --status", `LeaderId:\s+[123]\s`, `LeaderEpoch:\s+\d`, `MaxFollowerLag:\s+\d`, `CurrentObservers:\s+\[\]`)
	t.counts(text, 3, `"id": [123], .*?"endpoints": \["CONTROLLER://127\.0\.0\.1:\d+"\]`)
	text = t.broker(ctx, quorumTool, "describe --replication")
	t.counts(text, 1, `(?m)^[123]\s.*\sLeader\s*$`)
	t.counts(text, 2, `(?m)^[123]\s.*\sFollower\s*$`)
	controllers := []string{"--bootstrap-controller", t.env.Cluster.Controllers}
	text = t.run(ctx, cluster, append([]string{"list-endpoints"}, controllers...))
	t.counts(text, 3, `(?m)^[123]\s+127\.0\.0\.1\s+\d+\s+null\s+controller`)
	t.run(ctx, quorumTool, append(controllers, "describe", "--status"), `LeaderId:\s+[123]\s`)
}

// settings changes what one broker has, what all have, and what a topic has.
func (t *clusterTools) settings(ctx context.Context) {
	one, all := " --entity-type brokers --entity-name 2", " --entity-type brokers --entity-default"
	t.broker(ctx, configTool, "--alter"+one+" --add-config log.cleaner.threads=2", "Completed updating config for broker 2")
	t.broker(ctx, configTool, "--alter"+all+" --add-config log.retention.ms=86400000", "Completed updating default config")
	t.broker(ctx, configTool, "--describe"+one, `log\.cleaner\.threads=2 sensitive=false synonyms=\{DYNAMIC_BROKER_CONFIG:log\.cleaner\.threads=2, DEFAULT_CONFIG`)
	text := t.broker(ctx, configTool, "--describe --all --entity-type brokers --entity-name 3",
		`log\.retention\.ms=86400000 sensitive=false synonyms=\{DYNAMIC_DEFAULT_BROKER_CONFIG`, `log\.cleaner\.threads=1 `)
	t.lacks(text, `DYNAMIC_BROKER_CONFIG`)
	t.broker(ctx, configTool, "--describe --all --entity-type topics --entity-name "+spread, `retention\.ms=86400000 sensitive=false synonyms=\{DYNAMIC_DEFAULT_BROKER_CONFIG`)
	t.broker(ctx, configTool, "--alter"+one+" --delete-config log.cleaner.threads", "Completed updating config for broker 2")
	t.broker(ctx, configTool, "--alter"+all+" --delete-config log.retention.ms", "Completed updating default config")
	t.lacks(t.broker(ctx, configTool, "--describe"+one), `log\.cleaner`)
}

// records writes with acks=all, reads, counts, deletes, and compares the replicas.
func (t *clusterTools) records(ctx context.Context) {
	n := strconv.Itoa(t.env.Records)
	t.run(ctx, inTools+"ProducerPerformance", []string{"--topic", spread, "--num-records", n, "--record-size", "1000", "--throughput", "-1",
		"--command-property", "bootstrap.servers=" + t.env.Bootstrap, "acks=all"}, n+" records sent")
	t.broker(ctx, inTools+"ConsumerPerformance", "--topic "+spread+" --num-records "+n+" --group "+toolsGroup, `, `+n+`, `)
	t.offsets(ctx, "latest", t.env.Records)
	text := t.broker(ctx, inTools+"LogDirsCommand", "--describe --topic-list "+spread+" --broker-list 1,2,3", `"broker":1`, `"broker":2`, `"broker":3`)
	t.counts(text, 18, `"partition":"`+spread+`-[0-5]","size":[1-9]\d*,"offsetLag":0,"isFuture":false`)
	first := t.file("delete.json", `{"version":1,"partitions":[{"topic":"`+spread+`","partition":0,"offset":5}]}`)
	t.broker(ctx, inTools+"DeleteRecordsCommand", "--offset-json-file "+first, `partition: `+spread+`-0\s+low_watermark: 5`)
	t.offsets(ctx, "earliest", 5)
	t.verify(ctx)
}

// offsets demands the sum of what GetOffsetShell tells.
func (t *clusterTools) offsets(ctx context.Context, time string, want int) {
	text := t.broker(ctx, inTools+"GetOffsetShell", "--topic "+spread+" --time "+time)
	sum := 0
	for _, m := range regexp.MustCompile(`(?m)^`+spread+`:\d+:(\d+)$`).FindAllStringSubmatch(text, -1) {
		offset, _ := strconv.Atoi(m[1]) // the pattern lets digits only through
		sum += offset
	}
	if sum != want {
		t.fail("GetOffsetShell: the %s offsets sum up to %d, want %d\n%s", time, sum, want, text)
	}
}

// verify lets ReplicaVerificationTool fetch from all replicas and compare. It goes on for ever, so it is ended when it has
// found no difference twice.
func (t *clusterTools) verify(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := services.Tool(ctx, t.lib, inTools+"ReplicaVerificationTool", "--broker-list", t.env.Bootstrap, "--topics-include", spread, "--report-interval-ms", "1000")
	t.ran = append(t.ran, "ReplicaVerificationTool")
	text, err := untilSaid(cmd, func(text string) bool { return strings.Count(text, "max lag is") >= 2 })
	if err != nil {
		t.fail("ReplicaVerificationTool: %w\n%s", err, text)
	}
	t.counts(text, strings.Count(text, "max lag is"), `max lag is 0 for partition .* among [67] partitions`)
}

// coordinators asks for groups that different nodes coordinate.
func (t *clusterTools) coordinators(ctx context.Context) {
	var at kadm.Offsets
	at.AddOffset(spread, 0, 7, -1)
	for i := range 9 {
		if err := t.env.adm.CommitAllOffsets(ctx, fmt.Sprintf("cluster-group-%d", i), at); err != nil {
			t.fail("commit: %w", err)
		}
	}
	t.counts(t.broker(ctx, groupsTool, "--list"), 9, `(?m)^cluster-group-\d\s*$`)
	text := t.broker(ctx, groupsTool, "--describe --all-groups --state")
	t.counts(text, 9, `(?m)^cluster-group-\d\s+127\.0\.0\.1:\d+\s+\([123]\)\s.*Empty\s+0`)
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^cluster-group-\d\s+127\.0\.0\.1:\d+\s+\(([123])\)`).FindAllStringSubmatch(text, -1) {
		seen[m[1]] = true
	}
	if len(seen) < 2 {
		t.fail("ConsumerGroupCommand: nine groups have one coordinator\n%s", text)
	}
	t.counts(t.broker(ctx, groupsTool, "--describe --all-groups --offsets"), 9, `(?m)^cluster-group-\d\s+`+spread+`\s+0\s+7\s+\d+\s`)
	reset := t.broker(ctx, groupsTool, "--reset-offsets --all-groups --to-earliest --execute --topic "+spread+":0")
	t.counts(reset, 9, `(?m)^cluster-group-\d\s+`+spread+`\s+0\s+5\b`)
	t.broker(ctx, groupsTool, "--delete --all-groups", `Deletion of requested consumer groups .* was successful`)
	t.lacks(t.broker(ctx, groupsTool, "--list"), `cluster-group`)
}

// file writes a file for a command.
func (t *clusterTools) file(name, text string) string {
	path := filepath.Join(t.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.fail("file for a command: %w", err)
	}
	return path
}

func (t *clusterTools) drop(ctx context.Context) {
	for _, topic := range []string{spread, narrow} {
		t.broker(ctx, topicTool, "--delete --topic "+topic)
	}
	t.lacks(t.broker(ctx, topicTool, "--list"), `(?m)^cluster-`)
}
