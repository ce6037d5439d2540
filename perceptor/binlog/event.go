package binlog

import "github.com/skein-io/skein/perceptor/change"

// Kind is what an Event tells.
type Kind uint8

const (
	// Begin: a transaction begins. What follows up to Commit was committed together.
	Begin Kind = iota + 1
	// Row: Change is one row's.
	Row
	// Commit: the transaction is at its end. Reader.Position is behind it.
	Commit
	// Statement: SQL was executed that is no change of rows: DDL, and what else a server logs, such as GRANT. Most stand alone
	// and Reader.Position is behind them; CREATE TABLE ... SELECT is in a transaction.
	Statement
	// Heartbeat: there was nothing for Config.Heartbeat, and the server is there.
	Heartbeat
	// Marked: the place that was marked is reached, see Reader.Mark.
	Marked
)

func (k Kind) String() string {
	switch k {
	case Begin:
		return "begin"
	case Row:
		return "row"
	case Commit:
		return "commit"
	case Statement:
		return "statement"
	case Heartbeat:
		return "heartbeat"
	case Marked:
		return "marked"
	}
	return "no kind"
}

// Event is what Reader.Next returns.
type Event struct {
	Kind Kind
	// Change belongs to whoever gets it. Its tables are shared.
	Change *change.Change
	// Database is the one in use when SQL was executed. SQL is that of a Statement, and of a Row if Config.Statements asks for it.
	Database, SQL string
	// GTID is the transaction's, "0-1-5" or "uuid:5"; empty if the server has none.
	GTID string
	// Time is what the event carries, in milliseconds since 1970; 0 of a Heartbeat.
	Time int64
}
