package spec

import "time"

// Config is a pipeline: what its file says, with the defaults filled in. Nobody changes it.
type Config struct {
	// File is the name under which it was parsed. Relative paths in it begin at its folder.
	File      string
	Name      string
	OnFailure OnFailure
	Brokers   Brokers
	Topics    Topics
	// Source is nil if the file has none.
	Source *Source
	Read   Read
	Sinks  []Sink
}

// OnFailure is what the other parts of a pipeline do when one ends with an error.
type OnFailure string

const (
	// FailureStop ends them, too.
	FailureStop OnFailure = "stop"
	// FailureContinue lets them go on.
	FailureContinue OnFailure = "continue"
)

// Secret says where a secret is: in a file or in a variable of the environment. The zero Secret is none.
type Secret struct{ File, Env string }

// IsZero says whether no secret was named.
func (s Secret) IsZero() bool { return s == Secret{} }

// String names the place.
func (s Secret) String() string {
	if s.Env != "" {
		return "environment variable " + s.Env
	}
	return "file " + s.File
}

// TLS is how a connection is encrypted. Paths are of PEM files.
type TLS struct {
	// CA are the authorities that are trusted; empty means the system's.
	CA string
	// Certificate and Key are this program's own, for servers that want one.
	Certificate, Key string
	// ServerName is whose certificate is expected; empty means the host of the address.
	ServerName string
}

// SASL is how this program logs in at brokers.
type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	User      string
	Password  Secret
}

// Brokers are a Kafka cluster.
type Brokers struct {
	Addresses []string // host:port
	TLS       *TLS
	SASL      *SASL
}

// Topics says how topics are named and made.
type Topics struct {
	// Prefix is the first part of their names, PREFIX.DATABASE.TABLE.
	Prefix string
	// Partitions of a table's topic that is not there yet; 0 is the brokers' default.
	Partitions int32
}

// DeclaredKey is the key of a table that has no primary one.
type DeclaredKey struct {
	Table   string // DATABASE.TABLE
	Columns []string
}

// Source is a database whose changes go into topics.
type Source struct {
	Connector string // mysql or mariadb
	Address   string // host:port
	User      string
	Password  Secret
	TLS       *TLS
	ServerID  uint32
	Tables    []Pattern
	Except    []Pattern
	Keys      []DeclaredKey
	Snapshot  Snapshot
	// GTID goes on by GTID and not by file and offset.
	GTID      bool
	Format    string // debezium, canal or maxwell
	Schemas   bool
	Decimals  string // precise or text
	Heartbeat time.Duration
	// Truncates and Drops: TRUNCATE TABLE and DROP TABLE are written as truncates.
	Truncates, Drops bool
	// FailoverWait is how long a replica that lags is waited for after a failover.
	FailoverWait time.Duration
	// HeartbeatRecords is how often one goes to the topic of heartbeats; 0 is never.
	HeartbeatRecords time.Duration
	// Session is after how long of silence another process runs the source.
	Session time.Duration
}

// Wants says whether a table is read.
func (s *Source) Wants(database, table string) bool {
	return matchAny(s.Tables, database, table) && !matchAny(s.Except, database, table)
}

// WantsOf says whether tables of a database may be read.
func (s *Source) WantsOf(database string) bool {
	for _, p := range s.Tables {
		if matches(p.Database, database) {
			return true
		}
	}
	return false
}

// Snapshot says when a source reads whole tables.
type Snapshot string

const (
	// SnapshotInitial reads them before the first change, and those that are added later when they are.
	SnapshotInitial Snapshot = "initial"
	// SnapshotNever begins with the changes of now.
	SnapshotNever Snapshot = "never"
	// SnapshotOnly reads the tables and then ends.
	SnapshotOnly Snapshot = "only"
)

// Read says how topics are read that others have written. Of what a source of skein's wrote it only matters that Format is auto.
type Read struct {
	// Topics are read instead of PREFIX.DATABASE.TABLE, if there are any.
	Topics   []string
	Format   string // auto, debezium, canal or maxwell
	Order    string // time, position or offset
	Epoch    uint32
	Zone     *time.Location
	Decimals string // precise or text
}

// The types of sinks.
const (
	HBase = "hbase"
	MySQL = "mysql"
)

// Sink is where changes are written. HBase or MySQL is set, as Type says.
type Sink struct {
	Name  string
	Type  string
	Group string
	// SessionTimeout is how long the group waits for a member that is not heard of.
	SessionTimeout time.Duration
	Tables         []SinkTable
	// DeadLetter is the topic for records that cannot be written; empty means that such a record ends the sink.
	DeadLetter string
	// Attempts of a record while the sink fails as a whole; 0 is for ever.
	Attempts                 int
	RetryFirst, RetryLongest time.Duration
	BatchChanges             int
	BatchParallel            int
	Workers                  int
	// TombstonesKeep is the age from which tombstones are swept, each SweepEvery; 0 is never.
	TombstonesKeep time.Duration
	SweepEvery     time.Duration
	// Truncates are applied, and their versions kept in the target's table TruncateVersions.
	Truncates        bool
	TruncateVersions string
	HBase            *HBaseSink
	MySQL            *MySQLSink
}

// HBaseSink is an HBase cluster.
type HBaseSink struct {
	ZooKeeper []string // host:port
	Root      string
	User      string
	// Create makes tables that are not there.
	Create bool
}

// MySQLSink is a database of a MySQL or MariaDB server.
type MySQLSink struct {
	Address  string
	User     string
	Password Secret
	TLS      *TLS
	Database string
	// SideTable keeps versions in the table Versions, and not in columns of the rows.
	SideTable bool
	Versions  string
	// Generations is the table by which writers of a past generation of the group are refused; empty refuses nobody.
	Generations string
	// The columns of the version.
	ExecuteTime, Position, Epoch, Deleted string
}

// SinkTable says where the rows of the tables of a pattern go.
type SinkTable struct {
	Source Pattern
	// Name is the target's table; {database} and {table} in it stand for the source's.
	Name string
	// HBase alone has the others.
	Family     string
	Columns    []SinkColumn
	Salt       int
	KeyBytes   bool
	Bytes      bool
	NullsEmpty bool
}

// SinkColumn is where a column of the source goes. Empty names mean what holds for columns that are not named.
type SinkColumn struct {
	Source, Family, Qualifier string
	Skip                      bool
}
