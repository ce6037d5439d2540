package envelope

import (
	"fmt"
	"strconv"

	"github.com/skein-io/skein/perceptor/change"
)

// Decimals is how Debezium's format writes DECIMAL columns.
type Decimals uint8

const (
	// Precise is the unscaled number's bytes in base64; the scale is in the schema. Debezium's default.
	Precise Decimals = iota
	// DecimalText is the number in a string: exact, and readable without a schema.
	DecimalText
)

// Options say how changes are written. Only Format has to be set.
type Options struct {
	Format Format
	// Schemas puts the schema into each key and value of Debezium's format, as schemas.enable does.
	Schemas bool
	// Decimals of Debezium's format. BIGINT UNSIGNED is always Precise, which is exact.
	Decimals Decimals
	// NoTombstones leaves out the null value that follows a delete in Debezium's format.
	NoTombstones bool
	// Prefix is Debezium's topic.prefix, the name of the source. Default "skein".
	Prefix string
	// Connector is what Debezium's source block calls the database: "mysql" (default) or "mariadb".
	Connector string
}

// Encoder writes changes. It is used by one goroutine at a time. Its memory is used again after Reset.
type Encoder struct {
	o       Options
	plans   map[*change.Table]*plan
	buf     []byte
	headers []Header
	exact   exactValues
}

// plansMax bounds the tables that are kept prepared: schemas that changed leave their tables behind.
const plansMax = 1_000

// NewEncoder makes an Encoder.
func NewEncoder(o Options) (*Encoder, error) {
	if o.Format < Debezium || o.Format > Maxwell {
		return nil, fmt.Errorf("changes cannot be written in format %s: use debezium, canal or maxwell", o.Format)
	}
	if o.Prefix == "" {
		o.Prefix = "skein"
	}
	if o.Connector == "" {
		o.Connector = "mysql"
	}
	if o.Connector != "mysql" && o.Connector != "mariadb" {
		return nil, fmt.Errorf("there is no connector %q: use mysql or mariadb", o.Connector)
	}
	return &Encoder{o: o, plans: make(map[*change.Table]*plan)}, nil
}

// Reset gives the memory of all records back: they must not be used any more.
func (e *Encoder) Reset() {
	e.buf = e.buf[:0]
	clear(e.headers)
	e.headers = e.headers[:0]
}

// Encode appends the records of a change to dst: one, with a tombstone after it for a delete, and for an update that
// changed the primary key those of a delete and of a create. at is when the change was handled, in milliseconds since
// 1970. The records are valid until Reset. An error names the table and the column, and nothing is appended then.
func (e *Encoder) Encode(dst []Record, c *change.Change, at int64) ([]Record, error) {
	if err := c.Check(); err != nil {
		return dst, err
	}
	p, err := e.plan(c.Table)
	if err != nil {
		return dst, err
	}
	if !KeyChanged(c) {
		return e.encode(dst, p, c, at, Header{})
	}
	oldKey, err := e.key(p, c.Before)
	if err != nil {
		return dst, err
	}
	newKey, err := e.key(p, c.After)
	if err != nil {
		return dst, err
	}
	del, create := Split(c)
	mark := len(dst)
	if dst, err = e.encode(dst, p, del, at, Header{HeaderNewKey, newKey}); err == nil {
		dst, err = e.encode(dst, p, create, at, Header{HeaderOldKey, oldKey})
	}
	if err != nil {
		return dst[:mark], err
	}
	return dst, nil
}

func (e *Encoder) encode(dst []Record, p *plan, c *change.Change, at int64, other Header) (_ []Record, err error) {
	var key []byte
	if c.Op != change.Truncate {
		if key, err = e.key(p, c.Image()); err != nil {
			return dst, err
		}
	}
	if c.Before != nil && len(c.Before) != len(c.Table.Columns) {
		return dst, fmt.Errorf("%s: the row before has %d values for %d columns", c.Table, len(c.Before), len(c.Table.Columns))
	}
	e.exact.reset()
	mark := len(e.buf)
	switch e.o.Format {
	case Debezium:
		err = e.debezium(p, c, at)
	case Canal:
		err = e.canal(p, c, at)
	default:
		err = e.maxwell(p, c)
	}
	if err != nil {
		e.buf = e.buf[:mark]
		return dst, err
	}
	value := e.since(mark)
	mark = len(e.buf)
	e.buf = AppendVersion(e.buf, c.Version)
	first := len(e.headers)
	e.headers = append(e.headers, Header{HeaderVersion, e.since(mark)})
	if e.exact.any() {
		mark = len(e.buf)
		e.buf = e.exact.append(e.buf)
		e.headers = append(e.headers, Header{HeaderExact, e.since(mark)})
	}
	if other.Key != "" {
		e.headers = append(e.headers, other)
	}
	dst = append(dst, Record{Key: key, Value: value, Headers: e.headers[first:len(e.headers):len(e.headers)]})
	if c.Op == change.Delete && e.o.Format == Debezium && !e.o.NoTombstones {
		tombstone := Record{Key: key}
		if other.Key != "" {
			tombstone.Headers = e.headers[len(e.headers)-1:]
		}
		dst = append(dst, tombstone)
	}
	return dst, nil
}

// since is what was appended to the buffer after mark. It stays valid when the buffer moves.
func (e *Encoder) since(mark int) []byte { return e.buf[mark:len(e.buf):len(e.buf)] }

func (e *Encoder) plan(t *change.Table) (*plan, error) {
	if p, ok := e.plans[t]; ok {
		return p, nil
	}
	if len(e.plans) >= plansMax {
		clear(e.plans)
	}
	p, err := newPlan(t, &e.o)
	if err == nil {
		e.plans[t] = p
	}
	return p, err
}

// key writes the record's key: in Debezium's format a struct of the key's columns, in Maxwell's its own form, in Canal's an
// object of texts.
func (e *Encoder) key(p *plan, row change.Row) ([]byte, error) {
	mark := len(e.buf)
	e.buf = append(e.buf, p.keyHead...)
	for n, i := range p.table.Key {
		if n > 0 {
			e.buf = append(e.buf, ',')
		}
		e.buf = append(e.buf, p.keyNames[n]...)
		var err error
		e.exact.reset()
		e.exact.at("key", p.table, i)
		if e.buf, err = p.columns[i].append(e.buf, row[i], &e.exact); err != nil {
			e.buf = e.buf[:mark]
			return nil, fmt.Errorf("%s: column %q: %w", p.table, p.table.Columns[i].Name, err)
		}
		if e.exact.any() {
			e.buf = e.buf[:mark]
			return nil, fmt.Errorf("%s: column %q: the format %s would write the key %s like that of another row", p.table, p.table.Columns[i].Name, e.o.Format, row[i])
		}
	}
	e.buf = append(e.buf, p.keyTail...)
	return e.since(mark), nil
}

// row appends an object of all columns, or of those that differ from other if it is not nil.
func (e *Encoder) row(p *plan, row, other change.Row, image string) error {
	e.buf = append(e.buf, '{')
	first := true
	for i, v := range row {
		if other != nil && v.Equal(other[i]) {
			continue
		}
		if !first {
			e.buf = append(e.buf, ',')
		}
		first = false
		e.buf = append(e.buf, p.names[i]...)
		e.exact.at(image, p.table, i)
		var err error
		if e.buf, err = p.columns[i].append(e.buf, v, &e.exact); err != nil {
			return fmt.Errorf("%s: column %q: %w", p.table, p.table.Columns[i].Name, err)
		}
	}
	e.buf = append(e.buf, '}')
	return nil
}

func (e *Encoder) appendInt(name string, n int64) {
	e.buf = strconv.AppendInt(append(e.buf, name...), n, 10)
}

func (e *Encoder) appendUint(name string, n uint64) {
	e.buf = strconv.AppendUint(append(e.buf, name...), n, 10)
}
