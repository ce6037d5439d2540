package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/skein-io/skein/test/services"
)

// tools runs Kafka's own commands against a broker, one after the other. A
// command that fails or prints something else is kept, and the walk goes on.
type tools struct {
	env   *Env
	lib   string
	wrong []error
	ran   []string
}

const (
	toolsTopic = "kafka-tools"
	toolsGroup = "kafka-tools"
	inTools    = "org.apache.kafka.tools."
	groupsTool = inTools + "consumer.group.ConsumerGroupCommand"
	configTool = "kafka.admin.ConfigCommand"
)

// Tools runs TopicCommand, ConfigCommand, ProducerPerformance,
// ConsumerPerformance, GetOffsetShell, ConsumerGroupCommand, DumpLogSegments
// and a few more.
func Tools(ctx context.Context, env *Env) (Notes, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	lib, err := services.KafkaJars()
	if err != nil {
		return nil, err
	}
	t := &tools{env: env, lib: lib}
	for _, walk := range []func(context.Context){t.topics, t.configs, t.records, t.groups, t.segments, t.cluster, t.drop} {
		walk(ctx)
	}
	return Notes{"ran": strings.Join(t.ran, " ")}, errors.Join(t.wrong...)
}

// broker runs a tool with --bootstrap-server and demands the patterns in its
// output.
func (t *tools) broker(ctx context.Context, class, args string, patterns ...string) string {
	all := append([]string{"--bootstrap-server", t.env.Bootstrap}, strings.Fields(args)...)
	return t.run(ctx, class, all, patterns...)
}

// refused is broker for a tool that has to end with an error.
func (t *tools) refused(ctx context.Context, class, args string, patterns ...string) {
	all := append([]string{"--bootstrap-server", t.env.Bootstrap}, strings.Fields(args)...)
	text, err := t.call(ctx, class, all)
	if _, ended := errors.AsType[*exec.ExitError](err); !ended {
		t.wrong = append(t.wrong, fmt.Errorf("%s %s ended with %v, want an exit status\n%s", class, args, err, text[max(0, len(text)-1500):]))
	}
	t.says(class, all, text, patterns)
}

func (t *tools) run(ctx context.Context, class string, args []string, patterns ...string) string {
	text, err := t.call(ctx, class, args)
	if err != nil {
		t.wrong = append(t.wrong, fmt.Errorf("%s %s: %w\n%s", short(class), strings.Join(args, " "), err, text[max(0, len(text)-1500):]))
		return text
	}
	t.says(class, args, text, patterns)
	return text
}

func short(class string) string { return class[strings.LastIndex(class, ".")+1:] }

func (t *tools) call(ctx context.Context, class string, args []string) (string, error) {
	t.ran = append(t.ran, short(class))
	out, err := services.Tool(ctx, t.lib, class, args...).CombinedOutput()
	return string(out), err
}

// says demands the patterns in what a tool printed.
func (t *tools) says(class string, args []string, text string, patterns []string) {
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(text) {
			t.wrong = append(t.wrong, fmt.Errorf("%s %s: %q is not in\n%s", short(class), strings.Join(args, " "), p, text[:min(len(text), 1500)]))
		}
	}
}

func (t *tools) topics(ctx context.Context) {
	t.broker(ctx, inTools+"TopicCommand", "--create --topic "+toolsTopic+" --partitions 3 --replication-factor 1 --config segment.bytes=1048576", "Created topic")
	t.broker(ctx, inTools+"TopicCommand", "--alter --topic "+toolsTopic+" --partitions 5")
	t.broker(ctx, inTools+"TopicCommand", "--describe --topic "+toolsTopic,
		`PartitionCount: 5`, `ReplicationFactor: 1`, `segment\.bytes=1048576`, `Partition: 4\s+Leader: \d+\s+Replicas: \d+\s+Isr: \d+`)
	t.broker(ctx, inTools+"TopicCommand", "--list", `(?m)^`+toolsTopic+`$`)
}

func (t *tools) configs(ctx context.Context) {
	topic := " --entity-type topics --entity-name " + toolsTopic
	t.broker(ctx, configTool, "--alter"+topic+" --add-config max.message.bytes=200000,cleanup.policy=[compact,delete]", "Completed updating")
	t.broker(ctx, configTool, "--alter"+topic+" --delete-config cleanup.policy", "Completed updating")
	t.broker(ctx, configTool, "--describe"+topic, `max\.message\.bytes=200000 sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:max\.message\.bytes=200000`)
	text := t.broker(ctx, configTool, "--describe --all"+topic, `retention\.ms=604800000 sensitive=false synonyms=\{`, `cleanup\.policy=delete`)
	if strings.Contains(text, "cleanup.policy=compact") {
		t.wrong = append(t.wrong, errors.New("ConfigCommand: cleanup.policy was deleted and is still compact"))
	}
	t.broker(ctx, configTool, "--describe --all --entity-type brokers --entity-name "+t.nodeID(ctx), `log\.retention\.hours=168 sensitive=false synonyms=\{DEFAULT_CONFIG`)
}

func (t *tools) nodeID(ctx context.Context) string {
	m, err := t.env.adm.BrokerMetadata(ctx)
	if err != nil || len(m.Brokers) == 0 {
		t.wrong = append(t.wrong, fmt.Errorf("brokers: %v (%w)", m.Brokers, err))
		return "1"
	}
	return strconv.Itoa(int(m.Brokers[0].NodeID))
}

// records writes, reads and counts.
func (t *tools) records(ctx context.Context) {
	n := strconv.Itoa(t.env.Records)
	t.run(ctx, inTools+"ProducerPerformance", []string{"--topic", toolsTopic, "--num-records", n, "--record-size", "1000", "--throughput", "-1",
		"--command-property", "bootstrap.servers=" + t.env.Bootstrap}, n+" records sent")
	t.broker(ctx, inTools+"ConsumerPerformance", "--topic "+toolsTopic+" --num-records "+n+" --group "+toolsGroup, `, `+n+`, `)
	text := t.broker(ctx, inTools+"GetOffsetShell", "--topic "+toolsTopic)
	sum := 0
	for _, m := range regexp.MustCompile(`(?m)^`+toolsTopic+`:\d+:(\d+)$`).FindAllStringSubmatch(text, -1) {
		end, _ := strconv.Atoi(m[1]) // the pattern lets digits only through
		sum += end
	}
	if sum != t.env.Records {
		t.wrong = append(t.wrong, fmt.Errorf("GetOffsetShell: the end offsets sum up to %d, want %s\n%s", sum, n, text))
	}
	t.broker(ctx, inTools+"GetOffsetShell", "--topic "+toolsTopic+" --time max-timestamp", `(?m)^`+toolsTopic+`:\d:\d+$`)
	t.broker(ctx, inTools+"GetOffsetShell", "--topic "+toolsTopic+" --time earliest", `(?m)^`+toolsTopic+`:4:0$`)
}

func (t *tools) groups(ctx context.Context) {
	g := " --group " + toolsGroup
	t.broker(ctx, groupsTool, "--list", `(?m)^`+toolsGroup+`$`)
	t.broker(ctx, groupsTool, "--list --state", toolsGroup+`\s.*Empty`)
	t.broker(ctx, groupsTool, "--describe"+g, `(?m)^`+toolsGroup+`\s+`+toolsTopic+`\s+\d+\s+(\d+)\s+(\d+)\s+0\s`)
	t.broker(ctx, groupsTool, "--describe --state"+g, `Empty\s+0`)
	t.broker(ctx, groupsTool, "--reset-offsets --to-offset 1 --execute --topic "+toolsTopic+g, toolsTopic+`\s+0\s+1\b`)
	t.broker(ctx, groupsTool, "--delete-offsets --topic "+toolsTopic+g, `Successful`)
	t.broker(ctx, groupsTool, "--delete"+g, `successful`)
}

// segments lets DumpLogSegments read what lies on disk, and demands that it
// finds every record valid and can decode the offsets topic.
func (t *tools) segments(ctx context.Context) {
	dump := inTools + "DumpLogSegments"
	logs, _ := filepath.Glob(filepath.Join(t.env.Broker.LogDir(), toolsTopic+"-*", "*.log")) // the pattern is well formed
	if len(logs) < 5 {
		t.wrong = append(t.wrong, fmt.Errorf("%d log files of %s in %s", len(logs), toolsTopic, t.env.Broker.LogDir()))
		return
	}
	text := t.run(ctx, dump, []string{"--deep-iteration", "--print-data-log", "--files", strings.Join(logs, ",")}, `magic: 2`, `isvalid: true`)
	if n := strings.Count(text, "| offset:"); n != t.env.Records || strings.Contains(text, "isvalid: false") {
		t.wrong = append(t.wrong, fmt.Errorf("DumpLogSegments saw %d records of %d, or invalid ones", n, t.env.Records))
	}
	t.indexes(ctx, dump)
	offsets := filledLogs(filepath.Join(t.env.Broker.LogDir(), "__consumer_offsets-*", "*.log"))
	patterns := []string{`key: \{"type":"[01]","data":\{"group":"` + toolsGroup + `"`, `"type":"2","data":\{"group":"` + toolsGroup + `"`}
	if t.env.Strict { // the groups' diaries, which Kafka does not have
		patterns = append(patterns, `key: Unknown record type 16384 at offset \d+, skipping`)
	}
	t.run(ctx, dump, []string{"--offsets-decoder", "--files", strings.Join(offsets, ",")}, patterns...)
}

// indexes lets DumpLogSegments compare the indexes with their logs. Kafka's own
// time index of an open segment is filled up with zeros, which fails its check,
// so that one is only looked at in skein's folder.
func (t *tools) indexes(ctx context.Context, dump string) {
	glob := func(pattern string) string {
		files, _ := filepath.Glob(filepath.Join(t.env.Broker.LogDir(), toolsTopic+"-*", pattern))
		return strings.Join(files, ",")
	}
	if glob("*.index") == "" {
		if t.env.Records >= 10000 { // fewer do not fill a segment, and an index may wait for that
			t.wrong = append(t.wrong, errors.New("no index file of "+toolsTopic))
		}
		return
	}
	t.run(ctx, dump, []string{"--index-sanity-check", "--files", glob("*.index")}, `passed sanity check`)
	if t.env.Strict {
		t.run(ctx, dump, []string{"--index-sanity-check", "--files", glob("*.timeindex")}, `passed sanity check`)
		t.run(ctx, dump, []string{"--verify-index-only", "--files", glob("*.index") + "," + glob("*.timeindex")})
	}
}

func filledLogs(pattern string) []string {
	files, _ := filepath.Glob(pattern)
	var filled []string
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Size() > 0 {
			filled = append(filled, file)
		}
	}
	return filled
}

func (t *tools) cluster(ctx context.Context) {
	t.broker(ctx, inTools+"LogDirsCommand", "--describe --topic-list "+toolsTopic, `"partition":"`+toolsTopic+`-4"`)
	t.broker(ctx, inTools+"BrokerApiVersionsCommand", "", `Produce\(0\): 0 to 13`, `Metadata\(3\): 0 to 13`)
	t.run(ctx, inTools+"ClusterTool", []string{"cluster-id", "--bootstrap-server", t.env.Bootstrap}, `Cluster ID: \S+`)
}

func (t *tools) drop(ctx context.Context) {
	t.broker(ctx, inTools+"TopicCommand", "--delete --topic "+toolsTopic)
	text := t.broker(ctx, inTools+"TopicCommand", "--list")
	if regexp.MustCompile(`(?m)^` + toolsTopic + `$`).MatchString(text) {
		t.wrong = append(t.wrong, errors.New("TopicCommand: the topic was deleted and is still listed"))
	}
}
