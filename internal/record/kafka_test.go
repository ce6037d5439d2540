package record

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// kafkaPlan is what testdata/kafka-4.3.1/WriteBatches.java lets Apache Kafka's own classes write.
func kafkaPlan(codec Codec) plan {
	p := plan{codec: codec, producerID: 4711, producerEpoch: 3, sequence: 9}
	for i := range 200 {
		r := Record{Offset: Offset(i), Timestamp: 1700000000000 + int64(i*37%50)}
		if i%7 != 0 {
			r.Key = fmt.Appendf(nil, "key-%d", i%5)
		}
		if i%11 != 0 {
			r.Value = fmt.Appendf(nil, "value %d of a record that the Java client wrote", i)
		}
		if i%3 == 0 {
			r.Headers = MakeHeaders(Header{"trace", fmt.Appendf(nil, "t%d", i)}, Header{"none", nil})
		}
		p.records = append(p.records, r)
	}
	return p
}

func TestBatchesOfTheJavaClientAreRead(t *testing.T) {
	for _, codec := range Codecs() {
		file, err := os.ReadFile(filepath.Join("testdata", "kafka-4.3.1", codec.String()+".batch"))
		if err != nil {
			t.Fatal(err)
		}
		b, rest, err := Split(file)
		if err != nil || len(rest) > 0 {
			t.Fatalf("%v: %v", codec, err)
		}
		if err := b.Validate(Limits{}); err != nil || b.Codec() != codec {
			t.Fatalf("%v: %v", codec, err)
		}
		if seen, err := b.ValidateRecords(Limits{}, anyTime); err != nil || seen.MaxTimestamp != b.MaxTimestamp() {
			t.Fatalf("%v: %+v %v", codec, seen, err)
		}
		p := kafkaPlan(codec)
		p.compare(t, b)
		if codec == None && !bytes.Equal(b, p.build(t)) {
			t.Error("the Builder writes other bytes than the Java client")
		}
		if codec == Snappy && !snappyFramed(b.payload()) {
			t.Error("the Java client does not write the framing")
		}
	}
}
