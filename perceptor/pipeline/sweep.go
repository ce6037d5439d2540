package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/sink"
)

// sweep removes tombstones that are old enough, if they are to be removed at all.
func (p *sinkPart) sweep(ctx context.Context, s sink.Sink, tables []string) {
	if p.s.TombstonesKeep == 0 {
		return
	}
	for sleep(ctx, p.s.SweepEvery) == nil {
		for _, name := range tables {
			n, err := sweepTable(ctx, s, p.s, name, p.now())
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				p.log.Warn("tombstones are not swept", "part", p.name, "table", name, "error", err)
			default:
				p.log.Info("tombstones are swept", "part", p.name, "table", name, "removed", n)
			}
		}
	}
}

func sweepTable(ctx context.Context, s sink.Sink, of *spec.Sink, name string, now time.Time) (removed int64, err error) {
	switch s := s.(type) {
	case *hbase.Sink:
		swept, err := s.Sweep(ctx, name, of.TombstonesKeep)
		return int64(swept.Removed), err
	case *mysql.Sink:
		database, table, _ := spec.SplitTable(name)
		if to, ok := of.Target(database, table); ok {
			database, table = targetOf(of, to, database, table)
		}
		return s.Sweep(ctx, database, table, now.Add(-of.TombstonesKeep).UnixMilli())
	}
	return 0, errors.New("this sink has no tombstones")
}
