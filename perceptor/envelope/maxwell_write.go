package envelope

import (
	"fmt"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// maxwell prepares the constant parts: head is the table, middle the names of the key.
func (p *plan) maxwell() {
	var keys []string
	for _, i := range p.table.Key {
		keys = append(keys, quoted(p.table.Columns[i].Name))
	}
	names := `"database":` + quoted(p.table.Database) + `,"table":` + quoted(p.table.Name)
	p.keyHead = "{" + names + ","
	p.head = "{" + names + `,"type":"`
	p.middle = `,"primary_key_columns":[` + strings.Join(keys, ",") + `],"data":`
}

var maxwellTypes = [...]string{change.Create: "insert", change.Update: "update", change.Delete: "delete", change.Read: "bootstrap-insert"}

// maxwell appends a row's change. Maxwell's time is in seconds.
func (e *Encoder) maxwell(p *plan, c *change.Change) error {
	if c.Op == change.Truncate {
		return fmt.Errorf("%s: the format maxwell has no form for a truncate: use debezium or canal", p.table)
	}
	e.buf = append(append(e.buf, p.head...), maxwellTypes[c.Op]...)
	e.appendInt(`","ts":`, c.Origin.EventTime/1000)
	e.appendUint(`,"xoffset":`, uint64(c.Version.Position.Row))
	if c.Origin.File != "" {
		e.buf = appendQuoted(append(e.buf, `,"position":`...), c.Origin.File)
		e.buf[len(e.buf)-1] = ':'
		e.appendUint("", c.Version.Position.Offset)
		e.buf = append(e.buf, '"')
	}
	if c.Origin.GTID != "" {
		e.buf = appendQuoted(append(e.buf, `,"gtid":`...), c.Origin.GTID)
	}
	e.appendUint(`,"server_id":`, uint64(c.Origin.ServerID))
	e.buf = append(e.buf, p.middle...)
	if err := e.row(p, c.Image(), nil, "after"); err != nil {
		return err
	}
	if c.Op == change.Update && c.Before != nil {
		e.buf = append(e.buf, `,"old":`...)
		if err := e.row(p, c.Before, c.After, "before"); err != nil {
			return fmt.Errorf("%w (in the row before)", err)
		}
	}
	e.buf = append(e.buf, '}')
	return nil
}
