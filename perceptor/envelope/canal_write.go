package envelope

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// canal prepares the constant parts: middle is what the columns are, tail the table.
func (p *plan) canal() {
	var types, numbers, keys []string
	for i := range p.table.Columns {
		c := &p.table.Columns[i]
		types = append(types, quoted(c.Name)+":"+quoted(columnType(c)))
		numbers = append(numbers, quoted(c.Name)+":"+strconv.Itoa(jdbcTypes[c.Type]))
	}
	for _, i := range p.table.Key {
		keys = append(keys, quoted(p.table.Columns[i].Name))
	}
	p.head = `,"database":` + quoted(p.table.Database) + `,"es":`
	p.middle = `,"mysqlType":{` + strings.Join(types, ",") + `},"old":`
	p.tail = `,"pkNames":[` + strings.Join(keys, ",") + `],"sql":"","sqlType":{` + strings.Join(numbers, ",") + `},"table":` + quoted(p.table.Name) + `,"ts":`
}

// canal appends a flat message of one row. An update's old has the columns that changed.
func (e *Encoder) canal(p *plan, c *change.Change, at int64) error {
	if c.Op == change.Truncate {
		e.buf = append(e.buf, `{"data":null`...)
		e.appendInt(p.head, c.Origin.EventTime)
		e.buf = append(e.buf, `,"gtid":`...)
		e.buf = append(appendQuoted(e.buf, c.Origin.GTID), `,"id":0,"isDdl":true,"mysqlType":null,"old":null,"pkNames":null,"sql":`...)
		e.buf = append(appendQuoted(e.buf, "TRUNCATE TABLE `"+strings.ReplaceAll(p.table.Name, "`", "``")+"`"), `,"sqlType":null,"table":`...)
		e.buf = appendQuoted(e.buf, p.table.Name)
		e.appendInt(`,"ts":`, at)
		e.buf = append(e.buf, `,"type":"TRUNCATE"}`...)
		return nil
	}
	e.buf = append(e.buf, `{"data":[`...)
	if err := e.row(p, c.Image(), nil, "after"); err != nil {
		return err
	}
	e.buf = append(e.buf, ']')
	e.appendInt(p.head, c.Origin.EventTime)
	e.buf = appendQuoted(append(e.buf, `,"gtid":`...), c.Origin.GTID)
	e.buf = append(append(e.buf, `,"id":0,"isDdl":false`...), p.middle...)
	if c.Op != change.Update || c.Before == nil {
		e.buf = append(e.buf, "null"...)
	} else {
		e.buf = append(e.buf, '[')
		if err := e.row(p, c.Before, c.After, "before"); err != nil {
			return fmt.Errorf("%w (in the row before)", err)
		}
		e.buf = append(e.buf, ']')
	}
	e.appendInt(p.tail, at)
	e.buf = append(append(append(e.buf, `,"type":"`...), canalTypes[c.Op]...), `"}`...)
	return nil
}

var canalTypes = [...]string{change.Create: "INSERT", change.Update: "UPDATE", change.Delete: "DELETE", change.Read: "INSERT"}
