package databases

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/skein-io/skein/perceptor/hbase/client"
)

func versionCells(v uint64) (cells []client.Cell, packed, time, offset, epoch []byte) {
	epoch = binary.BigEndian.AppendUint32(nil, 1)
	time = binary.BigEndian.AppendUint64(nil, v)
	offset = append(binary.BigEndian.AppendUint64(make([]byte, 4), v), 0, 0, 0, 0)
	packed = append(append(append([]byte{0}, epoch...), time...), offset...)
	return []client.Cell{
		{Family: info, Qualifier: []byte("binlog_offset"), Value: offset}, {Family: info, Qualifier: []byte("epoch"), Value: epoch},
		{Family: info, Qualifier: []byte("execute_time"), Value: time}, {Family: info, Qualifier: []byte("version"), Value: packed},
	}, packed, time, offset, epoch
}

func benchMutation(v uint64, packed bool) client.Mutation {
	var m client.Mutation
	for i := range 10 {
		m.Cells = append(m.Cells, client.Cell{Family: family, Qualifier: fmt.Appendf(nil, "column_%d", i), Value: fmt.Appendf(nil, "%060d", v)})
	}
	cells, _, _, _, _ := versionCells(v)
	if !packed {
		cells = cells[:3]
	}
	m.Cells = append(m.Cells, cells...)
	return m
}

func BenchmarkProbe(b *testing.B) {
	c := hbaseClient(b, hbaseAddr(b))
	table := hbaseTable(b, c, client.TableSpec{Families: []string{"d", "update_info"}})
	version := uint64(1)
	const batch, rows = 100, 10_000
	seed := func() {
		for at := 0; at < rows; at += 1000 {
			ops := make([]client.Op, 1000)
			for i := range ops {
				ops[i] = client.Op{Row: row(at + i), Steps: []client.Step{{Mutations: []client.Mutation{benchMutation(0, true)}}}}
			}
			if err := c.Batch(b.Context(), table, ops); err != nil {
				b.Fatal(err)
			}
		}
	}
	seed()
	cell := func(q string) *client.ColumnIs {
		return &client.ColumnIs{Family: info, Qualifier: []byte(q), Compare: client.Less}
	}
	_ = cell
	is := func(q string, how client.Compare, v []byte) client.Filter {
		return &client.ColumnIs{Family: info, Qualifier: []byte(q), Compare: how, Value: v}
	}
	for _, s := range []struct {
		name string
		op   func(row []byte, v uint64) client.Op
	}{
		{"plain", func(row []byte, v uint64) client.Op {
			return client.Op{Row: row, Steps: []client.Step{{Mutations: []client.Mutation{benchMutation(v, false)}}}}
		}},
		{"single", func(row []byte, v uint64) client.Op { // condition on execute_time only
			_, _, time, _, _ := versionCells(v)
			return client.Op{Row: row, Steps: []client.Step{{Mutations: []client.Mutation{benchMutation(v, false)},
				Condition: &client.Condition{Family: info, Qualifier: []byte("execute_time"), Compare: client.Greater, Value: time}}}}
		}},
		{"packed", func(row []byte, v uint64) client.Op {
			_, packed, _, _, _ := versionCells(v)
			return client.Op{Row: row, Steps: []client.Step{{Mutations: []client.Mutation{benchMutation(v, true)},
				Condition: &client.Condition{Family: info, Qualifier: []byte("version"), Compare: client.Greater, Value: packed}}}}
		}},
		{"filter", func(row []byte, v uint64) client.Op {
			_, _, time, offset, epoch := versionCells(v)
			return client.Op{Row: row, Steps: []client.Step{{Mutations: []client.Mutation{benchMutation(v, false)},
				Condition: &client.Condition{Filter: client.Any{is("epoch", client.Less, epoch), client.All{is("epoch", client.Equal, epoch),
					client.Any{is("execute_time", client.Less, time), client.All{is("execute_time", client.Equal, time), is("binlog_offset", client.Less, offset)}}}}}}}}
		}},
	} {
		b.Run(s.name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				ops := make([]client.Op, batch)
				for i := range ops {
					version++
					ops[i] = s.op(row(n%rows), version)
					n++
				}
				if err := c.Batch(b.Context(), table, ops); err != nil {
					b.Fatal(err)
				}
				for i := range ops {
					if !ops[i].Done[0] || ops[i].Err != nil {
						b.Fatal(ops[i])
					}
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
