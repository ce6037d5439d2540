package binlog

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/binlog/internal/gtid"
)

// handle does what one event of the binlog says.
func (r *Reader) handle(ctx context.Context, h event.Header, body []byte) (e Event, told bool, err error) {
	switch {
	case h.Type.IsRows():
		return Event{}, false, r.beginRows(h, body)
	case h.Type == event.TableMapType:
		return Event{}, false, r.mapTable(ctx, h, body)
	}
	switch h.Type {
	case event.RotateType:
		return Event{}, false, r.rotate(h, body)
	case event.FormatType:
		r.format, err = event.ParseFormat(h, body)
		return Event{}, false, err
	case event.HeartbeatType, event.HeartbeatV2Type:
		return r.event(Heartbeat, event.Header{}), true, nil
	case event.MariaGTIDType:
		return r.beginMaria(h, body)
	case event.GTIDType, event.AnonymousGTIDType, event.TaggedGTIDType:
		return Event{}, false, r.beginMySQL(h, body)
	case event.MariaGTIDListType:
		return Event{}, false, r.listedGTIDs(h, body)
	case event.PreviousGTIDsType:
		return Event{}, false, r.previousGTIDs(h, body)
	case event.QueryType, event.QueryCompressedType:
		return r.query(h, body)
	case event.XIDType, event.XAPrepareType:
		// The rows of an XA transaction are refused: one that is prepared has none that are wanted.
		return r.commit(h)
	case event.PayloadType:
		r.payload, err = event.ParsePayload(h, body, r.config.EventBytesMax)
		return Event{}, false, err
	case event.AnnotateRowsType, event.RowsQueryType:
		if r.config.Statements {
			r.statement = string(event.Statement(h, body))
		}
		return Event{}, false, nil
	case event.IncidentType:
		return Event{}, false, fmt.Errorf("%w: at %s", ErrIncident, r.here())
	}
	return Event{}, false, r.other(h)
}

// Types of events that only other looks at.
const (
	intVar           = 5
	loadFirst        = 6 // the events of LOAD DATA, as it is logged when the format is not ROW
	loadLast         = 12
	random           = 13
	userVar          = 14
	beginLoadQuery   = 17
	executeLoadQuery = 18
	earlyRowsFirst   = 20 // rows events of MySQL 5.1 before it was released
	earlyRowsLast    = 22
	ignorable        = 28
	transactionInfo  = 36
	viewChange       = 37
	checkpoint       = 161

	flagIgnorable = 0x80
)

// other is for what tells no change. What is not known may tell one.
func (r *Reader) other(h event.Header) error {
	switch t := h.Type; {
	case t == event.StopType, t == event.StartEncryptionType, t == intVar, t == random, t == userVar, t == ignorable, t == transactionInfo, t == viewChange, t == checkpoint,
		h.Flags&flagIgnorable != 0:
		return nil
	case t >= loadFirst && t <= loadLast, t == beginLoadQuery, t == executeLoadQuery, t >= earlyRowsFirst && t <= earlyRowsLast:
		return fmt.Errorf("%w: event of type %d at %s; set binlog_format to ROW, and take a new snapshot", ErrStatement, t, r.here())
	}
	return fmt.Errorf("binlog: an event of type %d at %s is not known, and may tell of a change", h.Type, r.here())
}

func (r *Reader) event(kind Kind, h event.Header) Event {
	return Event{Kind: kind, GTID: r.tx.gtid, Time: int64(h.Time) * 1000}
}

func (r *Reader) rotate(h event.Header, body []byte) error {
	to, err := event.ParseRotate(h, body)
	if err != nil {
		return err
	}
	first := r.place.number == 0
	if err := r.place.rotate(to.File, to.Offset); err != nil {
		return err
	}
	switch {
	case r.tx.open:
	case first && r.config.GTID:
		// The file is told from its beginning, and the server leaves out what was committed: a place that is not known yet.
		r.resume.File, r.resume.Offset = "", 0
	default:
		r.resume.File, r.resume.Offset = to.File, to.Offset
	}
	return nil
}

func (r *Reader) beginMaria(h event.Header, body []byte) (Event, bool, error) {
	g, err := event.ParseMariaGTID(h, body)
	if err != nil {
		return Event{}, false, err
	}
	id := gtid.MariaID{Domain: g.Domain, Server: h.ServerID, Sequence: g.Sequence}
	if err := r.tx.begin(id.String()); err != nil {
		return Event{}, false, err
	}
	r.tx.maria, r.tx.standalone, r.tx.prepared = id, g.Standalone, g.Prepared
	return r.event(Begin, h), !g.Standalone, nil
}

// beginMySQL notes the GTID. The statement after it tells whether a transaction begins or it stands alone.
func (r *Reader) beginMySQL(h event.Header, body []byte) error {
	g, err := event.ParseGTID(h, body)
	if err != nil {
		return err
	}
	source, name := gtid.Source{UUID: g.Source, Tag: g.Tag}, ""
	if g.Number > 0 {
		name = source.String() + ":" + strconv.FormatUint(g.Number, 10)
	}
	if err := r.tx.begin(name); err != nil {
		return err
	}
	r.tx.source, r.tx.number, r.tx.standalone = source, g.Number, true
	return nil
}

// previousGTIDs learns what was committed before the file, if that is not known yet and the file is read from its beginning.
func (r *Reader) previousGTIDs(h event.Header, body []byte) error {
	if r.gtids || r.tx.open || r.place.number == 0 {
		return nil
	}
	sets, err := event.ParsePreviousGTIDs(h, body)
	if err != nil {
		return err
	}
	for _, s := range sets {
		for _, i := range s.Intervals {
			if i.End == 0 {
				return fmt.Errorf("binlog: the GTIDs before %s have an empty interval", r.place.file)
			}
			if err := r.mysql.AddRange(gtid.Source{UUID: s.Source, Tag: s.Tag}, i.Start, i.End-1); err != nil {
				return err
			}
		}
	}
	r.gtids, r.text = true, ""
	return nil
}

// listedGTIDs is previousGTIDs for MariaDB.
func (r *Reader) listedGTIDs(h event.Header, body []byte) error {
	if r.gtids || r.tx.open {
		return nil
	}
	list, err := event.ParseMariaGTIDList(h, body)
	if err != nil {
		return err
	}
	for _, g := range list {
		r.maria.Add(gtid.MariaID(g))
	}
	r.gtids, r.text = true, ""
	return nil
}

// commit ends a transaction that was committed, in the binlog's sense.
func (r *Reader) commit(h event.Header) (Event, bool, error) {
	if !r.tx.open {
		return Event{}, false, fmt.Errorf("binlog: the end of a transaction at %s without its beginning: reading began inside of it", r.here())
	}
	e := r.event(Commit, h)
	return e, true, r.boundary()
}

// boundary moves the position behind the transaction.
func (r *Reader) boundary() error {
	if err := r.tx.end(); err != nil {
		return err
	}
	switch {
	case r.about.flavor == mariaDB && r.tx.maria != gtid.MariaID{}:
		r.maria.Add(r.tx.maria)
		r.text = ""
		if r.maria.Domains() == 1 {
			r.text = r.tx.gtid // the usual case needs no other
		}
	case r.gtids && r.tx.number > 0:
		if err := r.mysql.Add(r.tx.source, r.tx.number); err != nil {
			return err
		}
		r.text = ""
	}
	// An offset above 32 bits cannot be asked for. It is that of a file which ends with this transaction: the next file's beginning
	// follows at once.
	if r.place.end <= math.MaxUint32 {
		r.resume.File, r.resume.Offset = r.place.file, r.place.end
	}
	r.resume.Clock = r.clock.Last()
	r.told = filePlace{r.place.number, r.place.end}
	r.tx.forget()
	r.statement = ""
	r.tables.trim()
	return nil
}
