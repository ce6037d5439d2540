// Command kafka-go is the interop client program for segmentio/kafka-go;
// package line describes what it is told and what it answers.
package main

import (
	"os"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/skein-io/skein/test/interop/line"
)

// broker is the address of the broker under test.
var broker = os.Args[1]

func main() {
	handlers := adminHandlers()
	handlers["produce"] = produce
	handlers["consume"] = consume
	handlers["group"] = group
	line.Serve(handlers)
}

// recordEvent says what a fetched record holds.
func recordEvent(m kafka.Message) line.Event {
	e := line.Event{E: line.Rec, P: int32(m.Partition), O: m.Offset, T: m.Time.UnixMilli(), K: string(m.Key), V: string(m.Value)}
	for _, h := range m.Headers {
		e.H = append(e.H, [2]string{h.Key, string(h.Value)})
	}
	return e
}

// readerConfig is kafka-go's default for small waits.
func readerConfig(topic string) kafka.ReaderConfig {
	return kafka.ReaderConfig{Brokers: []string{broker}, Topic: topic, MinBytes: 1, MaxBytes: 10 << 20, MaxWait: 200 * time.Millisecond}
}
