package spec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// draft is a Sink while it is read: what is in the file in another way than in the Sink.
type draft struct {
	Sink
	policy string
	hbase  HBaseSink
	mysql  MySQLSink
}

// The bounds of session.timeout.ms that brokers have by default.
const (
	sessionTimeoutMin = 6 * time.Second
	sessionTimeoutMax = 30 * time.Minute
)

const (
	policyStop       = "stop"
	policyDeadLetter = "dead-letter"
)

var sinkKeys = section[draft]{kind: func(d *draft) string { return d.Type }, keys: []key[draft]{
	{name: "type", required: true, value: choice(func(d *draft) *string { return &d.Type }, HBase, MySQL), doc: "What it is. `mysql` is MariaDB, too."},
	{name: "name", value: text(func(d *draft) *string { return &d.Name }, "a name of letters, digits, _ and -, at most 100", checkName),
		doc: "What it is called in `status`. Without it, as its type. Each sink of a file has another."},
	{name: "group", value: text(func(d *draft) *string { return &d.Group }, "a group's name", nil),
		doc: "The consumer group. Without it skein-sync.PIPELINE.SINK. All processes that run the sink share the work as its members."},
	{name: "session-timeout", standard: "45s", value: duration(func(d *draft) *time.Duration { return &d.SessionTimeout }, sessionTimeoutMin, sessionTimeoutMax),
		doc: "How long the group waits for a process that is not heard of, as after kill -9, until others take its work. Kafka's `session.timeout.ms`; brokers have bounds of their own."},
	{name: "tables", required: true, value: tableList{}, doc: "Which tables are written, and where. A list of tables if all else is as it is without being said; else keys, see below."},

	{name: "zookeeper", only: HBase, required: true, doc: "HBase's ZooKeeper servers.",
		value: texts(func(d *draft) *[]string { return &d.hbase.ZooKeeper }, "HOST:PORT", func(text string) error { return checkAddress(text, "2181") })},
	{name: "root", only: HBase, standard: "/hbase", value: text(func(d *draft) *string { return &d.hbase.Root }, "a path that begins with /", checkRoot), doc: "HBase's node in ZooKeeper."},
	{name: "user", only: HBase, standard: "skein", value: text(func(d *draft) *string { return &d.hbase.User }, "a user's name", nil), doc: "Who HBase is told is calling. It proves nothing."},
	{name: "create", only: HBase, standard: "false", value: truth(func(d *draft) *bool { return &d.hbase.Create }), doc: "Make tables that are not there."},

	{name: "address", only: MySQL, required: true, value: address(func(d *draft) *string { return &d.mysql.Address }, "3306"), doc: "The server."},
	{name: "database", only: MySQL, required: true, value: text(func(d *draft) *string { return &d.mysql.Database }, "a database's name", nil), doc: "Where tables are that are named without a database, and the side table."},
	{name: "user", only: MySQL, required: true, value: text(func(d *draft) *string { return &d.mysql.User }, "a user's name", nil), doc: "The account. `skein sync check` says which rights it lacks."},
	{name: "password", only: MySQL, value: secret[draft]{func(d *draft) *Secret { return &d.mysql.Password }}, doc: "Where its password is. Without it there is none."},
	{name: "tls", only: MySQL, value: encryption[draft]{func(d *draft) **TLS { return &d.mysql.TLS }}, doc: "Whether the connection is encrypted, and with which certificates."},
	{name: "layout", only: MySQL, standard: "in-row", value: chosen(func(d *draft) *bool { return &d.mysql.SideTable }, "in-row", "side-table"),
		doc: "Where the version of a row is: in columns of the row, or in a table beside, for tables that must not get columns."},
	{name: "versions", only: MySQL, standard: "skein_row_versions", value: text(func(d *draft) *string { return &d.mysql.Versions }, "a table's name", nil), doc: "The side table."},
	{name: "generations", only: MySQL, why: "HBase has no transaction over two rows, so a past owner of a partition cannot be refused for certain; its older changes are refused by their versions",
		value: text(func(d *draft) *string { return &d.mysql.Generations }, "a table's name of letters, digits and _", checkGenerations),
		doc:   "A table in `database` by which a process that hung, and whose work others have taken, is refused when it goes on. The sink makes it. Without it nobody is refused; what is older is discarded all the same. Costs a statement more for each partition of a batch."},
	{name: "version-columns", only: MySQL, standard: empty, value: nested[draft, MySQLSink]{func(d *draft) *MySQLSink { return &d.mysql }, &versionKeys}, doc: "The columns of the version."},

	{name: "truncates", standard: "keep", value: chosen(func(d *draft) *bool { return &d.Truncates }, "keep", "apply"),
		doc: "What becomes of rows when a topic tells that their table was truncated: they are kept, which `status` counts, or those that are older go. All sinks that write to a table must say the same. Not with the layout side-table, nor for a table of the target that several of the source go to."},
	{name: "truncate-versions", standard: "skein_truncates", value: text(func(d *draft) *string { return &d.TruncateVersions }, "a table's name", nil),
		doc: "The target's table in which the versions of truncates are kept. HBase's is made if `create` is true."},

	{name: "bad-records", standard: policyStop, value: choice(func(d *draft) *string { return &d.policy }, policyStop, policyDeadLetter),
		doc: "What becomes of a record that cannot be read or written: the sink ends with an error that names it, or it goes to the topic `dead-letter` and the sink goes on. Nothing is skipped in silence."},
	{name: "dead-letter", value: text(func(d *draft) *string { return &d.DeadLetter }, "a topic's name", checkTopic), doc: "That topic. Without it PREFIX.dead-letter. It is made if it is not there."},
	{name: "retries", standard: empty, value: nested[draft, draft]{self[draft], &retryKeys}, doc: "What is done while the target as a whole fails, as when its server is away."},
	{name: "batch", standard: empty, value: nested[draft, draft]{self[draft], &batchKeys}, doc: "How changes are written together."},
	{name: "workers", standard: "512", value: number(func(d *draft) *int { return &d.Workers }, 1, 100_000), doc: "How many records are handled at the same time."},
	{name: "tombstones", value: nested[draft, draft]{self[draft], &tombstoneKeys}, doc: "What becomes of the versions of deleted rows."},
}}

var versionKeys = section[MySQLSink]{keys: []key[MySQLSink]{
	{name: "execute-time", standard: "execute_time", value: text(func(m *MySQLSink) *string { return &m.ExecuteTime }, "a column's name", nil), doc: "BIGINT, milliseconds since 1970."},
	{name: "position", standard: "binlog_position", value: text(func(m *MySQLSink) *string { return &m.Position }, "a column's name", nil), doc: "BINARY(16)."},
	{name: "epoch", standard: "source_epoch", value: text(func(m *MySQLSink) *string { return &m.Epoch }, "a column's name", nil), doc: "INT UNSIGNED."},
	{name: "deleted", standard: "row_deleted", value: text(func(m *MySQLSink) *string { return &m.Deleted }, "a column's name", nil), doc: "BOOLEAN."},
}}

var retryKeys = section[draft]{keys: []key[draft]{
	{name: "attempts", standard: "0", value: number(func(d *draft) *int { return &d.Attempts }, 0, 1<<30), doc: "How often a record is tried before `bad-records` decides. 0 is for ever."},
	{name: "first", standard: "100ms", value: duration(func(d *draft) *time.Duration { return &d.RetryFirst }, time.Millisecond, time.Hour), doc: "The first pause. It doubles."},
	{name: "longest", standard: "10s", value: duration(func(d *draft) *time.Duration { return &d.RetryLongest }, time.Millisecond, time.Hour), doc: "The longest pause."},
}}

var batchKeys = section[draft]{keys: []key[draft]{
	{name: "changes", standard: "500", value: number(func(d *draft) *int { return &d.BatchChanges }, 1, 900), doc: "At most so many at once."},
	{name: "parallel", standard: "4", value: number(func(d *draft) *int { return &d.BatchParallel }, 1, 256), doc: "So many batches on their way."},
}}

const tombstonesKeepMin = time.Minute

var tombstoneKeys = section[draft]{keys: []key[draft]{
	{name: "keep", required: true, value: duration(func(d *draft) *time.Duration { return &d.TombstonesKeep }, tombstonesKeepMin, 100_000*time.Hour),
		doc: "The age from which they are removed. Longer than any change can be late: a change that comes later than that brings the row back. Without `tombstones` they are kept for ever."},
	{name: "every", standard: "1h", value: duration(func(d *draft) *time.Duration { return &d.SweepEvery }, time.Second, 1000*time.Hour), doc: "How often it is looked for them."},
}}

func checkGenerations(name string) error {
	if strings.ContainsFunc(name, func(r rune) bool { return !isTopicRune(r) || r == '.' || r == '-' }) || name[0] >= '0' && name[0] <= '9' || len(name) > 64 {
		return errors.New("it must be a table's name of letters, digits and _, at most 64")
	}
	return nil
}

func checkRoot(root string) error {
	if !strings.HasPrefix(root, "/") || root == "/" || strings.HasSuffix(root, "/") {
		return errors.New("it must be a path that begins with /, such as /hbase")
	}
	return nil
}

type oneSink struct{}

func (oneSink) what() string { return "keys with values" }
func (oneSink) below() []Key { return sinkKeys.list() }

func (oneSink) read(r *reader, path string, n *yaml.Node, to *Config) {
	to.Sinks = append(to.Sinks, r.sink(path, n, to))
}

type manySinks struct{}

func (manySinks) what() string { return "a list of what `sink` has" }
func (manySinks) below() []Key { return nil }

func (manySinks) read(r *reader, path string, n *yaml.Node, to *Config) {
	if r.said("sink") {
		r.at(r.place(path), path, "", "the file has sink, too: write all sinks into one list")
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.wrong(n, path, "it must be a list of sinks")
		return
	}
	for i, item := range n.Content {
		to.Sinks = append(to.Sinks, r.sink(fmt.Sprintf("%s[%d]", path, i), item, to))
	}
}

// sink reads one, fills in what follows from the rest, and looks at what keys say together.
func (r *reader) sink(path string, n *yaml.Node, c *Config) Sink {
	var d draft
	sinkKeys.read(r, path, n, &d)
	switch {
	case d.Type == HBase:
		d.HBase = &d.hbase
	case d.Type == MySQL:
		d.MySQL = &d.mysql
	}
	if d.Name == "" {
		d.Name = d.Type
	}
	if d.Group == "" {
		d.Group = "skein-sync." + c.Name + "." + d.Name
	}
	switch {
	case d.policy == policyDeadLetter && d.DeadLetter == "":
		d.DeadLetter = c.Topics.Prefix + ".dead-letter"
	case d.policy == policyStop && d.DeadLetter != "":
		at := path + ".dead-letter"
		r.at(r.place(at), at, d.DeadLetter, "it is of no use while bad-records is stop: write bad-records: dead-letter")
	}
	if d.RetryLongest < d.RetryFirst {
		at := path + ".retries.longest"
		r.at(r.place(at), at, short(d.RetryLongest), "it must not be shorter than the first pause, "+short(d.RetryFirst))
	}
	if at := path + ".truncate-versions"; !d.Truncates && r.said(at) {
		r.at(r.place(at), at, d.TruncateVersions, "it is of no use while truncates is keep: write truncates: apply")
	}
	if at := path + ".truncates"; d.Truncates && d.Type == MySQL && d.mysql.SideTable {
		r.at(r.place(at), at, "apply", "a side table does not say which rows of its table are older: choose layout: in-row, or leave it keep")
	}
	if at := path + ".truncates"; d.Truncates && c.Read.Order == "offset" {
		r.at(r.place(at), at, "apply", "read.order is offset, and offsets do not say which rows of other partitions are older: choose read.order: position or time, or leave it keep")
	}
	if at := path + ".versions"; d.Type == MySQL && !d.mysql.SideTable && r.said(at) {
		r.at(r.place(at), at, d.mysql.Versions, "it is of no use while layout is in-row")
	}
	r.checkOwners(path, &d)
	return d.Sink
}

// groupMax is what a row of the table of generations has room for, in bytes.
const groupMax = 255

// checkOwners looks whether the table of generations can be the sink's own.
func (r *reader) checkOwners(path string, d *draft) {
	name := d.mysql.Generations
	if d.Type != MySQL || name == "" {
		return
	}
	at := path + ".generations"
	if d.mysql.SideTable && strings.EqualFold(name, d.mysql.Versions) {
		r.at(r.place(at), at, name, "it is the table of versions, too: name another")
	}
	for _, t := range d.Tables {
		if t.Source.Exact() && strings.EqualFold(name, t.NameFor(t.Source.Database, t.Source.Table)) {
			r.at(r.place(at), at, name, "rows of "+t.Source.String()+" go there, too: name another")
		}
	}
	if len(d.Group) > groupMax {
		at := path + ".group"
		r.at(r.place(at), at, d.Group, "with generations it has at most "+strconv.Itoa(groupMax)+" bytes")
	}
}
