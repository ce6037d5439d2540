package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
)

// Verdict is what came of a check.
type Verdict string

const (
	// Fine: nothing is to be done.
	Fine Verdict = "ok"
	// Doubt: it may be meant so; look at it.
	Doubt Verdict = "warn"
	// Wrong: the pipeline would not run, or would refuse records.
	Wrong Verdict = "FAIL"
)

// Finding is one thing that was looked at.
type Finding struct {
	// Part is "brokers", "source" or "sink NAME"; What is a table, a topic or what else it is about.
	Part    string  `json:"part"`
	What    string  `json:"what"`
	Verdict Verdict `json:"verdict"`
	// Detail says what is wrong and what to change.
	Detail string `json:"detail"`
}

// checkMax bounds what one system is asked.
const checkMax = 30 * time.Second

// checker is Check at work.
type checker struct {
	c     *Config
	found []Finding
	// tables are the source's that are wanted, as it has them; nil if they are not known.
	tables []*change.Table
	topics kadm.TopicDetails
}

// Check looks at everything that a pipeline's file names, and changes nothing: can it be reached, are settings, rights, tables,
// topics and columns what the parts need. only names parts, all if there is none.
func Check(ctx context.Context, c *Config, only []string, more ...kgo.Opt) []Finding {
	k := &checker{c: c}
	k.brokers(ctx, more)
	wanted := func(name string) bool { return len(only) == 0 || slices.Contains(only, name) }
	if c.Source != nil {
		k.source(ctx, wanted(SourcePart))
	}
	for i := range c.Sinks {
		if s := &c.Sinks[i]; wanted(SinkPart(s.Name)) {
			k.sink(ctx, s)
		}
	}
	return k.found
}

func (k *checker) add(part, what string, v Verdict, format string, args ...any) {
	k.found = append(k.found, Finding{part, what, v, fmt.Sprintf(format, args...)})
}

// wrong adds a finding for each line of an error.
func (k *checker) wrong(part, what string, err error) {
	for line := range strings.Lines(err.Error()) {
		k.add(part, what, Wrong, "%s", strings.TrimSpace(line))
	}
}

// brokers looks for the cluster and the topics that are there.
func (k *checker) brokers(ctx context.Context, more []kgo.Opt) {
	const part = "brokers"
	what := strings.Join(k.c.Brokers.Addresses, ",")
	to, err := openCluster(k.c, more...)
	if err != nil {
		k.wrong(part, what, err)
		return
	}
	defer to.close()
	ctx, cancel := context.WithTimeout(ctx, checkMax/2)
	defer cancel()
	metadata, err := to.admin.Metadata(ctx)
	if err != nil {
		k.add(part, what, Wrong, "they do not answer: %v; is the address right, and a broker running?", err)
		return
	}
	k.topics = metadata.Topics
	k.add(part, what, Fine, "brokers: %d, topics: %d", len(metadata.Brokers), len(k.topics))
	for _, name := range []string{k.c.Topics.Prefix + ".positions", statusTopic(k.c)} {
		if t, there := k.topics[name]; there && len(t.Partitions) != 1 {
			k.add(part, "topic "+name, Wrong, "it has %d partitions and has to have 1: delete it, or choose another topics.prefix", len(t.Partitions))
		}
	}
}

// topic looks for the topic of a table that a sink reads.
func (k *checker) topic(part, topic string) {
	if k.topics == nil {
		return // the brokers do not answer, which is told
	}
	if err := spec.CheckTopic(topic); err != nil {
		k.add(part, "topic "+topic, Wrong, "Kafka has no such names: %v", err)
		return
	}
	t, there := k.topics[topic]
	switch {
	case there && t.Err != nil:
		k.add(part, "topic "+topic, Wrong, "%v", t.Err)
	case there:
		k.add(part, "topic "+topic, Fine, "partitions: %d", len(t.Partitions))
	case k.c.Source != nil:
		k.add(part, "topic "+topic, Fine, "it is not there; the source makes it at the first change")
	default:
		k.add(part, "topic "+topic, Doubt, "it is not there; the sink waits until somebody writes to it")
	}
}

// sink looks at what a sink reads and writes.
func (k *checker) sink(ctx context.Context, s *spec.Sink) {
	part := SinkPart(s.Name)
	tables := k.sinkTables(s)
	if len(tables) == 0 {
		k.add(part, "tables", Doubt, "no table fits yet")
	}
	for _, topic := range k.c.Read.Topics {
		k.topic(part, topic)
	}
	if len(k.c.Read.Topics) == 0 {
		for _, t := range tables {
			k.topic(part, TopicOf(k.c, t))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, checkMax)
	defer cancel()
	if s.Type == spec.HBase {
		k.hbase(ctx, part, s, tables)
	} else {
		k.mysql(ctx, part, s, tables)
	}
}

// sinkTables are the tables of a sink that are known: named, in the source, or as topics.
func (k *checker) sinkTables(s *spec.Sink) []string {
	names := k.topics.Names()
	for _, t := range k.tables {
		names = append(names, TopicOf(k.c, t.String()))
	}
	return TablesOf(k.c, s, names)
}

// table is a source's table; nil if it is not known.
func (k *checker) table(name string) *change.Table {
	for _, t := range k.tables {
		if t.String() == name {
			return t
		}
	}
	return nil
}
