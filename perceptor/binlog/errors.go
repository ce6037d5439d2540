package binlog

import (
	"errors"
	"fmt"
	"strings"

	"github.com/skein-io/skein/perceptor/internal/server"
)

// Errors that trying again does not help. Next and Open wrap them; the text says what to do.
var (
	// ErrPurged: the server has deleted what comes next. Only a new snapshot tells what was missed.
	ErrPurged = errors.New("binlog: what comes next was purged on the server")
	// ErrPosition: the server's binlog does not have the position. It was reset, or it is another server's.
	ErrPosition = errors.New("binlog: the server does not have the position")
	// ErrOtherServer: the server is not the one that the position is of. Its files cannot be compared with those of the other:
	// go on by GTID, with an Epoch above that of the position.
	ErrOtherServer = errors.New("binlog: another server")
	// ErrLags is an ErrPosition of another server than that of the position: a replica that has not got all that was read may get it yet.
	ErrLags = errors.New("binlog: the server has not got what was read from another one")
	// ErrSettings: the server does not write what is needed, see Check.
	ErrSettings = errors.New("binlog: the server's settings")
	// ErrRights: the account may not read the binlog, or not log in.
	ErrRights = errors.New("binlog: the account has not the rights")
	// ErrStatement: a change was logged as a statement and not as rows, so it cannot be told.
	ErrStatement = errors.New("binlog: a change was not logged as rows")
	// ErrRolledBack: rows that were told already are rolled back in the binlog itself.
	ErrRolledBack = errors.New("binlog: rows were rolled back after they were logged")
	// ErrXA: rows of a transaction that is prepared and may be rolled back later.
	ErrXA = errors.New("binlog: rows of an XA transaction")
	// ErrPartialRow: a row that does not tell all of its columns.
	ErrPartialRow = errors.New("binlog: a row does not tell all of its columns")
	// ErrIncident: the server says that its binlog lacks changes.
	ErrIncident = errors.New("binlog: the server says that changes are missing in its binlog")
	// ErrDiverged: after a reconnect the server has another transaction where one had been told in part.
	ErrDiverged = errors.New("binlog: the server has another transaction than before")
	// ErrClosed: the reader was closed.
	ErrClosed = errors.New("binlog: the reader is closed")
)

// Numbers of servers' errors.
const (
	codeDatabaseDenied = 1044
	codeAccessDenied   = 1045
	codeNoPrivilege    = 1227
	codeReadBinlog     = 1236
	codeNotPermitted   = 1251
)

// explain names what a server answered, and says whether it may be gone later.
func explain(err error) (named error, transient bool) {
	var answer *server.Error
	if !errors.As(err, &answer) {
		return err, false
	}
	if answer.Passes() {
		return err, true
	}
	switch answer.Number {
	case codeDatabaseDenied, codeAccessDenied, codeNoPrivilege, codeNotPermitted:
		return fmt.Errorf("%w: %w; the account needs REPLICATION SLAVE, and on MariaDB BINLOG MONITOR, on MySQL REPLICATION CLIENT", ErrRights, err), false
	case codeReadBinlog:
		return explainRead(answer), false
	}
	return err, false
}

// explainRead tells apart by its text why a server does not send its binlog: the number is the same for all reasons.
func explainRead(answer *server.Error) error {
	text := strings.ToLower(answer.Message)
	for _, c := range []struct {
		part string
		as   error
		way  string
	}{
		{"could not find first log", ErrPurged, "take a new snapshot"},
		{"purged", ErrPurged, "take a new snapshot"},
		{"could not find gtid state", ErrPurged, "take a new snapshot"},
		{"impossible position", ErrPosition, "was the binlog reset? take a new snapshot, with a higher epoch"},
		{"position > file size", ErrPosition, "was the binlog reset? take a new snapshot, with a higher epoch"},
		{"not in the master's binlog", ErrPosition, "the server has not got all that was read from another; take a new snapshot, with a higher epoch"},
		{"bogus data", ErrPosition, "no event begins there; take a new snapshot"},
	} {
		if strings.Contains(text, c.part) {
			return fmt.Errorf("%w: %w: %s", c.as, answer, c.way)
		}
	}
	return fmt.Errorf("binlog: the server does not send its binlog: %w", answer)
}
