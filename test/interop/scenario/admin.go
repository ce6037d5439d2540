package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/test/interop/check"
	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/line"
)

// admin is one family's walk through the administrative calls. A call that the
// library lacks is noted; a wrong answer is kept and the walk goes on.
type admin struct {
	env    *Env
	family *family.Family
	client *line.Client
	topic  string
	group  string

	can, cannot []string
	wrong       []error
}

// answer holds every field an administrative call may answer with.
type answer struct {
	Topics     []string          `json:"topics"`
	Partitions int               `json:"partitions"`
	Low        *int64            `json:"low"`
	Earliest   int64             `json:"earliest"`
	Latest     int64             `json:"latest"`
	Configs    map[string]string `json:"configs"`
	Groups     []string          `json:"groups"`
	State      string            `json:"state"`
	Members    int               `json:"members"`
	Offsets    map[string]int64  `json:"offsets"`
	Brokers    int               `json:"brokers"`
	Cluster    string            `json:"cluster"`
}

// Admin administers topics, configs and groups.
func Admin(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	client, err := f.Start(ctx, env.Bootstrap)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	a := &admin{env: env, family: f, client: client, topic: named(f, "admin"), group: named(f, "admin")}
	for _, step := range []func(context.Context) error{a.cluster, a.makeTopic, a.configs, a.alterConfigs, a.records, a.groups, a.dropTopic} {
		if err := step(ctx); err != nil {
			return a.notes(), err
		}
	}
	return a.notes(), errors.Join(a.wrong...)
}

func (a *admin) notes() Notes {
	return Notes{"can": strings.Join(a.can, " "), "cannot": strings.Join(a.cannot, " ")}
}

// call runs one command. It returns nil where the library has no such call and
// where it failed; the failure is kept.
func (a *admin) call(ctx context.Context, r line.Request) *answer {
	r.Topic, r.Group = a.topic, a.group
	data, err := a.client.Call(ctx, r, nil)
	if errors.Is(err, line.ErrUnsupported) {
		a.cannot = append(a.cannot, r.Cmd)
		return nil
	}
	if !slices.Contains(a.can, r.Cmd) {
		a.can = append(a.can, r.Cmd)
	}
	if err != nil {
		a.wrong = append(a.wrong, fmt.Errorf("%s: %w", r.Cmd, err))
		return nil
	}
	got := &answer{}
	if len(data) > 0 {
		if err := json.Unmarshal(data, got); err != nil {
			a.wrong = append(a.wrong, fmt.Errorf("%s: %w in %s", r.Cmd, err, data))
			return nil
		}
	}
	return got
}

// want keeps a complaint unless what holds.
func (a *admin) want(holds bool, what string, args ...any) {
	if !holds {
		a.wrong = append(a.wrong, fmt.Errorf(what, args...))
	}
}

func (a *admin) cluster(ctx context.Context) error {
	if got := a.call(ctx, line.Request{Cmd: "describe_cluster"}); got != nil {
		a.want(got.Brokers == 1, "describe_cluster: %d brokers, want 1", got.Brokers)
	}
	if got := a.call(ctx, line.Request{Cmd: "broker_configs"}); got != nil {
		for _, name := range []string{"log.retention.hours", "num.partitions", "message.max.bytes"} {
			a.want(got.Configs[name] != "", "broker_configs: %d configs, %s is not among them", len(got.Configs), name)
		}
	}
	return nil
}

func (a *admin) makeTopic(ctx context.Context) error {
	created := a.call(ctx, line.Request{Cmd: "create_topic", Count: 2, Configs: map[string]string{"retention.ms": "3600000"}})
	if created == nil {
		if err := a.env.topic(ctx, a.topic, 2); err != nil {
			return errors.Join(append(a.wrong, err)...)
		}
	}
	if a.call(ctx, line.Request{Cmd: "add_partitions", Count: 4}) == nil {
		if _, err := a.env.adm.UpdatePartitions(ctx, 4, a.topic); err != nil {
			return err
		}
	}
	err := a.env.until(ctx, "four partitions", 10*time.Second, func() (bool, error) {
		details, err := a.env.adm.ListTopics(ctx, a.topic)
		return len(details[a.topic].Partitions) == 4, err
	})
	if err != nil {
		return errors.Join(append(a.wrong, err)...)
	}
	if got := a.call(ctx, line.Request{Cmd: "list_topics"}); got != nil {
		a.want(slices.Contains(got.Topics, a.topic), "list_topics: %s is not in %v", a.topic, got.Topics)
	}
	if got := a.call(ctx, line.Request{Cmd: "describe_topic"}); got != nil {
		a.want(got.Partitions == 4, "describe_topic: %d partitions, want 4", got.Partitions)
	}
	return nil
}

// records fills the topic and cuts the front of one partition off.
func (a *admin) records(ctx context.Context) error {
	if err := a.env.seed(ctx, a.family, a.topic, "a", 500, time.Now().Add(-time.Hour)); err != nil {
		return err
	}
	p, end, err := a.longest(ctx)
	if err != nil {
		return err
	}
	if got := a.call(ctx, line.Request{Cmd: "delete_records", Partition: p, Offset: 10}); got != nil {
		a.want(got.Low == nil || *got.Low == 10, "delete_records: low watermark %v, want 10", got.Low)
		starts, err := a.env.adm.ListStartOffsets(ctx, a.topic)
		start, _ := starts.Lookup(a.topic, p)
		a.want(err == nil && start.Offset == 10, "after delete_records the start is %d (%v), want 10", start.Offset, err)
	}
	if got := a.call(ctx, line.Request{Cmd: "offsets", Partition: p}); got != nil {
		a.want(got.Latest == end, "offsets: latest %d, want %d", got.Latest, end)
	}
	return nil
}

// longest is the partition with the highest end offset, and that offset.
func (a *admin) longest(ctx context.Context) (int32, int64, error) {
	held, err := check.ReadTopic(ctx, a.env.Bootstrap, a.topic)
	if err != nil {
		return 0, 0, err
	}
	var most int32
	for p := range held {
		if len(held[p]) > len(held[most]) {
			most = p
		}
	}
	return most, int64(len(held[most])), nil
}

func (a *admin) dropTopic(ctx context.Context) error {
	if a.call(ctx, line.Request{Cmd: "delete_topic"}) == nil {
		return nil
	}
	return a.env.until(ctx, "topic deleted", 10*time.Second, func() (bool, error) {
		details, err := a.env.adm.ListTopics(ctx)
		return !details.Has(a.topic), err
	})
}
