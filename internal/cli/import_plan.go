package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/internal/oldconsumer"
)

// importedAtOnce is how many groups are asked about within one timeout.
const importedAtOnce = 100

// imported is what group import-zookeeper does to one group.
type imported struct {
	Group     string           `json:"group"`
	Executed  bool             `json:"executed"`
	ReadAgain int64            `json:"readAgain"`
	Skipped   int64            `json:"skipped"`
	IDs       []importedID     `json:"ids"` // old consumers that live
	Offsets   []importedOffset `json:"offsets"`
	LeftOut   []leftOut        `json:"leftOut"`

	found []oldconsumer.Offset
	owner map[topicPartition]string
}

type importedID struct {
	ID      string         `json:"id"`
	Streams map[string]int `json:"streams"` // by topic or pattern
}

type importedOffset struct {
	resetOffset
	ZooKeeper int64  `json:"zookeeperOffset"`
	Owner     string `json:"owner"` // the stream of an old consumer, or ""
}

// leftOut is an offset that cannot be imported.
type leftOut struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	ZooKeeper int64  `json:"zookeeperOffset"`
	Why       string `json:"why"`
}

type topicPartition struct {
	topic     string
	partition int32
}

func importsOf(groups []oldconsumer.Group) []imported {
	imports := make([]imported, len(groups))
	for i := range groups {
		g := &groups[i]
		m := imported{Group: g.Name, IDs: []importedID{}, Offsets: []importedOffset{}, LeftOut: []leftOut{}, found: g.Offsets, owner: map[topicPartition]string{}}
		for _, id := range g.IDs {
			m.IDs = append(m.IDs, importedID{id.Name, id.Streams})
		}
		for _, o := range g.Owners {
			m.owner[topicPartition{o.Topic, o.Partition}] = o.Stream
		}
		imports[i] = m
	}
	return imports
}

func namesOf(imports []imported) []string {
	names := make([]string, len(imports))
	for i := range imports {
		names[i] = imports[i].Group
	}
	return names
}

// resets is what commitPlan takes.
func (m *imported) resets() []resetOffset {
	all := make([]resetOffset, len(m.Offsets))
	for i := range m.Offsets {
		all[i] = m.Offsets[i].resetOffset
	}
	return all
}

// logBounds is where the logs of the topics are that groups have offsets in. A topic that the brokers do not have is nil.
type logBounds map[string]map[int32]bounds

func (l logBounds) ask(ctx context.Context, admin *kadm.Client, imports []imported) error {
	for i := range imports {
		for _, o := range imports[i].found {
			l[o.Topic] = nil
		}
	}
	if len(l) == 0 { // without a topic it would be of all topics
		return nil
	}
	topics := sortedKeys(l)
	details, err := admin.ListTopicsWithInternal(ctx, topics...)
	if err != nil {
		return err
	}
	topics = topics[:0]
	for _, name := range sortedKeys(l) {
		switch d, ok := details[name]; {
		case !ok, errors.Is(d.Err, kerr.UnknownTopicOrPartition), errors.Is(d.Err, kerr.InvalidTopicException):
		case d.Err != nil:
			return answered("topic "+printable(name), d.Err, "")
		default:
			topics = append(topics, name)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return err
	}
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return err
	}
	for _, name := range topics {
		l[name] = map[int32]bounds{}
		for _, p := range details[name].Partitions.Sorted() {
			for _, o := range []kadm.ListedOffset{starts[name][p.Partition], ends[name][p.Partition]} {
				if o.Err != nil {
					return answered(fmt.Sprintf("offsets of %s-%d", name, p.Partition), o.Err, "")
				}
			}
			l[name][p.Partition] = bounds{starts[name][p.Partition].Offset, ends[name][p.Partition].Offset}
		}
	}
	return nil
}

// planImports says what becomes of each offset, beside what the coordinator has now.
func planImports(ctx context.Context, admin *kadm.Client, imports []imported, logs logBounds) error {
	committed, err := committedNow(ctx, admin, imports)
	if err != nil {
		return err
	}
	for i := range imports {
		m := &imports[i]
		for _, o := range m.found {
			log, there := logs[o.Topic][o.Partition]
			switch {
			case logs[o.Topic] == nil:
				m.LeftOut = append(m.LeftOut, leftOut{o.Topic, o.Partition, o.Offset, "the brokers have no such topic"})
				continue
			case !there:
				m.LeftOut = append(m.LeftOut, leftOut{o.Topic, o.Partition, o.Offset, "the topic has " + plural(len(logs[o.Topic]), "partition")})
				continue
			}
			r := importedOffset{ZooKeeper: o.Offset, Owner: m.owner[topicPartition{o.Topic, o.Partition}],
				resetOffset: resetOffset{Topic: o.Topic, Partition: o.Partition, New: o.Offset, LogStart: log.start, LogEnd: log.end}}
			if was, ok := committed[m.Group].Fetched.Lookup(o.Topic, o.Partition); ok && was.Err == nil && was.At >= 0 {
				r.Committed = &was.At
			}
			r.settleImported()
			m.ReadAgain += r.ReadAgain
			m.Skipped += r.Skipped
			m.Offsets = append(m.Offsets, r)
		}
	}
	return nil
}

// settleImported is settle for a group that goes on where its old consumers were: what those have read is not skipped.
func (r *resetOffset) settleImported() {
	if r.Committed != nil {
		r.settle()
		return
	}
	asked := r.New
	r.Committed = &asked
	r.settle()
	r.Committed = nil
	if r.ClampedFrom == nil {
		r.Effect = "goes on there"
	}
}

// committedNow is what the coordinator has of the groups.
func committedNow(ctx context.Context, admin *kadm.Client, imports []imported) (kadm.FetchOffsetsResponses, error) {
	committed := admin.FetchManyOffsets(ctx, namesOf(imports)...)
	for name, r := range committed {
		if r.Err != nil {
			return nil, answered("committed offsets of group "+printable(name), r.Err, "")
		}
	}
	return committed, nil
}

// verifyImports reads back what was committed, and says which groups are done.
func verifyImports(ctx context.Context, admin *kadm.Client, imports []imported) error {
	committed, err := committedNow(ctx, admin, imports)
	if err != nil {
		return err
	}
	for i := range imports {
		m := &imports[i]
		for _, o := range m.Offsets {
			now, ok := committed[m.Group].Fetched.Lookup(o.Topic, o.Partition)
			switch {
			case !ok || now.Err != nil || now.At < 0:
				return fmt.Errorf("group %s: %d was committed for %s-%d, and the coordinator has none", printable(m.Group), o.New, o.Topic, o.Partition)
			case now.At != o.New:
				return fmt.Errorf("group %s: %d was committed for %s-%d, and the coordinator has %d: somebody else commits", printable(m.Group), o.New, o.Topic, o.Partition, now.At)
			}
		}
		m.Executed = true
	}
	return nil
}

// activeGroups says which groups have members at the coordinator, whose own commits would undo an import. A group that is not
// there yet has none.
func activeGroups(ctx context.Context, admin *kadm.Client, names []string) ([]error, error) {
	groups, err := admin.DescribeGroups(ctx, names...)
	for err != nil && stillComing(err) && pause(ctx, coordinatorRetry) {
		groups, err = admin.DescribeGroups(ctx, names...)
	}
	if err != nil {
		return nil, err
	}
	var active []error
	for _, name := range names {
		g, ok := groups[name]
		switch {
		case !ok:
			return nil, fmt.Errorf("group %s was left out of the coordinator's answer", printable(name))
		case errors.Is(g.Err, kerr.GroupIDNotFound):
		case g.Err != nil:
			return nil, answered("group "+printable(name), g.Err, g.ErrMessage)
		case len(g.Members) > 0:
			active = append(active, activeGroup(g, "import"))
		}
	}
	return active, nil
}
