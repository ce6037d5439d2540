package api_test

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/skeintest"
)

// TestErrorsNameTheLeader: a node that does not lead a partition says who does, with the epoch and the address, beside its
// refusal of Produce and Fetch (KIP-951). A client goes on there without asking for metadata.
func TestErrorsNameTheLeader(t *testing.T) {
	cluster := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
	w := dial(t, cluster)
	topic := "t"
	create := kmsg.NewPtrCreateTopicsRequest()
	create.TimeoutMillis = 10_000
	create.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: topic, NumPartitions: 1, ReplicationFactor: 2}}
	if r := ask[*kmsg.CreateTopicsResponse](w, create, 5); r.Topics[0].ErrorCode != 0 {
		t.Fatal(kerr.ErrorForCode(r.Topics[0].ErrorCode))
	}
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Topics = []kmsg.MetadataRequestTopic{{Topic: &topic}}
	known := ask[*kmsg.MetadataResponse](w, metadata, 12)
	leader, epoch, id := known.Topics[0].Partitions[0].Leader, known.Topics[0].Partitions[0].LeaderEpoch, known.Topics[0].TopicID
	ports := map[int32]int32{}
	for _, b := range known.Brokers {
		ports[b.NodeID] = b.Port
	}
	stranger := 1
	for slices.Contains(known.Topics[0].Partitions[0].Replicas, int32(stranger)) {
		stranger++
	}
	other := dial(t, cluster.Node(stranger))
	produce := kmsg.NewPtrProduceRequest()
	produce.Acks, produce.TimeoutMillis = -1, 10_000
	produce.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, TopicID: id, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: batch(t, time.Now().UnixMilli(), row{"k", "v"})}}}}
	for _, version := range []int16{9, 10, 13} {
		r := ask[*kmsg.ProduceResponse](other, produce, version)
		for tries := 0; r.Topics[0].Partitions[0].ErrorCode == kerr.UnknownTopicOrPartition.Code && tries < 6000; tries++ { // it has not heard of the topic yet
			time.Sleep(10 * time.Millisecond)
			r = ask[*kmsg.ProduceResponse](other, produce, version)
		}
		p := r.Topics[0].Partitions[0]
		if p.ErrorCode != kerr.NotLeaderForPartition.Code {
			t.Fatalf("Produce version %d at another node: error %d", version, p.ErrorCode)
		}
		if told := p.CurrentLeader.LeaderID == leader && p.CurrentLeader.LeaderEpoch == epoch && len(r.Brokers) == 1 && r.Brokers[0].NodeID == leader && r.Brokers[0].Port == ports[leader]; told != (version >= 10) {
			t.Errorf("Produce version %d names %+v and %+v, the leader is node %d in epoch %d", version, p.CurrentLeader, r.Brokers, leader, epoch)
		}
	}
	fetch := kmsg.NewPtrFetchRequest()
	fetch.ReplicaID, fetch.MaxBytes, fetch.SessionEpoch = -1, 1<<20, -1
	fetch.Topics = []kmsg.FetchRequestTopic{{Topic: topic, TopicID: id, Partitions: []kmsg.FetchRequestTopicPartition{{CurrentLeaderEpoch: -1, PartitionMaxBytes: 1 << 20}}}}
	for _, version := range []int16{15, 16} {
		r := ask[*kmsg.FetchResponse](other, fetch, version)
		p := r.Topics[0].Partitions[0]
		if p.ErrorCode != kerr.NotLeaderForPartition.Code {
			t.Fatalf("Fetch version %d at another node: error %d", version, p.ErrorCode)
		}
		if told := p.CurrentLeader.LeaderID == leader && p.CurrentLeader.LeaderEpoch == epoch && len(r.Brokers) == 1 && r.Brokers[0].NodeID == leader && r.Brokers[0].Port == ports[leader]; told != (version >= 16) {
			t.Errorf("Fetch version %d names %+v and %+v, the leader is node %d in epoch %d", version, p.CurrentLeader, r.Brokers, leader, epoch)
		}
	}
}
