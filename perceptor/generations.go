package perceptor

import (
	"github.com/skein-io/skein/consumer/dedupe"
)

// generations are the latest ones in which this member got records of each partition. A record that is still being handled when its
// partition stays with the member in a rebalance has the generation of before; the member owns it in the new one all the same, and
// would be fenced by itself otherwise.
type generations map[dedupe.Partition]int32

func (g *generations) see(t dedupe.Token) {
	if t.Generation < 0 { // not read as a member of a group
		return
	}
	if *g == nil {
		*g = generations{}
	}
	if have, known := (*g)[t.Of()]; !known || have < t.Generation {
		(*g)[t.Of()] = t.Generation
	}
}

// tokens are those in whose names jobs are written, one for each partition.
func (w *writer) tokens(jobs []*job) (tokens []dedupe.Token) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[dedupe.Partition]bool{}
	for _, j := range jobs {
		of := j.token.Of()
		generation, known := w.owned[of]
		if !known || seen[of] {
			continue
		}
		seen[of] = true
		tokens = append(tokens, dedupe.Token{Group: of.Group, Generation: generation, Topic: of.Topic, Partition: of.Partition, Offset: -1, LeaderEpoch: -1})
	}
	return tokens
}
