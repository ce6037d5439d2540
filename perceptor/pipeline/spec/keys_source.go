package spec

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

var sourceKeys = section[Source]{keys: []key[Source]{
	{name: "connector", required: true, value: choice(func(s *Source) *string { return &s.Connector }, "mariadb", "mysql"), doc: "Which of the two the server is."},
	{name: "address", required: true, value: address(func(s *Source) *string { return &s.Address }, "3306"), doc: "The server."},
	{name: "user", required: true, value: text(func(s *Source) *string { return &s.User }, "a user's name", nil),
		doc: "The account. `skein sync check` says which rights it lacks."},
	{name: "password", value: secret[Source]{func(s *Source) *Secret { return &s.Password }}, doc: "Where its password is. Without it there is none."},
	{name: "tls", value: encryption[Source]{func(s *Source) **TLS { return &s.TLS }}, doc: "Whether the connection is encrypted, and with which certificates."},
	{name: "server-id", required: true, value: number(func(s *Source) *uint32 { return &s.ServerID }, 1, 1<<32-1),
		doc: "The number of this replica. No server and no other replica may have it: the database ends the connection of one of two that have the same."},
	{name: "tables", required: true, value: patterns(func(s *Source) *[]Pattern { return &s.Tables }), doc: "Which tables are read. One that is made later and fits is read, too."},
	{name: "except", value: patterns(func(s *Source) *[]Pattern { return &s.Except }), doc: "Which of these are not."},
	{name: "keys", value: declaredKeys{}, doc: "The key of tables that have no primary one: DATABASE.TABLE with a list of columns that together are different in each row."},
	{name: "snapshot", standard: "initial", value: choice(func(s *Source) *Snapshot { return &s.Snapshot }, string(SnapshotInitial), string(SnapshotNever), string(SnapshotOnly)),
		doc: "`initial` reads the tables as they are before the first change, and a table that is added when it is; `never` begins with what changes from now on; `only` reads the tables and ends."},
	{name: "gtid", standard: "true", value: truth(func(s *Source) *bool { return &s.GTID }),
		doc: "Go on by GTID, also on another server after a failover; false goes by file and offset, for servers that have no GTIDs."},
	{name: "format", standard: "debezium", value: choice(func(s *Source) *string { return &s.Format }, "debezium", "canal", "maxwell"), doc: "How changes are written."},
	{name: "schemas", standard: "true", value: truth(func(s *Source) *bool { return &s.Schemas }), doc: "Debezium's format has its schema in each record, as `schemas.enable` does it. Without it records are smaller, and who reads them has to know the types of columns."},
	{name: "decimals", standard: "precise", value: choice(func(s *Source) *string { return &s.Decimals }, "precise", "text"), doc: "How Debezium's format has decimals: as bytes, or as a text that is exact, too."},
	{name: "truncates", standard: "tell", value: chosen(func(s *Source) *bool { return &s.Truncates }, "tell", "emit"),
		doc: "`emit` writes a TRUNCATE TABLE to the table's topic, into each partition, for sinks whose `truncates` is apply. `tell` leaves it out, and says so in the log and in `status`. Not with the format maxwell, which has no form for it."},
	{name: "drops", standard: "tell", value: chosen(func(s *Source) *bool { return &s.Drops }, "tell", "emit"),
		doc: "The same of DROP TABLE and CREATE OR REPLACE TABLE: with `emit` they are written as truncates, and the targets' rows go, too."},
	{name: "heartbeat", standard: "10s", value: duration(func(s *Source) *time.Duration { return &s.Heartbeat }, time.Second, time.Hour),
		doc: "How long the server may send nothing before it has to say that it is there. After three times as long the connection is made anew."},
	{name: "heartbeat-records", value: duration(func(s *Source) *time.Duration { return &s.HeartbeatRecords }, time.Second, time.Hour),
		doc: "How often a record goes to the topic __debezium-heartbeat.PREFIX while the server is heard of, whether rows change or not: when that was, and the place up to which everything is in the topics. Without it there are none."},
	{name: "failover-wait", standard: "5m", value: duration(func(s *Source) *time.Duration { return &s.FailoverWait }, time.Second, 24*time.Hour),
		doc: "How long it is waited after a failover for a replica that has not got yet what was read from the server before. Then the source ends and says what is missing."},
	{name: "session-timeout", standard: "10s", value: duration(func(s *Source) *time.Duration { return &s.Session }, 6*time.Second, 30*time.Minute),
		doc: "How long the process that runs the source may be silent before another one of the same file does. The brokers' group.min.session.timeout.ms must not be more."},
}}

// declaredKeys is a mapping from tables to lists of columns.
type declaredKeys struct{}

func (declaredKeys) what() string { return "DATABASE.TABLE with a list of columns, for each table" }
func (declaredKeys) below() []Key { return nil }

func (declaredKeys) read(r *reader, path string, n *yaml.Node, to *Source) {
	found, ok := r.mapping(path, n, nil)
	if !ok {
		return
	}
	columns := texts(func(k *DeclaredKey) *[]string { return &k.Columns }, "a column's name", nil)
	for _, name := range inOrder(n, found) {
		k := DeclaredKey{Table: name.Value}
		at := join(path, name.Value)
		if p, err := parsePattern(name.Value); err != nil || !p.Exact() {
			r.at(name, at, "", "it must be DATABASE.TABLE, of one table")
		}
		columns.read(r, at, found[name.Value], &k)
		to.Keys = append(to.Keys, k)
	}
}

// inOrder are the keys of a mapping that were found, as they stand.
func inOrder(n *yaml.Node, found map[string]*yaml.Node) (keys []*yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if found[k.Value] == v {
			keys = append(keys, k)
		}
	}
	return keys
}

// checkSource looks at what keys say together.
func (r *reader) checkSource(s *Source) {
	for i, p := range s.Except {
		if p == (Pattern{"*", "*"}) || slices.Contains(s.Tables, p) {
			at := fmt.Sprintf("source.except[%d]", i)
			r.at(r.place(at), at, p.String(), "nothing would be left of what source.tables names")
		}
	}
	if r.said("source.schemas") && !s.Schemas && s.Format == "debezium" && (r.said("sink") || r.said("sinks")) {
		r.at(r.place("source.schemas"), "source.schemas", "false", "the sinks of this file would not know what is a decimal or a time: leave it true")
	}
	for key, emitted := range map[string]bool{"source.truncates": s.Truncates, "source.drops": s.Drops} {
		if emitted && s.Format == "maxwell" {
			r.at(r.place(key), key, "emit", "the format maxwell has no form for it: choose debezium or canal, or leave it tell")
		}
	}
	for _, k := range s.Keys {
		database, table, ok := SplitTable(k.Table)
		if ok && !s.Wants(database, table) {
			at := "source.keys." + k.Table
			r.at(r.place(at), at, "", "the source does not read this table: add it to source.tables")
		}
	}
}
