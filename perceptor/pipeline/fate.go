package pipeline

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"syscall"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/go-zookeeper/zk"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/schema"
	"github.com/skein-io/skein/perceptor/snapshot"
	"github.com/skein-io/skein/perceptor/source"
)

// needsSomebody are errors that stay until somebody changes something, whatever else they wrap.
var needsSomebody = []error{
	binlog.ErrPurged, binlog.ErrPosition, binlog.ErrOtherServer, binlog.ErrSettings, binlog.ErrRights, binlog.ErrStatement, binlog.ErrRolledBack,
	binlog.ErrXA, binlog.ErrPartialRow, binlog.ErrIncident, binlog.ErrDiverged,
	mysql.ErrNoTable, mysql.ErrNoRights, mysql.ErrUniqueKey,
	client.ErrTableNotFound, client.ErrNoFamily, client.ErrTooLarge,
	consumer.ErrFatal, consumer.ErrFenced, schema.ErrUnknownSchema, source.ErrResnapshot, snapshot.ErrNoKey,
}

// passing are errors that are gone when a server is back.
var passing = []error{
	io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.DeadlineExceeded, driver.ErrBadConn, mysqldriver.ErrInvalidConn, client.ErrUnavailable,
	kgo.ErrRecordTimeout, kgo.ErrClientClosed, consumer.ErrRetriable, zk.ErrNoServer, zk.ErrConnectionClosed, zk.ErrSessionExpired, zk.ErrNoNode,
	syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
}

// The numbers of what a MySQL server answers while it starts, ends or has too much to do.
var passingNumbers = map[uint16]bool{1037: true, 1038: true, 1040: true, 1041: true, 1053: true, 1203: true, 1205: true, 1213: true, 1317: true, 1927: true, 3159: true}

// transient says whether trying again later may help by itself. What is not known to pass needs somebody.
func transient(err error) bool {
	if _, ok := errors.AsType[*consumer.HandlerError](err); ok {
		return false
	}
	for _, e := range needsSomebody {
		if errors.Is(err, e) {
			return false
		}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if e, ok := errors.AsType[*mysqldriver.MySQLError](err); ok {
		return passingNumbers[e.Number]
	}
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		return e.Retriable
	}
	for _, e := range passing {
		if errors.Is(err, e) {
			return true
		}
	}
	_, ok := errors.AsType[net.Error](err)
	return ok
}
