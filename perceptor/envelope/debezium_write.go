package envelope

import (
	"fmt"

	"github.com/skein-io/skein/perceptor/change"
)

// debezium prepares the constant parts: head is the schema, middle the source block from its start to the name, tail the
// names of database and table.
func (p *plan) debezium(o *Options) {
	end := ""
	if o.Schemas {
		p.keyHead, p.keyTail = `{"schema":`+debeziumKeySchema(p.table, o)+`,"payload":{`, "}}"
		p.head, end = `{"schema":`+debeziumSchema(p.table, o)+`,"payload":`, "}"
	}
	p.middle = `,"source":{"version":"skein","connector":` + quoted(o.Connector) + `,"name":` + quoted(o.Prefix) + `,"ts_ms":`
	p.tail = end
}

var debeziumOps = [...]string{change.Create: `c`, change.Update: `u`, change.Delete: `d`, change.Read: `r`, change.Truncate: `t`}

// debezium appends the envelope. The times are those of the event; what decides the order is in the header.
func (e *Encoder) debezium(p *plan, c *change.Change, at int64) error {
	before, after := c.Before, c.After
	switch {
	case c.Op == change.Delete:
		after = nil
	case c.Op == change.Truncate:
		before, after = nil, nil
	case c.Op != change.Update:
		before = nil
	}
	e.buf = append(append(e.buf, p.head...), `{"before":`...)
	if err := e.image(p, before, "before"); err != nil {
		return err
	}
	e.buf = append(e.buf, `,"after":`...)
	if err := e.image(p, after, "after"); err != nil {
		return err
	}
	o := &c.Origin
	e.appendInt(p.middle, o.EventTime)
	if o.Snapshot {
		e.buf = append(e.buf, `,"snapshot":"true"`...)
	} else {
		e.buf = append(e.buf, `,"snapshot":"false"`...)
	}
	e.buf = append(appendQuoted(append(e.buf, `,"db":`...), p.table.Database), `,"sequence":null`...)
	e.times(`,"ts_us":`, `,"ts_ns":`, o.EventTime)
	e.buf = appendQuoted(append(e.buf, `,"table":`...), p.table.Name)
	e.appendUint(`,"server_id":`, uint64(o.ServerID))
	e.buf = append(e.buf, `,"gtid":`...)
	if o.GTID == "" {
		e.buf = append(e.buf, "null"...)
	} else {
		e.buf = appendQuoted(e.buf, o.GTID)
	}
	e.buf = appendQuoted(append(e.buf, `,"file":`...), o.File)
	e.appendUint(`,"pos":`, c.Version.Position.Offset)
	e.appendUint(`,"row":`, uint64(c.Version.Position.Row))
	e.buf = append(append(e.buf, `,"thread":null,"query":null},"transaction":null,"op":"`...), debeziumOps[c.Op]...)
	e.appendInt(`","ts_ms":`, at)
	e.times(`,"ts_us":`, `,"ts_ns":`, at)
	e.buf = append(append(e.buf, '}'), p.tail...)
	return nil
}

// times appends the same milliseconds in finer units. The nanoseconds of the year 2262 and later are no int64: they are
// left at the digits' value, which JSON can hold.
func (e *Encoder) times(micros, nanos string, ms int64) {
	e.appendInt(micros, ms)
	if ms != 0 {
		e.buf = append(e.buf, "000"...)
	}
	e.appendInt(nanos, ms)
	if ms != 0 {
		e.buf = append(e.buf, "000000"...)
	}
}

// image appends a row or null.
func (e *Encoder) image(p *plan, row change.Row, name string) error {
	if row == nil {
		e.buf = append(e.buf, "null"...)
		return nil
	}
	if err := e.row(p, row, nil, name); err != nil {
		return fmt.Errorf("%w (in the row %s)", err, name)
	}
	return nil
}
