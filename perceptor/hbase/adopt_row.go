package hbase

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
)

// Qualifiers in family update_info of what was there before, see AdoptOptions.Keep.
const (
	AdoptedTime   = "adopted_execute_time"
	AdoptedOffset = "adopted_binlog_offset"
)

var columnAdoptedTime, columnAdoptedOffset = []byte(AdoptedTime), []byte(AdoptedOffset)

// adoption is what is to be done with a row.
type adoption struct {
	time, offset Form
	// version is what the row gets if it is rewritten.
	version change.Version
	// step rewrites the version's cells, if the row is still as it was read. nil: nothing is to be done.
	step *client.Step
	// left: the row cannot be adopted.
	left error
}

// adoption decides about a row, all of whose cells are needed: the new version's timestamp has to be later than all of them.
// What it returns holds none of the row's memory. at is the least timestamp of the new cells.
func (o *AdoptOptions) adoption(t *Table, row *client.Row, at uint64) (a adoption) {
	if a.left = t.reachable(row.Key); a.left != nil {
		return a
	}
	time, packed := row.Value(updateInfo, columnExecuteTime), row.Value(updateInfo, columnVersion)
	v := change.Version{Epoch: o.Epoch}
	var before stored
	if packed != nil {
		var err error
		if before, err = readStored(row); err == nil && time != nil {
			a.time, a.offset = FormOurs, FormOurs
			return a
		}
		if before.version, before.deleted, err = unpack(packed.Value); err != nil {
			a.time, a.left = FormUnread, err
			return a
		}
	}
	if time == nil {
		if packed != nil {
			a.left = fmt.Errorf("%s:%s is there, and no %[1]s:%s", UpdateInfo, VersionName, ExecuteTime)
			return a
		}
		if !o.Unversioned {
			return a
		}
	} else if v.ExecuteTime, a.time, a.left = parseTime(time.Value, o.Unit, o.Location); a.left != nil {
		a.left = fmt.Errorf("%s:%s: %w", UpdateInfo, ExecuteTime, a.left)
		return a
	}
	offset := row.Value([]byte(o.Offset.Family), []byte(o.Offset.Qualifier))
	if packed != nil {
		a.time = FormOverwritten
		if offset != nil && bytes.Equal(offset.Value, before.version.Position.Append(nil)) {
			offset = nil // it belongs to the version, not to what was written over it
		}
	}
	if offset != nil && time != nil {
		var err error
		v.Position, a.offset, err = parseOffset(offset.Value)
		switch {
		case err != nil && o.IgnoreOffsets:
			v.Position = change.Position{}
		case err != nil:
			a.left = fmt.Errorf("%s:%s: %w", o.Offset.Family, o.Offset.Qualifier, err)
			return a
		}
	}
	for i := range row.Cells {
		at = max(at, row.Cells[i].Timestamp+1)
	}
	if at >= math.MaxInt64 {
		a.left = errors.New("a cell has the latest timestamp that there is, so nothing can be written over it")
		return a
	}
	a.version = v
	a.step = &client.Step{Condition: asRead(time, packed), Mutations: o.rewrite(v, time, offset, at)}
	if before.deleted { // somebody put the row over our tombstone
		a.step.Mutations = append(a.step.Mutations, client.Mutation{Delete: true, Cells: []client.Cell{{Family: updateInfo, Qualifier: columnDeleted, Timestamp: packed.Timestamp}}})
	}
	return a
}

// asRead holds if execute time and version are as they were read, or are not there if they were not. Both are needed: a long
// has the same bytes after it was adopted, and then the sink may have written to the row.
func asRead(time, packed *client.Cell) *client.Condition {
	same := func(qualifier []byte, c *client.Cell) client.Filter {
		if c == nil { // nothing is smaller than what is empty
			return &client.ColumnIs{Family: updateInfo, Qualifier: qualifier, Compare: client.Less, OrMissing: true}
		}
		return &client.ColumnIs{Family: updateInfo, Qualifier: qualifier, Compare: client.Equal, Value: bytes.Clone(c.Value)}
	}
	return &client.Condition{Filter: client.All{same(columnExecuteTime, time), same(columnVersion, packed)}}
}

// rewrite puts the version's cells, and keeps what was there if that is wanted.
func (o *AdoptOptions) rewrite(v change.Version, time, offset *client.Cell, at uint64) []client.Mutation {
	cells := appendGuard(nil, v, false)
	keep := func(qualifier []byte, c *client.Cell, now []byte) {
		if o.Keep && c != nil && !bytes.Equal(c.Value, now) {
			cells = append(cells, client.Cell{Family: updateInfo, Qualifier: qualifier, Value: bytes.Clone(c.Value)})
		}
	}
	keep(columnAdoptedTime, time, v.AppendExecuteTime(nil))
	keep(columnAdoptedOffset, offset, v.Position.Append(nil))
	for i := range cells {
		cells[i].Timestamp = at
	}
	return []client.Mutation{{Cells: cells}}
}

// reachable refuses a key that the sink would never make: the sink would write another row beside it.
func (t *Table) reachable(key []byte) error {
	bare := key
	if t.Salt > 0 {
		salt := key[0]
		if again := salted(bytes.Clone(key), t.Salt); again[0] != salt {
			return fmt.Errorf("the key begins with the salt %d, and this sink puts %d in front of the rest: its changes would go to another row", salt, again[0])
		}
		bare = key[1:]
	}
	if t.Key == KeyBytes && (len(bare) == 0 || !keyKinds[bare[0]]) {
		return errors.New("the key is not one of the format that is configured: changes would go to another row")
	}
	return nil
}

var keyKinds = map[byte]bool{
	kindNegative: true, kindWhole: true, kindDecimalMinus: true, kindDecimalZero: true, kindDecimalPlus: true, kindFloat: true,
	kindText: true, kindBytes: true, kindDate: true, kindDateTime: true, kindTime: true, kindTimestamp: true,
}
