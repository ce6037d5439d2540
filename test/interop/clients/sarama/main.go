// Command sarama is the interop client program for IBM/sarama; package line
// describes what it is told and what it answers.
package main

import (
	"os"

	"github.com/IBM/sarama"
	"github.com/skein-io/skein/test/interop/line"
)

// brokers are the addresses of the brokers under test.
var brokers = line.Addresses(os.Args[1])

func main() {
	handlers := adminHandlers()
	handlers["produce"] = produce
	handlers["consume"] = consume
	handlers["group"] = group
	line.Serve(handlers)
}

// config is sarama's default at a protocol version that has headers, zstd and
// incremental configs.
func config() *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = "interop-sarama"
	c.Version = sarama.V3_6_0_0
	return c
}

// recordEvent says what a fetched record holds.
func recordEvent(m *sarama.ConsumerMessage) line.Event {
	e := line.Event{E: line.Rec, P: m.Partition, O: m.Offset, T: m.Timestamp.UnixMilli(), K: string(m.Key), V: string(m.Value)}
	for _, h := range m.Headers {
		e.H = append(e.H, [2]string{string(h.Key), string(h.Value)})
	}
	return e
}
