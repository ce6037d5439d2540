package tour

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/sink"
)

// newestScene: changes of a database's rows in any order, of which the newest stays; case by case, then through a topic; and the
// cells of HBase that this leads to, byte by byte.
var newestScene = Scene{Name: "newest", Begin: func(a *Act) []Step {
	s := &newestRows{Act: a, prefix: a.topic, rows: map[string]map[string][]byte{}}
	a.lanes, a.topic = nil, a.topic+"."+stock.String()
	return []Step{{Name: "cases", Do: s.cases}, {Name: "lock", Do: s.lock}, {Name: "delete", Do: s.delete}, {Name: "epoch", Do: s.epoch},
		{Name: "fold", Do: s.fold}, {Name: "topic", Do: s.throughTopic}, {Name: "cell", Do: s.cell}}
}}

// stock is the source table of the scene.
var stock = &change.Table{Database: "shop", Name: "stock", Key: []int{0}, Columns: []change.Column{
	{Name: "id", Type: change.BigInt}, {Name: "left", Type: change.Integer},
}}

// stockOf is a change of a row of stock.
func stockOf(op change.Op, id, left int64, v change.Version) *change.Change {
	row := change.Row{change.IntValue(id), change.IntValue(left)}
	c := &change.Change{Op: op, Table: stock, After: row, Version: v}
	if op == change.Delete {
		c.Before, c.After = row, nil
	}
	return c
}

// at is a version: epoch, seconds, place in the binlog.
func at(epoch uint32, seconds int64, file uint32, offset uint64) change.Version {
	return change.Version{Epoch: epoch, ExecuteTime: seconds * 1000, Position: change.Position{File: file, Offset: offset}}
}

// newestRows is a table of HBase as the sink's own encoders make it, without the server: by row, then by column.
type newestRows struct {
	*Act
	prefix string
	rows   map[string]map[string][]byte
}

const versionCell = hbase.UpdateInfo + ":" + hbase.VersionName

// judged is what was done with a change.
type judged struct {
	c       *change.Change
	stored  change.Version
	exists  bool
	verdict change.Verdict
	// passes is what the server's comparison of bytes says, where there is something to compare with.
	passes bool
}

// judge asks the rule about a change, with the version read back from the row's cells, and puts it if the rule says so.
func (s *newestRows) judge(c *change.Change) (j judged, err error) {
	row, cells, err := hbase.Table{Name: "stock"}.Cells(c)
	if err != nil {
		return j, err
	}
	put := map[string][]byte{}
	for _, cell := range cells {
		put[string(cell.Family)+":"+string(cell.Qualifier)] = cell.Value
	}
	have := s.rows[string(row)]
	j = judged{c: c, exists: have != nil}
	if j.exists {
		if j.stored, err = versionIn(have); err != nil {
			return j, err
		}
		j.passes = hbase.Newer(put[versionCell], have[versionCell])
	}
	if j.verdict = change.Judge(j.stored, j.exists, c.Version); j.verdict.Puts() {
		s.rows[string(row)] = put
	}
	return j, nil
}

// versionIn reads a row's version from the columns that people read.
func versionIn(cells map[string][]byte) (v change.Version, err error) {
	get := func(name string, size int) []byte {
		b := cells[hbase.UpdateInfo+":"+name]
		if len(b) != size && err == nil {
			err = fmt.Errorf("%s:%s has %d bytes, not %d", hbase.UpdateInfo, name, len(b), size)
		}
		whole := make([]byte, size)
		copy(whole, b)
		return whole
	}
	v.Epoch = binary.BigEndian.Uint32(get(hbase.Epoch, 4))
	v.ExecuteTime = int64(binary.BigEndian.Uint64(get(hbase.ExecuteTime, 8)))
	p := get(hbase.BinlogOffset, 16)
	v.Position = change.Position{File: binary.BigEndian.Uint32(p), Offset: binary.BigEndian.Uint64(p[4:]), Row: binary.BigEndian.Uint32(p[12:])}
	return v, err
}

// play judges changes one after the other and shows a row of a table for each.
func (s *newestRows) play(changes ...*change.Change) (all []judged, err error) {
	var rows [][]string
	for _, c := range changes {
		j, err := s.judge(c)
		if err != nil {
			return nil, err
		}
		all = append(all, j)
		have := []string{"", "", ""}
		if j.exists {
			have = versionWords(j.stored)
		}
		rows = append(rows, append(append([]string{c.Op.String()}, versionWords(c.Version)...), append(have, j.verdict.String())...))
	}
	s.table([]string{"change", "epoch", "execute-time", "place", "stored-epoch", "stored-time", "stored-place", "verdict"}, rows)
	return all, nil
}

func versionWords(v change.Version) []string {
	return []string{strconv.FormatUint(uint64(v.Epoch), 10), strconv.FormatInt(v.ExecuteTime, 10), fmt.Sprintf("%d:%d", v.Position.File, v.Position.Offset)}
}

// verdicts are how changes were judged, and what the comparison of bytes says of all but the first.
func verdicts(all []judged) (said []string, passes, puts []bool) {
	for i, j := range all {
		said = append(said, j.verdict.String())
		if i > 0 {
			passes, puts = append(passes, j.passes), append(puts, j.verdict.Puts())
		}
	}
	return said, passes, puts
}

// cases: absent, older, newer, and at the same time by the offset; the same once more.
func (s *newestRows) cases() error {
	all, err := s.play(
		stockOf(change.Create, 1, 10, at(1, 100, 7, 4000)),
		stockOf(change.Update, 1, 9, at(1, 99, 7, 3000)),
		stockOf(change.Update, 1, 8, at(1, 101, 7, 5000)),
		stockOf(change.Update, 1, 7, at(1, 101, 7, 4500)),
		stockOf(change.Update, 1, 6, at(1, 101, 7, 12000)),
		stockOf(change.Update, 1, 6, at(1, 101, 7, 12000)),
	)
	if err != nil {
		return err
	}
	said, passes, puts := verdicts(all)
	s.fact(Rule, "cases.rule", said, []string{"new", "stale", "newer", "stale", "newer", "duplicate"})
	s.fact(Rule, "cases.bytes", passes, puts)
	return nil
}

// lock: an UPDATE that waited for a lock is logged later, with the time at which it began.
func (s *newestRows) lock() error {
	waited := []*change.Change{stockOf(change.Update, 2, 5, at(1, 110, 7, 13000)), stockOf(change.Update, 2, 4, at(1, 108, 7, 14000))}
	bare, err := s.play(waited...)
	if err != nil {
		return err
	}
	said, _, _ := verdicts(bare)
	s.fact(Rule, "lock.bare", said, []string{"new", "clock back"})
	clear(s.rows)
	var clock change.Clock
	for i, c := range waited {
		v := c.Version
		v.ExecuteTime = clock.Next(v.ExecuteTime)
		waited[i] = stockOf(c.Op, 2, c.After[1].Int(), v)
	}
	clocked, err := s.play(waited...)
	if err != nil {
		return err
	}
	said, passes, puts := verdicts(clocked)
	s.fact(Rule, "lock.clock", said, []string{"new", "newer"}, waited[1].Version.ExecuteTime)
	s.fact(Rule, "lock.bytes", passes, puts)
	return nil
}

// delete: a tombstone keeps the version, and without it a late change would bring the row back.
func (s *newestRows) delete() error {
	late := stockOf(change.Update, 3, 2, at(1, 115, 7, 20000))
	all, err := s.play(stockOf(change.Create, 3, 3, at(1, 114, 7, 19000)), stockOf(change.Delete, 3, 3, at(1, 116, 7, 21000)), late,
		stockOf(change.Create, 3, 8, at(1, 118, 7, 23000)))
	if err != nil {
		return err
	}
	said, passes, _ := verdicts(all)
	s.fact(Rule, "delete.rule", said, []string{"new", "newer", "stale", "newer"})
	s.fact(Rule, "delete.bytes", passes, []bool{true, false, false})
	s.fact(Rule, "delete.without", change.Judge(change.Version{}, false, late.Version).String(), "new")
	return nil
}

// epoch: another server's clock and binlog say nothing about this one's.
func (s *newestRows) epoch() error {
	all, err := s.play(stockOf(change.Create, 4, 3, at(1, 120, 7, 30000)), stockOf(change.Update, 4, 2, at(2, 90, 1, 500)), stockOf(change.Update, 4, 1, at(1, 130, 8, 100)))
	if err != nil {
		return err
	}
	said, passes, puts := verdicts(all)
	s.fact(Rule, "epoch.rule", said, []string{"new", "newer", "stale"})
	s.fact(Rule, "epoch.bytes", passes, puts)
	return nil
}

// fold: of a batch only the newest of each row is sent.
func (s *newestRows) fold() error {
	batch := []*change.Change{
		stockOf(change.Update, 5, 1, at(1, 140, 7, 41000)), stockOf(change.Update, 5, 3, at(1, 142, 7, 43000)), stockOf(change.Update, 6, 1, at(1, 141, 7, 42000)),
		stockOf(change.Update, 5, 2, at(1, 141, 7, 41500)), stockOf(change.Update, 5, 3, at(1, 142, 7, 43000)),
	}
	outcomes := make([]sink.Outcome, len(batch))
	var folder sink.Folder
	kept := folder.Fold(batch, outcomes, func(dst []byte, c *change.Change) []byte { return c.Image()[0].AppendText(dst, 0) })
	said := make([]string, len(batch))
	var rows [][]string
	for i, c := range batch {
		if said[i] = outcomes[i].Verdict.String(); slices.Contains(kept, i) {
			said[i] = s.words.Say("newest.sent")
		}
		rows = append(rows, append(append([]string{c.After[0].String()}, versionWords(c.Version)...), said[i]))
	}
	s.table([]string{"row", "epoch", "execute-time", "place", "verdict"}, rows)
	s.fact(Rule, "fold.kept", kept, []int{1, 2}, len(batch))
	return nil
}
