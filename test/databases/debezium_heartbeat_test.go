package databases

import (
	"regexp"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
)

// A heartbeat is byte for byte what Debezium writes, but for its time.
func TestDebeziumHeartbeat(t *testing.T) {
	d := startDebezium(t, "bigint.unsigned.handling.mode=precise\nheartbeat.interval.ms=100\n")
	topic := envelope.HeartbeatTopic("dbz")
	var got *envelope.Record
	d.untilAny("a heartbeat", func(c capturedRecord) bool {
		if c.topic == topic {
			got = &c.record
		}
		return got != nil
	})
	e, err := envelope.NewEncoder(envelope.Options{Format: envelope.Debezium, Schemas: true, Prefix: "dbz", Connector: "mariadb"})
	if err != nil {
		t.Fatal(err)
	}
	want, err := e.EncodeHeartbeat(nil, change.Version{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	timeless := func(b []byte) string {
		return regexp.MustCompile(`"ts_ms":\d+`).ReplaceAllString(string(b), `"ts_ms":0`)
	}
	if string(got.Key) != string(want[0].Key) || timeless(got.Value) != timeless(want[0].Value) {
		t.Errorf("Debezium writes\n%s\n%s\nand this is\n%s\n%s", got.Key, got.Value, want[0].Key, want[0].Value)
	}
}
