package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
)

// describedTopic is one topic of topic describe.
type describedTopic struct {
	Name              string               `json:"name"`
	ID                string               `json:"id"`
	Internal          bool                 `json:"internal"`
	ReplicationFactor int                  `json:"replicationFactor"`
	Partitions        []describedPartition `json:"partitions"`
	Configs           []describedConfig    `json:"configs"`
}

type describedPartition struct {
	Partition   int32   `json:"partition"`
	Leader      int32   `json:"leader"` // -1 without
	LeaderEpoch int32   `json:"leaderEpoch"`
	Replicas    []int32 `json:"replicas"`
	ISR         []int32 `json:"isr"`
	Offline     []int32 `json:"offlineReplicas"`
	LogStart    *int64  `json:"logStartOffset"` // null where the leader did not say
	LogEnd      *int64  `json:"logEndOffset"`   // the high watermark, as consumers see the end
}

type describedConfig struct {
	Name      string  `json:"name"`
	Value     *string `json:"value"` // null where there is none, or it is secret
	Source    string  `json:"source"`
	Sensitive bool    `json:"sensitive"`
}

func newTopicDescribe() *cobra.Command {
	var (
		n   connection
		o   output
		all bool
	)
	c := &cobra.Command{
		Use:   "describe NAME...",
		Short: "Show partitions, leaders, offsets and configuration of topics",
		Args:  atLeastOne("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			var topics []describedTopic
			err := n.admin(c, func(ctx context.Context, admin *kadm.Client) (err error) {
				topics, err = describeTopics(ctx, admin, args)
				return err
			})
			if err != nil {
				return err
			}
			return o.print(c, topics, func(p *page) {
				for i := range topics {
					if i > 0 {
						p.line("")
					}
					topics[i].print(p, all)
				}
			})
		},
		ValidArgsFunction: n.topicNames(0),
	}
	n.flags(c)
	o.flag(c)
	c.Flags().BoolVar(&all, "all-configs", false, "show properties that are at their default too")
	return c
}

func describeTopics(ctx context.Context, admin *kadm.Client, names []string) ([]describedTopic, error) {
	details, err := findTopics(ctx, admin, names...)
	if err != nil {
		return nil, err
	}
	starts, err := admin.ListStartOffsets(ctx, names...)
	if err != nil {
		return nil, err
	}
	ends, err := admin.ListEndOffsets(ctx, names...)
	if err != nil {
		return nil, err
	}
	configs, err := admin.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return nil, err
	}
	var topics []describedTopic
	for _, name := range names {
		d := details[name]
		t := describedTopic{Name: name, ID: protocol.UUID(d.ID).String(), Internal: d.IsInternal, ReplicationFactor: d.Partitions.NumReplicas(),
			Partitions: describePartitions(d, starts, ends), Configs: []describedConfig{}}
		resource, err := configs.On(name, nil)
		if err == nil {
			err = resource.Err
		}
		if err != nil {
			return nil, answered("configuration of topic "+name, err, resource.ErrMessage)
		}
		for _, e := range resource.Configs {
			t.Configs = append(t.Configs, describedConfig{e.Key, e.Value, e.Source.String(), e.Sensitive})
		}
		slices.SortFunc(t.Configs, func(a, b describedConfig) int { return strings.Compare(a.Name, b.Name) })
		topics = append(topics, t)
	}
	return topics, nil
}

// findTopics asks for topics, without creating them; one that is not there is an error.
func findTopics(ctx context.Context, admin *kadm.Client, names ...string) (kadm.TopicDetails, error) {
	details, err := admin.ListTopicsWithInternal(ctx, names...)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, name := range names {
		switch t, ok := details[name]; {
		case !ok:
			failed = append(failed, errors.New("topic "+name+" was left out of the broker's answer"))
		case t.Err != nil:
			failed = append(failed, answered("topic "+name, t.Err, ""))
		}
	}
	return details, errors.Join(failed...)
}

func describePartitions(d kadm.TopicDetail, starts, ends kadm.ListedOffsets) []describedPartition {
	var partitions []describedPartition
	for _, p := range d.Partitions.Sorted() {
		partitions = append(partitions, describedPartition{
			Partition: p.Partition, Leader: p.Leader, LeaderEpoch: p.LeaderEpoch,
			Replicas: present(p.Replicas), ISR: present(p.ISR), Offline: present(p.OfflineReplicas),
			LogStart: offsetOf(starts, d.Topic, p.Partition), LogEnd: offsetOf(ends, d.Topic, p.Partition),
		})
	}
	return partitions
}

// present is list, or an empty one, which JSON shows as [].
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func offsetOf(listed kadm.ListedOffsets, topic string, partition int32) *int64 {
	o, ok := listed.Lookup(topic, partition)
	if !ok || o.Err != nil {
		return nil
	}
	return &o.Offset
}

func (t *describedTopic) print(p *page, all bool) {
	internal := ""
	if t.Internal {
		internal = ", internal"
	}
	p.line("topic %s: %s, replication factor %d, id %s%s\n", t.Name, plural(len(t.Partitions), "partition"), t.ReplicationFactor, t.ID, internal)
	var rows [][]string
	for _, d := range t.Partitions {
		leader := "none"
		if d.Leader >= 0 {
			leader = number(d.Leader)
		}
		rows = append(rows, []string{number(d.Partition), leader, number(d.LeaderEpoch), numbers(d.Replicas), numbers(d.ISR), maybe(d.LogStart), maybe(d.LogEnd)})
	}
	p.table([]string{"PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "START", "END"}, rows)
	rows = nil
	for _, e := range t.Configs {
		if all || e.Source != kmsg.ConfigSourceDefaultConfig.String() {
			rows = append(rows, []string{e.Name, shownValue(e.Value, e.Sensitive), e.Source})
		}
	}
	p.line("")
	if len(rows) > 0 {
		p.table([]string{"CONFIG", "VALUE", "SOURCE"}, rows)
	}
	if left := len(t.Configs) - len(rows); left > 0 {
		p.line("%d properties are at their default (--all-configs)", left)
	}
}

func shownValue(value *string, sensitive bool) string {
	switch {
	case sensitive:
		return "***"
	case value == nil:
		return ""
	case *value == "":
		return `""`
	}
	return *value
}

func maybe(n *int64) string {
	if n == nil {
		return ""
	}
	return number(*n)
}
