package binlog

import (
	"fmt"

	"github.com/skein-io/skein/perceptor/binlog/internal/gtid"
)

// transaction is the one that is open, and how much of it the caller has got.
type transaction struct {
	open bool
	gtid string
	// maria or source and number are what is committed with it.
	maria  gtid.MariaID
	source gtid.Source
	number uint64
	// standalone: one statement follows the GTID, and nothing ends it.
	standalone bool
	// prepared: it is an XA transaction.
	prepared bool
	// rows is how many events of rows it had, of tables that are wanted.
	rows int

	// told is how many events of it were returned, and seen how many came on this connection. When the connection breaks the
	// transaction comes again: as many as were told are not told again.
	told, seen int
	// toldGTID is the GTID of what was told.
	toldGTID string
}

// begin opens a transaction. It is an error if another was told in part.
func (t *transaction) begin(gtid string) error {
	if t.told > 0 && t.toldGTID != gtid {
		return fmt.Errorf("%w: %d events of transaction %q were told, and after a reconnect comes %q", ErrDiverged, t.told, t.toldGTID, gtid)
	}
	*t = transaction{open: true, gtid: gtid, told: t.told, toldGTID: gtid}
	return nil
}

// end closes the transaction.
func (t *transaction) end() error {
	if t.seen < t.told {
		return fmt.Errorf("%w: %d events of transaction %q were told, and after a reconnect it has only %d", ErrDiverged, t.told, t.gtid, t.seen)
	}
	t.open, t.standalone, t.prepared = false, false, false
	return nil
}

// interrupt is for when the connection breaks.
func (t *transaction) interrupt() {
	*t = transaction{told: t.told, toldGTID: t.toldGTID}
}

// forget is for when what was committed is noted: only whether the end was told is still of matter.
func (t *transaction) forget() {
	*t = transaction{told: t.told, seen: t.seen, toldGTID: t.toldGTID}
}

// toldBefore counts an event that is about to be returned, and reports whether it was returned before the connection broke.
func (t *transaction) toldBefore(kind Kind) bool {
	if kind == Heartbeat {
		return false
	}
	t.seen++
	if t.seen <= t.told {
		return true
	}
	t.told = t.seen
	if !t.open {
		t.told, t.seen, t.toldGTID = 0, 0, ""
	}
	return false
}
