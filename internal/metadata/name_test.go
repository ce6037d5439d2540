package metadata

import (
	"strings"
	"testing"
)

func TestTopicNames(t *testing.T) {
	for _, name := range []string{"a", "A-1_b.c", "...", "..a", "_", strings.Repeat("x", 249), "__consumer_offsets"} {
		if err := CheckTopicName(name); err != nil {
			t.Errorf("CheckTopicName(%q) = %v, want nil", name, err)
		}
	}
	for _, name := range []string{
		"", ".", "..", "../x", "a/b", "a\\b", "a b", "a\x00", "é", "\u202eabc", "😀", "a\n", strings.Repeat("x", 250),
	} {
		if err := CheckTopicName(name); err == nil {
			t.Errorf("CheckTopicName(%q) = nil, want an error", name)
		}
	}
}

func TestCollisionKey(t *testing.T) {
	if CollisionKey("a.b_c") != CollisionKey("a_b.c") {
		t.Error("a.b_c and a_b.c must collide")
	}
	if CollisionKey("a-b") == CollisionKey("a_b") {
		t.Error("a-b and a_b must not collide")
	}
}

func TestTopicPartition(t *testing.T) {
	tp := TopicPartition{Topic: "a", Partition: 3}
	if tp.String() != "a-3" {
		t.Errorf("String() = %q", tp.String())
	}
	if tp.Compare(TopicPartition{"a", 4}) >= 0 || tp.Compare(TopicPartition{"A", 4}) <= 0 || tp.Compare(tp) != 0 {
		t.Error("Compare orders wrongly")
	}
}
