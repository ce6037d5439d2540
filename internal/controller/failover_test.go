package controller

import (
	"fmt"
	"testing"

	"github.com/skein-io/skein/internal/metadata"
)

// TestFailoverIsOneProposal: what a broker leads goes to others at once, however much it is, and in parts only where an
// entry of the metadata log does not hold it.
func TestFailoverIsOneProposal(t *testing.T) {
	const partitions = 3000
	for _, limit := range []int{0, 8 << 10} {
		s := newScenario()
		s.run(t, command("cluster", "", "brokers=3"))
		for i := range partitions / 100 {
			s.run(t, command("create", fmt.Sprintf("topic=t%d partitions=100 rf=3", i), fmt.Sprint("start=", i)))
		}
		s.run(t, command("commit", ""))
		s.c.config.ProposalBytesMax = limit
		s.run(t, command("expire", "", "broker=2"))
		records, size := 0, 0
		for _, p := range s.proposals {
			records += len(p.Records)
			if size = len(metadata.AppendRecords(nil, p.Records...)); limit > 0 && size > limit {
				t.Errorf("a proposal has %d bytes, at most %d go into one", size, limit)
			}
		}
		if records != partitions+1 || limit == 0 && len(s.proposals) != 1 || limit > 0 && len(s.proposals) < 2 {
			t.Errorf("limit %d: %d records in %d proposals", limit, records, len(s.proposals))
		}
		for topic := range s.c.Image().Topics() {
			for p := range topic.Partitions() {
				if p.Leader == 2 || len(p.ISR) != 2 {
					t.Fatalf("%s-%d: leader %d, ISR %v", topic.Name, p.Index, p.Leader, p.ISR)
				}
			}
		}
	}
}
