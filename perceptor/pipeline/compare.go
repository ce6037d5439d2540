package pipeline

import (
	"context"
	"errors"
	"fmt"

	driver "github.com/go-sql-driver/mysql"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/perceptor/source"
	"github.com/skein-io/skein/perceptor/verify"
)

// Comparison is a table of a pipeline's source beside a sink. The caller closes it.
type Comparison struct {
	Source *verify.Source
	Sink   sink.Reader
	// Topics are those that have the table's changes.
	Topics []string

	c     *Config
	s     *spec.Sink
	to    *cluster
	table string
	// kept: the source has kept a position.
	kept bool
	// last is what Applied has found.
	last  binlog.Position
	known bool
}

// Progress is nil if the source has never kept a position, so that nothing is known of it.
func (k *Comparison) Progress() verify.Progress {
	if !k.kept {
		return nil
	}
	return k
}

// Compare connects to both sides of a table, DATABASE.TABLE.
func Compare(ctx context.Context, c *Config, s *spec.Sink, table string, more ...kgo.Opt) (*Comparison, error) {
	database, name, ok := spec.SplitTable(table)
	if !ok {
		return nil, fmt.Errorf("table %q: it is DATABASE.TABLE", table)
	}
	if c.Source == nil {
		return nil, fmt.Errorf("%s has no source: what a sink has to have is not known without it", c.File)
	}
	if _, wanted := s.Target(database, name); !wanted {
		return nil, fmt.Errorf("table %s: sink %s of %s does not take it", table, s.Name, c.File)
	}
	k := &Comparison{c: c, s: s, table: table, Topics: c.Read.Topics}
	if len(k.Topics) == 0 {
		k.Topics = []string{TopicOf(c, table)}
	}
	if err := k.open(ctx, database, name, more); err != nil {
		k.Close()
		return nil, err
	}
	return k, nil
}

func (k *Comparison) open(ctx context.Context, database, name string, more []kgo.Opt) (err error) {
	if k.to, err = openCluster(k.c, more...); err != nil {
		return err
	}
	at, found, err := k.state(ctx)
	if err != nil {
		return err
	}
	k.kept = found
	from, err := k.sourceConfig(database, name)
	if err != nil {
		return err
	}
	if from.Epoch = k.c.Read.Epoch; found {
		from.Epoch = at.Epoch
	}
	if k.Source, err = verify.OpenSource(ctx, from); err != nil {
		return err
	}
	opened, err := OpenSink(ctx, k.c, k.s, []string{k.table})
	if err != nil {
		return err
	}
	reader, ok := opened.(sink.Reader)
	if !ok {
		return errors.Join(fmt.Errorf("sink %s: what it has cannot be read back", k.s.Name), opened.Close())
	}
	k.Sink = reader
	return nil
}

func (k *Comparison) sourceConfig(database, name string) (verify.SourceConfig, error) {
	s := k.c.Source
	password, err := Reveal(k.c, "source.password", s.Password)
	if err != nil {
		return verify.SourceConfig{}, err
	}
	d := driver.NewConfig()
	d.User, d.Passwd, d.Net, d.Addr = s.User, password, "tcp", s.Address
	if d.TLS, err = encryption(k.c, "source.tls", s.TLS); err != nil {
		return verify.SourceConfig{}, err
	}
	if d.TLS != nil {
		if d.TLSConfig, err = registerTLS(k.c.Name+"-source", d); err != nil {
			return verify.SourceConfig{}, err
		}
	}
	config := verify.SourceConfig{DSN: d.FormatDSN(), Database: database, Table: name}
	for _, key := range s.Keys {
		if key.Table == k.table {
			config.Key = key.Columns
		}
	}
	return config, nil
}

// Close ends the connections.
func (k *Comparison) Close() {
	if k.Sink != nil {
		_ = k.Sink.Close()
	}
	if k.Source != nil {
		_ = k.Source.Close()
	}
	if k.to != nil {
		k.to.close()
	}
}

// state is what the source has kept.
func (k *Comparison) state(ctx context.Context) (at source.State, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	return k.to.kept(ctx, k.c)
}

// Reached implements verify.Progress: it is the position that the source keeps. While the table's snapshot is being read it is
// not known.
func (k *Comparison) Reached(ctx context.Context) (binlog.Position, bool, error) {
	at, found, err := k.state(ctx)
	if err != nil || !found {
		return binlog.Position{}, false, err
	}
	t, told := at.Snapshot.Of(k.table)
	return at.Position, !told || t.Done, nil
}

// Applied implements verify.Progress: everything that is in the table's topics when a position is kept is acknowledged. It is
// used by one goroutine at a time.
func (k *Comparison) Applied(ctx context.Context) (binlog.Position, bool, error) {
	at, found, err := k.Reached(ctx)
	if err != nil || !found {
		return k.last, k.known, err
	}
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	ends, err := k.to.admin.ListEndOffsets(ctx, k.Topics...)
	if err != nil {
		return k.last, k.known, fmt.Errorf("topics of sink %s: %w", k.s.Name, err)
	}
	starts, err := k.to.admin.ListStartOffsets(ctx, k.Topics...)
	if err != nil {
		return k.last, k.known, fmt.Errorf("topics of sink %s: %w", k.s.Name, err)
	}
	committed, err := k.to.admin.FetchOffsets(ctx, k.s.Group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return k.last, k.known, fmt.Errorf("group %s: %w", k.s.Group, err)
	}
	for topic, partitions := range ends {
		for p, end := range partitions {
			if end.Err != nil {
				if errors.Is(end.Err, kerr.UnknownTopicOrPartition) {
					continue // no change was ever written
				}
				return k.last, k.known, fmt.Errorf("topic %s, partition %d: %w", topic, p, end.Err)
			}
			start, _ := starts.Lookup(topic, p)
			if o, ok := committed.Lookup(topic, p); end.Offset > start.Offset && (!ok || o.Err != nil || o.At < end.Offset) {
				return k.last, k.known, nil
			}
		}
	}
	k.last, k.known = at, true
	return at, true, nil
}
