package metadata

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
)

// dump is all that an image says, as bytes: the same for equal images only.
func dump(i *Image) []byte {
	return AppendRecords(nil, slices.Collect(i.Records())...)
}

// rebuild makes an image out of the records of another, through their encoding.
func rebuild(t testing.TB, i *Image) *Image {
	t.Helper()
	records, err := DecodeRecords(dump(i))
	if err != nil {
		t.Fatal(err)
	}
	next, _, err := Apply(NewImage(i.ClusterID()), records)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func same(t testing.TB, got, want *Image) {
	t.Helper()
	if string(dump(got)) != string(dump(want)) || got.PartitionCount() != want.PartitionCount() ||
		!reflect.DeepEqual(slices.Collect(keys(got.collisions)), slices.Collect(keys(want.collisions))) {
		t.Fatalf("images differ:\n%q\n%q", dump(got), dump(want))
	}
}

func keys[K, V any](t tree[K, V]) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range t.all() {
			if !yield(k) {
				return
			}
		}
	}
}

// TestImageFromLogAndSnapshot is the model test of the log: an image that was built record by record, one that was
// built in batches, and one that came out of a snapshot and the records after it are the same, and no image ever changes.
func TestImageFromLogAndSnapshot(t *testing.T) {
	for seed := range uint64(30) {
		s := &stream{random: rand.New(rand.NewPCG(seed, 7)), image: NewImage("c")}
		batched, snapshot := s.image, s.image
		var batch []Record
		var olds []*Image
		var dumps []string
		for step := range 300 {
			records := s.next()
			before := s.image
			next, delta, err := Apply(before, records)
			if err != nil {
				t.Fatalf("seed %d step %d: %v", seed, step, err)
			}
			checkDelta(t, before, next, delta)
			s.image = next
			if snapshot, _, err = Apply(snapshot, records); err != nil {
				t.Fatal(err)
			}
			batch = append(batch, records...)
			if s.random.IntN(20) == 0 {
				whole, delta, err := Apply(batched, batch)
				if err != nil {
					t.Fatal(err)
				}
				same(t, whole, s.image)
				checkDelta(t, batched, whole, delta)
				batched, batch = whole, nil
				snapshot = rebuild(t, snapshot)
				olds, dumps = append(olds, next), append(dumps, string(dump(next)))
			}
		}
		same(t, snapshot, s.image)
		for i, old := range olds {
			if string(dump(old)) != dumps[i] {
				t.Fatalf("seed %d: image %d changed after it was published", seed, i)
			}
		}
	}
}

// checkDelta compares a delta with all that differs.
func checkDelta(t *testing.T, before, after *Image, d *Delta) {
	t.Helper()
	type topicLine struct {
		name       string
		id         protocol.UUID
		kind       string
		partitions string
	}
	var want, got []topicLine
	for topic := range before.Topics() {
		if after.TopicByID(topic.ID) == nil {
			want = append(want, topicLine{topic.Name, topic.ID, "deleted", "[]"})
		}
	}
	for topic := range after.Topics() {
		old, kind := before.TopicByID(topic.ID), "changed"
		if old == nil {
			kind = "created"
		}
		var changed []int32
		for p := range topic.Partitions() {
			if old == nil || !reflect.DeepEqual(old.Partition(p.Index), p) {
				changed = append(changed, p.Index)
			}
		}
		if old == nil || len(changed) > 0 {
			want = append(want, topicLine{topic.Name, topic.ID, kind, fmt.Sprint(changed)})
		}
	}
	for _, c := range d.Topics {
		kind := "changed"
		switch {
		case c.Created():
			kind = "created"
		case c.Deleted():
			kind = "deleted"
		}
		got = append(got, topicLine{c.Topic().Name, c.Topic().ID, kind, fmt.Sprint(c.Partitions)})
		if c.After != after.TopicByID(c.Topic().ID) || c.Before != before.TopicByID(c.Topic().ID) {
			t.Fatalf("delta of %s does not point into the images", c.Topic().Name)
		}
	}
	order := func(a, b topicLine) int {
		return slices.Compare([]string{a.name, a.kind, string(a.id[:])}, []string{b.name, b.kind, string(b.id[:])})
	}
	slices.SortFunc(want, order)
	sorted := slices.SortedFunc(slices.Values(got), order)
	if !reflect.DeepEqual(want, sorted) {
		t.Fatalf("delta says\n%v\nwant\n%v", sorted, want)
	}
	for resource, set := range after.ConfigResources() {
		if !slices.Contains(d.Configs, resource) && !reflect.DeepEqual(before.Config(resource), set) {
			t.Fatalf("delta misses the configuration of %v", resource)
		}
	}
	for resource := range before.ConfigResources() {
		if !slices.Contains(d.Configs, resource) && after.Config(resource).Len() == 0 {
			t.Fatalf("delta misses the removed configuration of %v", resource)
		}
	}
	for id := range NodeID(5) {
		if !slices.Contains(d.Brokers, id) && before.Broker(id) != after.Broker(id) {
			t.Fatalf("delta misses broker %d", id)
		}
	}
}

func TestRecordsThatContradictTheImage(t *testing.T) {
	id, other := protocol.UUID{1}, protocol.UUID{2}
	image, _, err := Apply(NewImage("c"), []Record{
		&protocol.TopicRecord{Name: "t", TopicID: id},
		&protocol.PartitionRecord{TopicID: id, Replicas: []int32{1}, Isr: []int32{1}, Leader: 1},
		&protocol.RegisterBrokerRecord{BrokerID: 1, BrokerEpoch: 5},
		&protocol.ProducerIDsRecord{NextProducerID: 1000},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]Record{
		"topic name twice":      &protocol.TopicRecord{Name: "t", TopicID: other},
		"topic id twice":        &protocol.TopicRecord{Name: "u", TopicID: id},
		"gap in the partitions": &protocol.PartitionRecord{TopicID: id, PartitionID: 2},
		"unknown topic":         &protocol.RemoveTopicRecord{TopicID: other},
		"unknown partition":     &protocol.PartitionChangeRecord{TopicID: id, PartitionID: 1},
		"producer ids go back":  &protocol.ProducerIDsRecord{NextProducerID: 999},
		"unknown broker":        &protocol.UnregisterBrokerRecord{BrokerID: 2},
		"stale broker epoch":    &protocol.BrokerRegistrationChangeRecord{BrokerID: 1, BrokerEpoch: 4},
		"record of another log": &protocol.GroupMetadataKey{},
	} {
		if _, _, err := Apply(image, []Record{r}); err == nil {
			t.Errorf("%s: applied without an error", name)
		}
	}
	if image.NextProducerID() != 1000 || image.TopicCount() != 1 {
		t.Error("a refused record changed the image")
	}
}

// TestTopicDeletedTakesItsConfiguration checks what RemoveTopicRecord takes along, and a name's second life.
func TestTopicDeletedTakesItsConfiguration(t *testing.T) {
	value := "compact"
	resource := Resource{TopicResource, "a.b"}
	image, _, err := Apply(NewImage("c"), []Record{
		&protocol.TopicRecord{Name: "a.b", TopicID: protocol.UUID{1}},
		ConfigRecord(resource, "cleanup.policy", &value),
		&protocol.PartitionRecord{TopicID: protocol.UUID{1}},
	})
	if err != nil || image.Colliding("a_b") != "a.b" {
		t.Fatalf("err %v, colliding %q", err, image.Colliding("a_b"))
	}
	image, delta, err := Apply(image, []Record{
		&protocol.RemoveTopicRecord{TopicID: protocol.UUID{1}},
		&protocol.TopicRecord{Name: "a.b", TopicID: protocol.UUID{2}},
		&protocol.PartitionRecord{TopicID: protocol.UUID{2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if image.Config(resource).Len() != 0 || image.Topic("a.b").ID != (protocol.UUID{2}) || image.PartitionCount() != 1 {
		t.Error("the second topic inherited from the first")
	}
	if len(delta.Topics) != 2 || !delta.Topics[0].Deleted() || !delta.Topics[1].Created() {
		t.Errorf("delta %+v, want the deletion first, then the creation", delta.Topics)
	}
	if !slices.Equal(delta.Configs, []Resource{resource}) {
		t.Errorf("delta of configurations %v", delta.Configs)
	}
}

// TestOneTopicIntoManyPartitions holds the cost of a small change apart from the size of the image.
func TestOneTopicIntoManyPartitions(t *testing.T) {
	var records []Record
	for i := range 10_000 {
		id := protocol.UUID{byte(i), byte(i >> 8)}
		records = append(records, &protocol.TopicRecord{Name: fmt.Sprint("t", i), TopicID: id})
		for p := range 10 {
			records = append(records, &protocol.PartitionRecord{PartitionID: int32(p), TopicID: id, Replicas: []int32{1}})
		}
	}
	image, _, err := Apply(NewImage("c"), records)
	if err != nil || image.PartitionCount() != 100_000 {
		t.Fatalf("%v, %d partitions", err, image.PartitionCount())
	}
	id := protocol.UUID{255, 255}
	one := []Record{&protocol.TopicRecord{Name: "one", TopicID: id}, &protocol.PartitionRecord{TopicID: id}}
	allocs := testing.AllocsPerRun(10, func() { _, _, _ = Apply(image, one) })
	if allocs > 150 {
		t.Errorf("one topic into an image of 100,000 partitions costs %v allocations, want at most 150", allocs)
	}
}

func BenchmarkOneTopicInto100000Partitions(b *testing.B) {
	var records []Record
	for i := range 10_000 {
		id := protocol.UUID{byte(i), byte(i >> 8)}
		records = append(records, &protocol.TopicRecord{Name: fmt.Sprint("t", i), TopicID: id})
		for p := range 10 {
			records = append(records, &protocol.PartitionRecord{PartitionID: int32(p), TopicID: id, Replicas: []int32{1}})
		}
	}
	image, _, err := Apply(NewImage("c"), records)
	if err != nil {
		b.Fatal(err)
	}
	id := protocol.UUID{255, 255}
	one := []Record{&protocol.TopicRecord{Name: "one", TopicID: id}, &protocol.PartitionRecord{TopicID: id}}
	for b.Loop() {
		if _, _, err := Apply(image, one); err != nil {
			b.Fatal(err)
		}
	}
}
