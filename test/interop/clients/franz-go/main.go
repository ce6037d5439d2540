// Command franz-go is the interop client program for franz-go; package line
// describes what it is told and what it answers.
package main

import (
	"os"

	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kgo"
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

func client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(brokers...), kgo.ClientID("interop-franz-go")}, options...)...)
}

// recordEvent says what a fetched record holds.
func recordEvent(r *kgo.Record) line.Event {
	e := line.Event{E: line.Rec, P: r.Partition, O: r.Offset, T: r.Timestamp.UnixMilli(), K: string(r.Key), V: string(r.Value)}
	for _, h := range r.Headers {
		e.H = append(e.H, [2]string{h.Key, string(h.Value)})
	}
	return e
}
