package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/source"
)

// Adopt takes over HBase's table that a sink writes a table to, DATABASE.TABLE; see hbase.Sink.Adopt. It tells the name of HBase's
// table, and what was done, also before an error.
func Adopt(ctx context.Context, c *Config, s *spec.Sink, table string, o hbase.AdoptOptions) (target string, done hbase.Adopted, err error) {
	if s.Type != spec.HBase {
		return "", done, fmt.Errorf("sink %s is of type %s: only tables of HBase are adopted", s.Name, s.Type)
	}
	database, name, ok := spec.SplitTable(table)
	if !ok {
		return "", done, fmt.Errorf("table %q: it is DATABASE.TABLE", table)
	}
	to, wanted := s.Target(database, name)
	if !wanted {
		return "", done, fmt.Errorf("table %s: sink %s of %s does not take it", table, s.Name, c.File)
	}
	if err := compares(c, o.Epoch); err != nil {
		return "", done, err
	}
	target = to.NameFor(database, name)
	opened, err := hbase.Open(HBaseOptions(s, []string{table}))
	if err != nil {
		return target, done, err
	}
	done, err = opened.Adopt(ctx, table, o)
	return target, done, errors.Join(err, opened.Close())
}

// AdoptEpoch is the epoch in which the times of adopted rows are compared with those of a pipeline's changes: that of the source
// as it has kept it, or its first one. A file without a source has that of the one source whose topics it reads, or what it says itself.
// Changes that are ordered without a time cannot be compared with a time, so there it is the epoch before theirs.
func AdoptEpoch(ctx context.Context, c *Config, more ...kgo.Opt) (uint32, error) {
	if c.Source == nil && c.Read.Order != "time" {
		if c.Read.Epoch == 0 {
			return 0, compares(c, 0)
		}
		return c.Read.Epoch - 1, nil
	}
	if len(c.Read.Topics) > 0 {
		return c.Read.Epoch, nil
	}
	to, err := openCluster(c, more...)
	if err != nil {
		return 0, err
	}
	defer to.close()
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	if c.Source != nil {
		at, found, err := to.kept(ctx, c)
		switch {
		case err != nil:
			return 0, fmt.Errorf("the source's epoch: %w", err)
		case !found:
			return 1, nil
		}
		return at.Epoch, nil
	}
	topic := c.Topics.Prefix + ".positions"
	kept, err := to.last(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("the source's epoch: %w", err)
	}
	epochs := map[uint32]bool{}
	for name, r := range kept {
		var at source.State
		if err := json.Unmarshal(r.Value, &at); err != nil {
			return 0, fmt.Errorf("topic %s, offset %d: %w", topic, r.Offset, err)
		}
		if name == c.Name {
			return at.Epoch, nil
		}
		epochs[at.Epoch] = true
	}
	switch {
	case len(epochs) == 0:
		return c.Read.Epoch, nil
	case len(epochs) > 1:
		return 0, fmt.Errorf("the sources of topic %s are in different epochs", topic)
	}
	return slices.Collect(maps.Keys(epochs))[0], nil
}

// compares refuses an epoch in which adopted times would be newer than every change for ever.
func compares(c *Config, epoch uint32) error {
	if c.Source != nil || c.Read.Order == "time" || epoch < c.Read.Epoch {
		return nil
	}
	return fmt.Errorf("read.order is %s, so changes have no time, and rows that are adopted in epoch %d would be newer than all of epoch %d: let read.epoch be %d or more",
		c.Read.Order, epoch, c.Read.Epoch, uint64(epoch)+1)
}
