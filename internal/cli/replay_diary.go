package cli

import (
	"fmt"
	"io"
	"math"
	"net"
	"strconv"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// showDiaries tells at the end of a recording what skein group why would have told then: one document for each group, and
// with a group that is asked for that one alone.
func showDiaries(r *replay, out io.Writer, asJSON bool) {
	r.tell = func(*replayedStep) error { return nil }
	told := false
	r.end = func() error {
		for _, id := range r.groups() {
			if !r.sound[id] && r.only != "" {
				return fmt.Errorf("the state of group %s is not in the recording", printable(id))
			}
			response, err := r.diary(id, asJSON)
			if err != nil && r.only != "" {
				return err
			}
			if err != nil || !r.sound[id] {
				continue // there is no such group any more, or not here
			}
			document := newGroupWhyDocument(id, r.coordinator(), response)
			if asJSON {
				if err := printJSON(out, document); err != nil {
					return err
				}
				continue
			}
			p := &page{w: out}
			if told {
				p.line("")
			}
			told = true
			if document.print(p); p.err != nil {
				return p.err
			}
		}
		return nil
	}
}

// diary is what the broker would have answered to DescribeGroupDiary at the last event.
func (r *replay) diary(id string, offsets bool) (*protocol.DescribeGroupDiaryResponse, error) {
	const token = math.MaxUint64 // of no request
	var fx group.Effects
	r.shard.Shard.Step(r.last, &group.Why{Token: token, GroupID: id, Offsets: offsets}, &fx)
	for _, reply := range fx.Replies {
		if why, ok := reply.Body.(*group.WhyReply); ok {
			if why.Err != nil {
				return nil, fmt.Errorf("at the end of the recording: %w", why.Err)
			}
			return api.GroupDiary(why), nil
		}
	}
	return nil, fmt.Errorf("group %s was not told of at the end of the recording", printable(id))
}

// coordinator is the node that the recording is of.
func (r *replay) coordinator() describedBroker {
	broker := describedBroker{ID: r.header.Node}
	if host, port, err := net.SplitHostPort(r.header.Address); err == nil {
		n, _ := strconv.ParseInt(port, 10, 32)
		broker.Host, broker.Port = host, int32(n)
	}
	return broker
}
