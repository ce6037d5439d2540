package binlog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/server"
)

// Config says which server is read, and from where on.
type Config struct {
	// Addr is host:port. User needs the right REPLICATION SLAVE, on MySQL REPLICATION CLIENT and on MariaDB BINLOG MONITOR too.
	Addr, User, Password string
	// TLS demands an encrypted connection. Nil is none.
	TLS *tls.Config
	// Dial makes connections, net.Dialer's if it is nil.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// ServerID is the number of this replica. It must be no other's, the server's own included: a server ends the connection of a
	// replica when another of the same number comes.
	ServerID uint32
	// Epoch is in all versions. See ErrOtherServer for when it has to be raised.
	Epoch uint32

	// Start is where to begin. The zero Position is the beginning of the oldest file that the server has.
	Start Position
	// GTID lets Start.GTID decide and not the file, so that another server can be gone on with. Else the file and offset do.
	GTID bool

	// Tables says which tables' rows are wanted; all are if it is nil. It is called once for each map of a table.
	Tables func(database, table string) bool
	// Schema completes what the binlog tells of a table, at the position of its map: names, signs, members and key, which it does
	// not have unless binlog_row_metadata is FULL, and what it never has: that MariaDB keeps JSON in a text and UUIDs and
	// addresses in bytes. It returns a table with the same columns, which may be t, and must not change t. It is called once for each
	// map of a table that is wanted. Nil does if binlog_row_metadata is FULL and the rest is of no matter. An error ends Next.
	Schema func(ctx context.Context, t *change.Table, at change.Position) (*change.Table, error)
	// Keys declares the columns of the key of tables that have none, by database.table.
	Keys map[string][]string
	// Statements asks for the text of the statements that changed rows (MariaDB's annotations, MySQL's
	// binlog_rows_query_log_events).
	Statements bool

	// Heartbeat is how long the server lets pass without an event before it says that it is there. After three times as long the
	// connection is taken for dead. 10 seconds if it is 0.
	Heartbeat time.Duration
	// EventBytesMax bounds one event, in bytes. It is held in memory. 1 GiB if it is 0, which is the servers' own bound.
	EventBytesMax int
	// RetryWaitMax bounds the time between tries to connect again, which begins at 50 ms and doubles. 10 seconds if it is 0.
	RetryWaitMax time.Duration
	// Retrying is told why the connection was lost and when it is tried again. It must not block. It may be nil.
	Retrying func(err error, wait time.Duration)
}

func (c *Config) check() error {
	switch {
	case c.Addr == "":
		return errors.New("binlog: no address of a server")
	case c.ServerID == 0:
		return errors.New("binlog: ServerID is 0; give this replica a number that no other server and replica has")
	case c.Heartbeat < 0 || c.RetryWaitMax < 0 || c.EventBytesMax < 0:
		return fmt.Errorf("binlog: Heartbeat %v, RetryWaitMax %v, EventBytesMax %d: negative", c.Heartbeat, c.RetryWaitMax, c.EventBytesMax)
	case c.GTID && c.Start.GTID == "" && c.Start.File != "":
		return errors.New("binlog: the start by GTID has a file and no GTID")
	}
	return nil
}

// fill puts in what is used where nothing is said.
func (c *Config) fill() {
	if c.Heartbeat == 0 {
		c.Heartbeat = 10 * time.Second
	}
	if c.EventBytesMax == 0 {
		c.EventBytesMax = 1 << 30
	}
	if c.RetryWaitMax == 0 {
		c.RetryWaitMax = 10 * time.Second
	}
}

func (c *Config) options() server.Options {
	const overhead = 1 << 10 // what is around an event in a packet
	return server.Options{Addr: c.Addr, User: c.User, Password: c.Password, TLS: c.TLS, Dial: c.Dial, PacketMax: c.EventBytesMax + overhead}
}
