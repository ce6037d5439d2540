package tour

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase"
)

// part is a piece of a cell and what it says.
type part struct {
	cell, bytes, says string
}

// cell shows the cells of a row, byte by byte.
func (s *newestRows) cell() error {
	c := stockOf(change.Update, 1, 6, at(1, 1_700_000_101, 7, 12000))
	clear(s.rows)
	if _, err := s.judge(c); err != nil {
		return err
	}
	cells := s.rows["1"]
	get := func(name string) []byte { return cells[hbase.UpdateInfo+":"+name] }
	version, offset := get(hbase.VersionName), get(hbase.BinlogOffset)
	var parts []part
	show := func(name string, cell []byte, pieces ...string) {
		sizes := map[string]int{"file": 4, "offset": 8, "row-in-event": 4, "epoch": 4, "execute-time": 8, "live": 1}
		for _, key := range pieces {
			n := min(sizes[key], len(cell))
			var number uint64
			for _, b := range cell[:n] {
				number = number<<8 | uint64(b)
			}
			parts = append(parts, part{name, hex.EncodeToString(cell[:n]), s.words.Say("newest.part."+key, number)})
			name, cell = "", cell[n:]
		}
	}
	show(hbase.ExecuteTime, get(hbase.ExecuteTime), "execute-time")
	show(hbase.BinlogOffset, offset, "file", "offset", "row-in-event")
	show(hbase.Epoch, get(hbase.Epoch), "epoch")
	show(hbase.VersionName, version, "live", "epoch", "execute-time", "file", "offset", "row-in-event")
	var rows [][]string
	for _, p := range parts {
		rows = append(rows, []string{p.cell, p.bytes, p.says})
	}
	s.table([]string{"cell", "bytes", "says"}, rows)
	s.table([]string{"cell", "bytes", "says"}, [][]string{
		{"d:id", hex.EncodeToString(cells["d:id"]), string(cells["d:id"])}, {"d:left", hex.EncodeToString(cells["d:left"]), string(cells["d:left"])},
	})
	back, err := versionIn(cells)
	if err != nil {
		return err
	}
	s.fact(Rule, "cell.sizes", []int{len(get(hbase.ExecuteTime)), len(offset), len(get(hbase.Epoch)), len(version)}, []int{8, 16, 4, 29})
	s.fact(Rule, "cell.back", back.String(), c.Version.String())
	packed := slices.Concat([]byte{0}, get(hbase.Epoch), get(hbase.ExecuteTime), offset)
	s.fact(Rule, "cell.same", hex.EncodeToString(version), hex.EncodeToString(packed), len(version))
	byBytes, err := sortedByBytes()
	if err != nil {
		return err
	}
	s.fact(Rule, "cell.order", byBytes, []string{"1/99000/7:3000", "1/99000/7:12000", "1/99000/10:5", "1/100000/7:1", "2/1000/1:4"})
	return nil
}

// sortedByBytes are some versions in the order of their cells.
func sortedByBytes() (names []string, err error) {
	var cells [][]byte
	named := map[string]string{}
	for _, v := range []change.Version{at(2, 1, 1, 4), at(1, 99, 7, 12000), at(1, 100, 7, 1), at(1, 99, 10, 5), at(1, 99, 7, 3000)} {
		_, all, err := hbase.Table{Name: "stock"}.Cells(stockOf(change.Update, 1, 1, v))
		if err != nil {
			return nil, err
		}
		cell := all[len(all)-1].Value // the qualifiers are in order, version is the last
		cells = append(cells, cell)
		named[string(cell)] = fmt.Sprintf("%d/%d/%d:%d", v.Epoch, v.ExecuteTime, v.Position.File, v.Position.Offset)
	}
	slices.SortFunc(cells, bytes.Compare)
	for _, cell := range cells {
		names = append(names, named[string(cell)])
	}
	return names, nil
}
