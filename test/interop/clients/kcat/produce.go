package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/skein-io/skein/test/interop/line"
)

// produce feeds kcat -P. That kcat ends with 0 means that all was delivered;
// the acks are reported then, without a place.
func produce(s *line.Session, r line.Request) (any, error) {
	inFlight := map[bool]string{true: "5", false: "1"}[r.Idempotent]
	header := line.Headers(r.Tag, 0)[0]
	cmd := kcat("-P", "-E", "-t", r.Topic, "-K", "\t", "-z", r.Codec, "-H", header[0]+"="+header[1], "-X", "acks=all", "-X", "linger.ms=5",
		"-X", fmt.Sprintf("enable.idempotence=%t", r.Idempotent), "-X", "max.in.flight="+inFlight)
	var said strings.Builder
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	out := bufio.NewWriter(in)
	pace := line.NewPace(r.Rate)
	for i := r.Start; i < r.Start+r.Count; i++ {
		pace.Wait()
		fmt.Fprintf(out, "%s\t%s\n", line.Key(r.Tag, i, r.Keys), line.Value(r.Tag, i, r.Size))
		if r.Rate > 0 {
			_ = out.Flush() // kcat's end is seen by Wait
		}
	}
	_ = out.Flush()
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	for i := r.Start; i < r.Start+r.Count; i++ {
		s.Emit(line.Event{E: line.Ack, I: i, O: -1})
	}
	return nil, nil
}
