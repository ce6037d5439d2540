// Command franz-go is the interop client program for franz-go; package line
// describes what it is told and what it answers.
package main

import (
	"github.com/skein-io/skein/test/interop/clients/kgoside"
	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	handlers := kgoside.AdminHandlers()
	handlers["produce"] = kgoside.Produce
	handlers["consume"] = consume
	handlers["group"] = group
	line.Serve(handlers)
}

// recordEvent says what a fetched record holds.
func recordEvent(r *kgo.Record) line.Event {
	e := line.Event{E: line.Rec, P: r.Partition, O: r.Offset, T: r.Timestamp.UnixMilli(), K: string(r.Key), V: string(r.Value)}
	for _, h := range r.Headers {
		e.H = append(e.H, [2]string{h.Key, string(h.Value)})
	}
	return e
}
