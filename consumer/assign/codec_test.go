package assign

import (
	"reflect"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What is sent is Kafka's ConsumerProtocolSubscription, version 3, byte for byte.
func TestEncodeSubscription(t *testing.T) {
	m := Member{
		Rack: "r", Topics: []string{"a", "b"}, UserData: []byte{9}, Generation: 5,
		Owned: []TopicPartition{{"b", 1}, {"a", 2}, {"b", 0}},
	}
	want := []byte{
		0, 3, // version
		0, 0, 0, 2, 0, 1, 'a', 0, 1, 'b', // topics
		0, 0, 0, 1, 9, // user data
		0, 0, 0, 2, 0, 1, 'a', 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 'b', 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, // owned
		0, 0, 0, 5, // generation
		0, 1, 'r', // rack
	}
	if got := EncodeSubscription(m); !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestDecodeSubscription(t *testing.T) {
	topics := []byte{0, 0, 0, 2, 0, 1, 'b', 0, 1, 'a', 0xff, 0xff, 0xff, 0xff} // and no user data
	owned := []byte{0, 0, 0, 1, 0, 1, 'a', 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 3}
	join := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	has := []TopicPartition{{"a", 3}, {"a", 7}}
	for _, c := range []struct {
		name string
		data []byte
		want Member
		bad  bool
	}{
		{"version 0", join([]byte{0, 0}, topics), Member{Topics: []string{"a", "b"}, Generation: -1}, false},
		{"version 1", join([]byte{0, 1}, topics, owned), Member{Topics: []string{"a", "b"}, Owned: has, Generation: -1}, false},
		{"version 1 without owned partitions", join([]byte{0, 1}, topics), Member{Topics: []string{"a", "b"}, Generation: -1}, false},
		{"version 2", join([]byte{0, 2}, topics, owned, []byte{0, 0, 0, 4}), Member{Topics: []string{"a", "b"}, Owned: has, Generation: 4}, false},
		{"version 3", join([]byte{0, 3}, topics, owned, []byte{0, 0, 0, 4, 0, 1, 'x'}), Member{Topics: []string{"a", "b"}, Owned: has, Generation: 4, Rack: "x"}, false},
		{"no rack", join([]byte{0, 3}, topics, owned, []byte{0, 0, 0, 4, 0xff, 0xff}), Member{Topics: []string{"a", "b"}, Owned: has, Generation: 4}, false},
		{"a version to come", join([]byte{0, 9}, topics, owned, []byte{0, 0, 0, 4, 0, 1, 'x', 1, 2, 3}), Member{Topics: []string{"a", "b"}, Owned: has, Generation: 4, Rack: "x"}, false},
		{"version 2 without generation", join([]byte{0, 2}, topics, owned), Member{}, true},
		{"a topic is missing", []byte{0, 0, 0, 0, 0, 2, 0, 1, 'b'}, Member{}, true},
		{"a version below zero", join([]byte{0xff, 0xff}, topics), Member{}, true},
		{"nothing", nil, Member{}, true},
	} {
		got, err := DecodeSubscription(c.data)
		if (err != nil) != c.bad || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v %v, want %+v", c.name, got, err, c.want)
		}
	}
}

// Any version of an assignment is read; what comes after it, too.
func TestDecodeAssignment(t *testing.T) {
	topic := []byte{0, 0, 0, 1, 0, 1, 'a', 0, 0, 0, 3, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 7}
	for _, data := range [][]byte{
		slices.Concat([]byte{0, 0}, topic, []byte{0xff, 0xff, 0xff, 0xff}),
		slices.Concat([]byte{0, 1}, topic, []byte{0, 0, 0, 2, 5, 5}),
		slices.Concat([]byte{0, 3}, topic, []byte{0, 0, 0, 0, 1, 2, 3}),
	} {
		got, err := DecodeAssignment(data)
		if err != nil || !slices.Equal(got, []TopicPartition{{"a", 3}, {"a", 7}}) {
			t.Errorf("%x: %v %v", data, got, err)
		}
	}
	if got, err := DecodeAssignment(nil); err != nil || got != nil {
		t.Errorf("no bytes: %v %v", got, err)
	}
	if _, err := DecodeAssignment(EncodeAssignment([]TopicPartition{{Topic: "t", Partition: -1}})); err == nil {
		t.Fatal("there is no partition -1")
	}
	if _, err := DecodeAssignment([]byte{0, 0, 0, 0, 0, 1}); err == nil {
		t.Error("half an assignment is read")
	}
}

// FuzzSubscription: no bytes of another member can harm the leader; what is read can be written and is read the same
// again; kmsg reads the same from what is written.
func FuzzSubscription(f *testing.F) {
	for seed := range uint64(8) {
		for _, m := range randomGroup(seed, 3, 3, 3).Members {
			f.Add(EncodeSubscription(m))
		}
	}
	f.Add([]byte{0, 1, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeSubscription(data)
		if err != nil {
			return
		}
		if !slices.IsSorted(m.Topics) || !slices.IsSortedFunc(m.Owned, TopicPartition.Compare) {
			t.Fatalf("not sorted: %+v", m)
		}
		written := EncodeSubscription(m)
		again, err := DecodeSubscription(written)
		if err != nil || !sameMember(m, again) {
			t.Fatalf("%+v is read as %+v, %v", m, again, err)
		}
		var theirs kmsg.ConsumerMemberMetadata
		if err := theirs.ReadFrom(written); err != nil {
			t.Fatal(err)
		}
		back := Member{Topics: theirs.Topics, UserData: theirs.UserData, Generation: theirs.Generation}
		if theirs.Rack != nil {
			back.Rack = *theirs.Rack
		}
		for _, o := range theirs.OwnedPartitions {
			for _, p := range o.Partitions {
				back.Owned = append(back.Owned, TopicPartition{o.Topic, p})
			}
		}
		if !sameMember(m, back) {
			t.Fatalf("kmsg reads %+v as %+v", m, back)
		}
		// And no assignor is harmed by it.
		m.ID = "m"
		g := Group{Members: []Member{m, {ID: "o", Topics: []string{"t", "u"}}}, Partitions: map[string]int32{"t": 3, "u": 2}}
		for _, topic := range m.Topics {
			g.Partitions[topic] = 2
		}
		for _, a := range []Assignor{Range(), RoundRobin(), Sticky(), CooperativeSticky()} {
			plan := mustAssign(t, a, g)
			bad := checkValid(g, plan)
			if a.Cooperative() {
				bad = checkCooperative(g, plan, 1)
			}
			if bad != "" {
				t.Fatalf("%s: %s", a.Name(), bad)
			}
		}
	})
}

func sameMember(a, b Member) bool {
	return slices.Equal(a.Topics, b.Topics) && slices.Equal(a.Owned, b.Owned) && slices.Equal(a.UserData, b.UserData) &&
		a.Generation == b.Generation && a.Rack == b.Rack
}

// FuzzAssignment: the same of an assignment.
func FuzzAssignment(f *testing.F) {
	f.Add(EncodeAssignment(nil))
	f.Add(EncodeAssignment([]TopicPartition{{"a", 1}, {"b", 0}, {"a", 0}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		partitions, err := DecodeAssignment(data)
		if err != nil {
			return
		}
		written := EncodeAssignment(partitions)
		again, err := DecodeAssignment(written)
		if err != nil || !slices.Equal(partitions, again) {
			t.Fatalf("%v is read as %v, %v", partitions, again, err)
		}
		var theirs kmsg.ConsumerMemberAssignment
		if err := theirs.ReadFrom(written); err != nil {
			t.Fatal(err)
		}
		var back []TopicPartition
		for _, topic := range theirs.Topics {
			for _, p := range topic.Partitions {
				back = append(back, TopicPartition{topic.Topic, p})
			}
		}
		if !slices.Equal(partitions, back) {
			t.Fatalf("kmsg reads %v as %v", partitions, back)
		}
	})
}
