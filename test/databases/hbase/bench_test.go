package hbase

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	sinks "github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
)

// wide is a table whose rows have about 600 bytes.
var wide = func() *change.Table {
	t := &change.Table{Database: "shop", Name: "orders", Key: []int{0}, Columns: []change.Column{{Name: "id"}}}
	for i := range 10 {
		t.Columns = append(t.Columns, change.Column{Name: fmt.Sprintf("column_%d", i)})
	}
	return t
}()

func wideRow(id int64, v change.Version, nulls int) *change.Change {
	row := change.Row{change.IntValue(id)}
	for i := range 10 {
		value := change.TextValue(fmt.Appendf(nil, "%060d", v.ExecuteTime))
		if i < nulls {
			value = change.NullValue()
		}
		row = append(row, value)
	}
	return &change.Change{Op: change.Update, Table: wide, After: row, Version: v}
}

// rival is a way to write batches of versions of rows.
type rival struct {
	name  string
	write func(ctx context.Context, batch []*change.Change) error
}

const (
	benchRows    = 8000
	benchWorkers = 8
	benchBatch   = 100
)

// pace lets the workers write for a second, each its own rows, and returns rows in a second, and rows in a second of
// processor time of HBase and of this process, which other load on the machine changes less. The versions are newer each
// time, or all older than what is there.
func (k *rival) pace(b *testing.B, clock *atomic.Int64, stale bool, nulls int) (rate, frugality float64) {
	var written atomic.Int64
	var wait sync.WaitGroup
	from, used := time.Now(), processorTime(b)
	for worker := range int64(benchWorkers) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for n := int64(0); time.Since(from) < time.Second; n++ {
				batch := make([]*change.Change, benchBatch)
				for i := range batch {
					v := version(1, clock.Add(1), 7)
					if stale {
						v.ExecuteTime = 1
					}
					id := worker*(benchRows/benchWorkers) + (n*benchBatch+int64(i))%(benchRows/benchWorkers)
					batch[i] = wideRow(id, v, nulls)
				}
				if err := k.write(b.Context(), batch); err != nil {
					b.Error(err)
					return
				}
				written.Add(benchBatch)
			}
		}()
	}
	wait.Wait()
	rows := float64(written.Load())
	return rows / time.Since(from).Seconds(), rows / (processorTime(b) - used).Seconds()
}

// processorTime is what HBase, if this process started it, and this process have used up to now.
func processorTime(b *testing.B) time.Duration {
	var mine syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &mine); err != nil {
		b.Fatal(err)
	}
	used := time.Duration(mine.Utime.Nano() + mine.Stime.Nano())
	if shared.server == nil {
		return used
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", shared.server.PID()))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	const user, system = 11, 12 // counted from the state, which follows the name; in hundredths of a second
	for _, at := range []int{user, system} {
		ticks, err := strconv.Atoi(strings.Fields(after)[at])
		if err != nil {
			b.Fatal(err)
		}
		used += time.Duration(ticks) * 10 * time.Millisecond
	}
	return used
}

// BenchmarkHBase compares the guarded sink with other ways to write the same batches: each takes its turn of a second in each
// round. What is told is the median, over the rounds, of the sink's rate by the other's (x_), and of the rows for the same
// processor time (cpu_). Each round is one iteration: -benchtime 15x.
//
// The turns of a round come in any order. A round writes about as much as a region's memory holds before HBase writes it to disk, and
// with a fixed order that work, which is as much as some thousand rows, would be found in the turn of the same way in each round.
func BenchmarkHBase(b *testing.B) {
	addr := hbaseAddr(b)
	c := hbaseClient(b, addr)
	s, table := hbaseSink(b, addr, sinks.Table{})
	var clock atomic.Int64
	clock.Store(1000)
	single := func(condition func(packed []byte, v change.Version) *client.Condition) func(ctx context.Context, batch []*change.Change) error {
		return func(ctx context.Context, batch []*change.Change) error {
			ops := make([]client.Op, len(batch))
			for i, change := range batch {
				m, packed := wideMutation(change)
				ops[i] = client.Op{Row: wideKey(change), Steps: []client.Step{{Condition: condition(packed, change.Version), Mutations: m}}}
			}
			return c.Batch(ctx, table, ops)
		}
	}
	guarded := rival{"guarded", func(ctx context.Context, batch []*change.Change) error {
		return s.Apply(ctx, batch, make([]sink.Outcome, len(batch)))
	}}
	others := []rival{
		{"single", single(func(packed []byte, _ change.Version) *client.Condition { return isNewer(packed) })},
		{"filter", single(func(_ []byte, v change.Version) *client.Condition { return threeParts(v) })},
		{"plain", single(func([]byte, change.Version) *client.Condition { return nil })},
		{"getcas", func(ctx context.Context, batch []*change.Change) error {
			for i := range batch {
				if err := getAndCheckAndPut(ctx, c, table, batch[i:i+1]); err != nil {
					return err
				}
			}
			return nil
		}},
		{"getcas_batched", func(ctx context.Context, batch []*change.Change) error {
			return getAndCheckAndPut(ctx, c, table, batch)
		}},
	}
	for _, kind := range []struct {
		name   string
		stale  bool
		nulls  int
		beside []string
	}{
		{"newer", false, 0, []string{"single", "filter", "plain", "getcas", "getcas_batched"}},
		{"newer, a NULL", false, 1, []string{"single", "getcas"}},
		{"stale", true, 0, []string{"getcas", "getcas_batched"}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			ratios, rates := map[string][]float64{}, []float64{}
			turns := []rival{guarded}
			for _, other := range others {
				if slices.Contains(kind.beside, other.name) {
					turns = append(turns, other)
				}
			}
			guarded.pace(b, &clock, false, kind.nulls) // rows are there, and the servers warm
			order := rand.New(rand.NewPCG(1, 2))
			for b.Loop() {
				rate, frugality := map[string]float64{}, map[string]float64{}
				for _, turn := range order.Perm(len(turns)) {
					way := &turns[turn]
					rate[way.name], frugality[way.name] = way.pace(b, &clock, kind.stale, kind.nulls)
				}
				rates = append(rates, rate[guarded.name])
				for _, other := range turns[1:] {
					ratios["x_"+other.name] = append(ratios["x_"+other.name], rate[guarded.name]/rate[other.name])
					ratios["cpu_"+other.name] = append(ratios["cpu_"+other.name], frugality[guarded.name]/frugality[other.name])
				}
			}
			slices.Sort(rates)
			b.ReportMetric(rates[len(rates)/2], "rows/s")
			for name, all := range ratios {
				slices.Sort(all)
				b.ReportMetric(all[len(all)/2], name)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func wideKey(c *change.Change) []byte { return c.After[0].AppendText(nil, 0) }

// wideMutation is what the sink writes.
func wideMutation(c *change.Change) ([]client.Mutation, []byte) {
	var cells []client.Cell
	for i, column := range wide.Columns {
		if !c.After[i].IsNull() {
			cells = append(cells, client.Cell{Family: family, Qualifier: []byte(column.Name), Value: c.After[i].AppendText(nil, 0)})
		}
	}
	packed := append(c.Version.AppendExecuteTime(c.Version.AppendEpoch([]byte{0})), c.Version.Position.Append(nil)...)
	for _, cell := range []struct {
		name  string
		value []byte
	}{{"binlog_offset", packed[13:]}, {"epoch", packed[1:5]}, {"execute_time", packed[5:13]}, {"version", packed}} {
		cells = append(cells, client.Cell{Family: info, Qualifier: []byte(cell.name), Value: cell.value})
	}
	return []client.Mutation{{Cells: cells}}, packed
}

// threeParts is the condition on the three columns themselves.
func threeParts(v change.Version) *client.Condition {
	is := func(name string, how client.Compare, value []byte) client.Filter {
		return &client.ColumnIs{Family: info, Qualifier: []byte(name), Compare: how, Value: value}
	}
	epoch, time, offset := v.AppendEpoch(nil), v.AppendExecuteTime(nil), v.Position.Append(nil)
	return &client.Condition{Filter: client.Any{is("epoch", client.Less, epoch), client.All{
		is("epoch", client.Equal, epoch), client.Any{is("execute_time", client.Less, time), client.All{
			is("execute_time", client.Equal, time), is("binlog_offset", client.Less, offset)}}}}}
}

// getAndCheckAndPut reads, decides, and writes if what was read is still there.
func getAndCheckAndPut(ctx context.Context, c *client.Client, table string, batch []*change.Change) error {
	gets := make([]client.Op, len(batch))
	for i, change := range batch {
		gets[i] = client.Op{Row: wideKey(change), Get: client.Columns{{Family: info, Qualifiers: [][]byte{[]byte("version")}}}}
	}
	if err := c.Batch(ctx, table, gets); err != nil {
		return err
	}
	var puts []client.Op
	for i, change := range batch {
		m, packed := wideMutation(change)
		was := gets[i].Found.Value(info, []byte("version"))
		if was == nil || bytes.Compare(was.Value, packed) >= 0 {
			continue
		}
		same := &client.Condition{Family: info, Qualifier: []byte("version"), Compare: client.Equal, Value: was.Value}
		puts = append(puts, client.Op{Row: wideKey(change), Steps: []client.Step{{Condition: same, Mutations: m}}})
	}
	if len(puts) == 0 {
		return nil
	}
	return c.Batch(ctx, table, puts)
}

// row is a key.
func row(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
