package envelope

import (
	"errors"
	"fmt"
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

// Ordering says what orders the changes of records that somebody else wrote, which have no HeaderVersion.
type Ordering uint8

const (
	// ByTime: the execute time, then the position in the binlog, as the rule has it. A row of Debezium's snapshot has time
	// 0: it is what was there before every change of the stream. A format without a position takes the record's offset.
	ByTime Ordering = iota
	// ByPosition: the position in the binlog alone. It is the order of commits, so a statement that waited for a lock loses
	// nothing; and it is right within one server's history only. A record without a position is refused.
	ByPosition
	// ByOffset: the record's offset in its partition. It is right where all changes of a row are in one partition and
	// whoever wrote them kept their order.
	ByOffset
)

// ParseOrdering finds an ordering by its name: time, position or offset.
func ParseOrdering(name string) (Ordering, error) {
	for i, n := range [...]string{"time", "position", "offset"} {
		if n == name {
			return Ordering(i), nil
		}
	}
	return ByTime, fmt.Errorf("%q is no ordering of changes: use time, position or offset", name)
}

// ReadOptions say how records are read. The zero value reads what Encoder writes, and what others write as far as their
// records tell the types.
type ReadOptions struct {
	Format Format
	// Tables finds the columns of a source's table, for records that do not tell types: Maxwell's, and Debezium's without
	// schema; and the key, for records that do not tell it. It is asked once for each form of a table's rows, and for the
	// key each time. It may be nil, and may return nil.
	Tables func(database, table string) *change.Table
	// Types tells the type of a column that neither the record nor Tables tells, as from the table that the changes are written
	// to. It is asked once for each column of each form of a table's rows. ErrNoColumn refuses the record; with another error
	// nothing is wrong with the record, and Decode returns the error as it is. It may be nil.
	Types func(database, table, column string) (change.Column, error)
	// Decimals says how Debezium's records without schema have decimals.
	Decimals Decimals
	// Order and Epoch make the version of records that have none.
	Order Ordering
	Epoch uint32
	// Zone is that of TIMESTAMP columns in Canal's and Maxwell's text; nil is UTC.
	Zone *time.Location
}

// Place is where a record lies.
type Place struct {
	Topic     string
	Partition int32
	Offset    int64
}

// Kind is what a record is.
type Kind uint8

const (
	// Rows: it has changes of rows, or the truncate of a table.
	Rows Kind = iota + 1
	// Tombstone has no value. Compaction uses it; a sink has had the delete before it.
	Tombstone
	// DDL is a change of schema. It is told and not applied.
	DDL
	// Heartbeat says that the source lives.
	Heartbeat
	// Mark is the beginning or end of a transaction or of a snapshot, or a message of an application.
	Mark
)

func (k Kind) String() string {
	if k >= Rows && k <= Mark {
		return [...]string{"rows", "tombstone", "ddl", "heartbeat", "mark"}[k-1]
	}
	return "nothing"
}

// Decoded is what a record holds.
type Decoded struct {
	Kind   Kind
	Format Format
	// Changes are those of Rows, in order. The slice is used again by the next Decode; what it points to is not.
	Changes []*change.Change
	// SQL is the statement of a DDL, if the format tells it.
	SQL             string
	Database, Table string
}

// Error is a record that cannot be read.
type Error struct {
	Place
	// Field is where in the value, empty if it is the whole.
	Field string
	Err   error
}

func (e *Error) Error() string {
	field := ""
	if e.Field != "" {
		field = ", field " + e.Field
	}
	return fmt.Sprintf("topic %s, partition %d, offset %d%s: %v", e.Topic, e.Partition, e.Offset, field, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// ErrPartialImage is a row that does not tell all its columns. Dropping it when it is stale would lose columns, and putting
// it when it is newer would mix two rows.
var ErrPartialImage = errors.New("the row image is partial: the source has to tell full rows (binlog_row_image=FULL)")

// Decoder reads records. It is used by one goroutine at a time. What it returns points into the record's bytes, which
// nobody may change.
type Decoder struct {
	o       ReadOptions
	value   tape
	key     tape
	header  tape
	changes []*change.Change
	shapes  map[string]*shape
	name    []byte // of a shape
	columns []byte // the names of a row's columns
	keys    []string
	schema  knownSchema
	at      Place
	record  *Record
}

// NewDecoder makes a Decoder.
func NewDecoder(o ReadOptions) (*Decoder, error) {
	if o.Format > Maxwell {
		return nil, fmt.Errorf("changes cannot be read in format %s", o.Format)
	}
	if o.Order > ByOffset {
		return nil, fmt.Errorf("there is no ordering %d", o.Order)
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return &Decoder{o: o, shapes: make(map[string]*shape)}, nil
}

// Decode reads a record. An *Error says what is wrong with the record, which holds nothing that could be used. Another error is
// what ReadOptions.Types has returned: the record may be read later.
func (d *Decoder) Decode(at Place, r *Record) (Decoded, error) {
	clear(d.changes)
	d.changes, d.at, d.record = d.changes[:0], at, r
	if r.Value == nil {
		return Decoded{Kind: Tombstone, Format: d.o.Format}, nil
	}
	out, err := d.decode()
	if later, ok := errors.AsType[*typesError](err); ok {
		return Decoded{}, later.error
	}
	if err != nil {
		e := &Error{Place: at, Err: err}
		var f *fieldError
		if errors.As(err, &f) {
			e.Field, e.Err = f.field, f.err
		}
		return Decoded{}, e
	}
	return out, nil
}

func (d *Decoder) decode() (out Decoded, err error) {
	payload, err := d.payload()
	if err != nil {
		return out, err
	}
	out.Format = d.o.Format
	if out.Format == Auto {
		if out.Format = d.detect(payload); out.Format == Auto {
			return out, errors.New("it is none of Debezium's, Canal's or Maxwell's JSON")
		}
	}
	switch out.Format {
	case Debezium:
		err = d.debezium(&out, payload)
	case Canal:
		err = d.canal(&out, payload)
	default:
		err = d.maxwell(&out, payload)
	}
	if err != nil {
		return out, err
	}
	for _, c := range d.changes {
		if err := c.Check(); err != nil {
			return out, err
		}
	}
	out.Changes = d.changes
	return out, nil
}

// detect finds the format by the fields that only it has.
func (d *Decoder) detect(payload int32) Format {
	t := &d.value
	switch {
	case d.schema.node != none, t.has(payload, "op"), t.has(payload, "ddl") && t.has(payload, "source"),
		t.has(payload, "status") && t.has(payload, "event_count"), isHeartbeat(t, payload):
		return Debezium
	case t.has(payload, "isDdl"), t.has(payload, "es") && t.has(payload, "type"):
		return Canal
	case t.has(payload, "type") && t.has(payload, "ts") && t.has(payload, "database"):
		return Maxwell
	}
	return Auto
}

// add appends a change, as two if an update gave the row another key.
func (d *Decoder) add(c *change.Change) {
	if KeyChanged(c) {
		del, create := Split(c)
		d.changes = append(d.changes, del, create)
		return
	}
	d.changes = append(d.changes, c)
}

// version is what orders the record's changes: what the header says, else what the format tells.
func (d *Decoder) version(told change.Version, positioned bool, row int) (change.Version, error) {
	for _, h := range d.record.Headers {
		if h.Key == HeaderVersion {
			v, err := ParseVersion(h.Value)
			if err != nil {
				return v, &fieldError{"header " + HeaderVersion, err}
			}
			return v, nil
		}
	}
	told.Epoch = d.o.Epoch
	byOffset := change.Position{Offset: uint64(max(d.at.Offset, 0)), Row: uint32(row)}
	switch {
	case d.o.Order == ByOffset:
		told.ExecuteTime, told.Position = 0, byOffset
	case d.o.Order == ByPosition && !positioned:
		return told, errors.New("it tells no position in the binlog: choose the ordering time or offset")
	case d.o.Order == ByPosition:
		told.ExecuteTime = 0
	case !positioned:
		told.Position = byOffset
	}
	return told, nil
}

// exact puts the values of HeaderExact where they belong. rows are the images by their name in the header.
func (d *Decoder) exact(s *shape, after, before change.Row) error {
	for _, h := range d.record.Headers {
		if h.Key != HeaderExact {
			continue
		}
		t := &d.header
		if err := t.parse(h.Value); err != nil {
			return &fieldError{"header " + HeaderExact, err}
		}
		for name, row := range map[string]change.Row{"after": after, "before": before} {
			object := t.member(0, name)
			if object == none || row == nil || t.kind(object) != '{' {
				continue
			}
			for i := object + 1; i < t.nodes[object].next; i = t.nodes[i].next {
				at := s.table.Column(string(t.name(i)))
				if at < 0 || t.kind(i) != '"' {
					return &fieldError{"header " + HeaderExact, fmt.Errorf("%.40q is no column of text", t.name(i))}
				}
				v, err := textValue(&s.table.Columns[at], t.content(i), time.UTC)
				if err != nil {
					return &fieldError{"header " + HeaderExact, err}
				}
				row[at] = v
			}
		}
	}
	return nil
}
