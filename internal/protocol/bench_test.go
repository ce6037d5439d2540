package protocol

import "testing"

// produceBody is a request as a busy producer sends it: six partitions of 1 MiB in all.
func produceBody(version int16) []byte {
	topic := NewProduceRequestTopicProduceData()
	topic.Name = "orders"
	for i := range int32(6) {
		topic.PartitionData = append(topic.PartitionData, ProduceRequestPartitionProduceData{Index: i, Records: make([]byte, 1<<20/6)})
	}
	m := NewProduceRequest()
	m.Acks, m.TopicData = -1, []ProduceRequestTopicProduceData{topic}
	return AppendMessage(nil, m, version)
}

func BenchmarkProduceDecode(b *testing.B) {
	body := produceBody(13)
	m := NewProduceRequest()
	var r Reader
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(body, Limits{})
		if err := m.Decode(&r, 13); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFetchEncode(b *testing.B) {
	m := fetchWith(placed(1<<20), placed(1<<20), placed(1<<20), placed(1<<20), placed(1<<20), placed(1<<20))
	var w Writer
	b.ReportAllocs()
	for b.Loop() {
		w.Reset()
		frame := w.BeginFrame()
		m.Encode(&w, 13)
		w.EndFrame(frame)
		_ = w.Segments()
	}
}

func BenchmarkOffsetCommit(b *testing.B) {
	topic := NewOffsetCommitRequestTopic()
	topic.Name = "orders"
	for i := range int32(10) {
		p := NewOffsetCommitRequestPartition()
		p.PartitionIndex, p.CommittedOffset, p.CommittedMetadata = i, 1000, ptr("")
		topic.Partitions = append(topic.Partitions, p)
	}
	m := NewOffsetCommitRequest()
	m.GroupID, m.MemberID, m.Topics = "group", "member-1", []OffsetCommitRequestTopic{topic}
	body := AppendMessage(nil, m, 8)
	var r Reader
	var w Writer
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(body, Limits{})
		if err := m.Decode(&r, 8); err != nil {
			b.Fatal(err)
		}
		w.Reset()
		m.Encode(&w, 8)
	}
}

// What decoding and encoding may allocate on the hot path: a slice per array and a string per name, and nothing else.
func TestHotPathAllocations(t *testing.T) {
	body := produceBody(13)
	request := NewProduceRequest()
	var r Reader
	if n := testing.AllocsPerRun(100, func() {
		r.Reset(body, Limits{})
		_ = request.Decode(&r, 13)
	}); n != 2 {
		t.Errorf("Produce request of one topic: %v allocations", n)
	}
	partition := NewProduceResponsePartitionProduceResponse()
	response := NewProduceResponse()
	response.Responses = []ProduceResponseTopicProduceResponse{{PartitionResponses: []ProduceResponsePartitionProduceResponse{partition}}}
	fetch := fetchWith(placed(5), placed(6))
	var w Writer
	if n := testing.AllocsPerRun(100, func() {
		w.Reset()
		response.Encode(&w, 13)
		fetch.Encode(&w, 18)
		_ = w.Segments()
	}); n != 0 {
		t.Errorf("Produce and Fetch responses: %v allocations", n)
	}
}
