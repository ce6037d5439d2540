package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestTopicOverrides(t *testing.T) {
	b := mustResolve(t, "log.segment.bytes=2097152\nlog.cleanup.policy=compact", nil)
	topic, err := b.Topic(map[string]string{"retention.ms": " 5 ", "internal.segment.bytes": "100"})
	if err != nil {
		t.Fatal(err)
	}
	if topic.Retention != 5*time.Millisecond || topic.Segment != 100 || !topic.Compacts() || topic.Deletes() {
		t.Errorf("resolved to %+v", topic)
	}
}

// What Kafka 4.3.1 takes and refuses, as its LogConfig answered.
func TestValidateTopic(t *testing.T) {
	b := Defaults()
	for _, c := range []struct{ name, value, want string }{
		{"cleanup.policy", "", ""},
		{"cleanup.policy", "delete,delete", ""},
		{"cleanup.policy", "compact, delete", ""},
		{"cleanup.policy", "Delete", "must be one of: compact, delete"},
		{"compression.type", "GZIP", "must be one of: uncompressed, zstd, lz4, snappy, gzip, producer"},
		{"compression.type", "none", "must be one of"},
		{"min.cleanable.dirty.ratio", "1.5", "must be at most 1"},
		{"min.cleanable.dirty.ratio", "NaN", "must be a number"},
		{"retention.ms", "x", "must be a whole number"},
		{"retention.ms", "-2", "must be at least -1"},
		{"retention.bytes", "-5", ""},
		{"preallocate", "yes", "must be true or false"},
		{"preallocate", "TRUE", ""},
		{"segment.bytes", "1", "must be at least 1048576"},
		{"compression.gzip.level", "0", "must be at least 1, or -1"},
		{"compression.gzip.level", "-1", ""},
		{"leader.replication.throttled.replicas", "*", ""},
		{"leader.replication.throttled.replicas", "0:1,1:2", ""},
		{"leader.replication.throttled.replicas", "none", "must be * or a list of partition:broker"},
		{"max.message.bytes", "2147483648", "must fit into 32 bits"},
		{"remote.storage.enable", "true", "skein has no remote storage"},
		{"retention.md", "1", "there is no such topic property; did you mean retention.ms?"},
		{"log.retention.ms", "1", "there is no such topic property"},
		{"min.compaction.lag.ms", "9223372036854775807", ""},
	} {
		err := b.ValidateTopic(map[string]string{c.name: c.value})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s=%s gives %v, want %q", c.name, c.value, err, c.want)
		}
	}
	err := b.ValidateTopic(map[string]string{"min.compaction.lag.ms": "5", "max.compaction.lag.ms": "3"})
	if err == nil || !strings.Contains(err.Error(), "is more than max.compaction.lag.ms") {
		t.Errorf("lags the wrong way round give %v", err)
	}
	if err := ValidateGroup(map[string]string{"consumer.session.timeout.ms": "50000"}); err != nil {
		t.Error(err)
	}
	if err := ValidateGroup(map[string]string{"retention.ms": "1"}); err == nil {
		t.Error("a group took a topic's property")
	}
}

func TestThrottledReplicas(t *testing.T) {
	for _, c := range []struct {
		list              string
		partition, broker int32
		want              bool
	}{
		{"", 0, 1, false}, {"*", 7, 9, true}, {"0:1", 0, 1, true}, {"0:1", 1, 0, false}, {"0:1,2:3", 2, 3, true}, {"0:1,2:3", 2, 1, false},
	} {
		for name, throttles := range map[string]func(*Topic) bool{
			"leader.replication.throttled.replicas":   func(topic *Topic) bool { return topic.ThrottlesLeader(c.partition, c.broker) },
			"follower.replication.throttled.replicas": func(topic *Topic) bool { return topic.ThrottlesFollower(c.partition, c.broker) },
		} {
			topic, err := Defaults().Topic(map[string]string{name: c.list})
			if err != nil || throttles(topic) != c.want {
				t.Errorf("%s=%s, partition %d, broker %d: not %v (%v)", name, c.list, c.partition, c.broker, c.want, err)
			}
		}
	}
}

func TestThrottleRates(t *testing.T) {
	own := map[string]string{"leader.replication.throttled.rate": "5", "replica.alter.log.dirs.io.max.bytes.per.second": "7"}
	general := map[string]string{"leader.replication.throttled.rate": "3", "follower.replication.throttled.rate": "4"}
	for _, of := range []struct {
		values map[string]string
		own    bool
	}{{own, true}, {general, false}} {
		if err := ValidateDynamic(of.values, of.own); err != nil {
			t.Error(err)
		}
	}
	if err := ValidateDynamic(map[string]string{"leader.replication.throttled.rate": "-1"}, true); err == nil {
		t.Error("a negative rate is taken")
	}
	b, err := Defaults().WithDynamic(general, own)
	if err != nil || b.LeaderThrottle != 5 || b.FollowerThrottle != 4 {
		t.Errorf("the rates are %d and %d (%v)", b.LeaderThrottle, b.FollowerThrottle, err)
	}
	if b := Defaults(); b.LeaderThrottle != NoLimit || b.FollowerThrottle != NoLimit {
		t.Errorf("the rates are %d and %d where nobody set them", b.LeaderThrottle, b.FollowerThrottle)
	}
}

func describe(entries []Entry, name string) string {
	for _, e := range entries {
		if e.Name == name {
			value := "null"
			if e.Value != nil {
				value = *e.Value
			}
			line := fmt.Sprintf("%s %s", value, e.Source)
			for _, s := range e.Synonyms {
				value = "null"
				if s.Value != nil {
					value = *s.Value
				}
				line += fmt.Sprintf(" | %s=%s %s", s.Name, value, s.Source)
			}
			return line
		}
	}
	return "none"
}

func TestDescribe(t *testing.T) {
	b := mustResolve(t, "log.retention.minutes=2\nssl.key.password=hunter2\nlistener.name.x.ssl.key.password=hunter3", nil)
	b, err := b.WithDynamic(map[string]string{"log.retention.ms": "7"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	static := mustResolve(t, "log.retention.minutes=2", nil)
	for _, c := range []struct {
		entries    []Entry
		name, want string
	}{
		{b.DescribeTopic(map[string]string{"retention.ms": "9"}), "retention.ms",
			"9 DYNAMIC_TOPIC_CONFIG | retention.ms=9 DYNAMIC_TOPIC_CONFIG | log.retention.ms=7 DYNAMIC_DEFAULT_BROKER_CONFIG" +
				" | log.retention.minutes=2 STATIC_BROKER_CONFIG | log.retention.hours=168 DEFAULT_CONFIG"},
		{static.DescribeTopic(nil), "retention.ms",
			"120000 STATIC_BROKER_CONFIG | log.retention.minutes=2 STATIC_BROKER_CONFIG | log.retention.hours=168 DEFAULT_CONFIG"},
		{Defaults().DescribeTopic(nil), "retention.ms", "604800000 DEFAULT_CONFIG | log.retention.hours=168 DEFAULT_CONFIG"},
		{Defaults().DescribeTopic(nil), "remote.storage.enable", "false DEFAULT_CONFIG"},
		{Defaults().DescribeTopic(nil), "internal.segment.bytes", "none"},
		{b.Describe(), "ssl.key.password", "null STATIC_BROKER_CONFIG | ssl.key.password=null STATIC_BROKER_CONFIG"},
		{b.Describe(), "listener.name.x.ssl.key.password", "null STATIC_BROKER_CONFIG | listener.name.x.ssl.key.password=null STATIC_BROKER_CONFIG"},
		{b.Describe(), "log.retention.ms", "7 DYNAMIC_DEFAULT_BROKER_CONFIG | log.retention.ms=7 DYNAMIC_DEFAULT_BROKER_CONFIG" +
			" | log.retention.minutes=2 STATIC_BROKER_CONFIG | log.retention.hours=168 DEFAULT_CONFIG"},
		{b.Describe(), "offsets.topic.replication.factor", "null DEFAULT_CONFIG"},
		{b.DescribeGroup(map[string]string{"consumer.session.timeout.ms": "50000"}), "consumer.session.timeout.ms",
			"50000 GROUP_CONFIG | consumer.session.timeout.ms=50000 GROUP_CONFIG | group.consumer.session.timeout.ms=45000 DEFAULT_CONFIG"},
	} {
		if got := describe(c.entries, c.name); got != c.want {
			t.Errorf("%s is\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestLists(t *testing.T) {
	policy, _ := TopicProperties.Lookup("cleanup.policy")
	for _, c := range []struct{ current, operand, appended, subtracted string }{
		{"delete", "compact", "delete,compact", "delete"},
		{"delete", "delete", "delete", ""},
		{"", "compact", "compact", ""},
		{"compact, delete", "", "compact,delete", "compact,delete"},
	} {
		appended, err1 := policy.AppendList(c.current, c.operand)
		subtracted, err2 := policy.SubtractList(c.current, c.operand)
		if appended != c.appended || subtracted != c.subtracted || err1 != nil || err2 != nil {
			t.Errorf("%q and %q: %q, %q", c.current, c.operand, appended, subtracted)
		}
	}
	number, _ := TopicProperties.Lookup("retention.ms")
	if _, err := number.AppendList("1", "2"); err == nil {
		t.Error("appended to a number")
	}
	if _, err := number.SubtractList("1", "2"); err == nil {
		t.Error("subtracted from a number")
	}
	if !reflect.DeepEqual(splitList(" "), []string{}) {
		t.Error("the empty list is not empty")
	}
}
