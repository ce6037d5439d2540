package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// tableDraft is a SinkTable while it is read: what it may say depends on the sink.
type tableDraft struct {
	SinkTable
	of string // the sink's type
}

var tableKeys = section[tableDraft]{kind: func(t *tableDraft) string { return t.of }, keys: []key[tableDraft]{
	{name: "name", standard: "{table}", value: text(func(t *tableDraft) *string { return &t.Name }, "a table's name, in which {database} and {table} stand for the source's", checkTarget),
		doc: "The table that rows go to. HBase's may have its namespace in front, `namespace:table`; MySQL's its database, `database.table`."},
	{name: "family", only: HBase, standard: "d", value: text(func(t *tableDraft) *string { return &t.Family }, "a family's name", checkFamily), doc: "The family of columns that `columns` does not name."},
	{name: "columns", only: HBase, value: columnMap{}, doc: "For some of the source's columns: `family`, `qualifier`, or `skip: true`. The others go to `family` under their own name."},
	{name: "salt", only: HBase, standard: "0", value: number(func(t *tableDraft) *int { return &t.Salt }, 0, 256), doc: "Spread rows over so many regions by a byte in front of the key; 0 is none. It cannot be changed while the table has rows."},
	{name: "key", only: HBase, standard: "text", value: chosen(func(t *tableDraft) *bool { return &t.KeyBytes }, "text", "bytes"), doc: "How the row key is made of the primary key: as text, or as bytes that are in the order of the columns."},
	{name: "values", only: HBase, standard: "text", value: chosen(func(t *tableDraft) *bool { return &t.Bytes }, "text", "bytes"), doc: "How values are written: as the database would show them, or numbers and times as Java's Bytes.toBytes does."},
	{name: "nulls", only: HBase, standard: "absent", value: chosen(func(t *tableDraft) *bool { return &t.NullsEmpty }, "absent", "empty"), doc: "What NULL is: no cell, or an empty one, which is faster and looks like an empty text."},
}}

func checkTarget(name string) error {
	rest := strings.NewReplacer("{database}", "", "{table}", "").Replace(name)
	if strings.ContainsAny(rest, "{} \t") {
		return errors.New("it must be a table's name, in which {database} and {table} stand for the source's")
	}
	return nil
}

func checkFamily(name string) error {
	if strings.ContainsAny(name, ":/\t ") {
		return errors.New("it must be a family's name, without : and /")
	}
	return nil
}

// tableList is a list of patterns, or a mapping from patterns to where their rows go.
type tableList struct{}

func (tableList) what() string {
	return "a list of DATABASE.TABLE, in which * stands for any letters, or these with keys"
}
func (tableList) below() []Key { return prefixed("DATABASE.TABLE", tableKeys.list()) }

func (tableList) read(r *reader, path string, n *yaml.Node, to *draft) {
	if n.Kind != yaml.MappingNode {
		var named struct{ all []Pattern }
		patterns(func(s *struct{ all []Pattern }) *[]Pattern { return &s.all }).read(r, path, n, &named)
		for _, p := range named.all {
			r.addTable(path, p, &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}, to)
		}
		return
	}
	found, ok := r.mapping(path, n, nil)
	if ok && len(n.Content) == 0 {
		r.at(n, path, "", "no table is named")
	}
	for _, name := range inOrder(n, found) {
		at := join(path, name.Value)
		p, err := parsePattern(name.Value)
		if err != nil {
			r.at(name, at, "", err.Error())
			continue
		}
		where := found[name.Value]
		if where.Kind == yaml.ScalarNode && where.ShortTag() == "!!null" { // shop.orders: with nothing behind it
			where = &yaml.Node{Kind: yaml.MappingNode, Line: where.Line, Column: where.Column}
		}
		r.addTable(at, p, where, to)
	}
}

// addTable reads where the rows of a pattern go.
func (r *reader) addTable(path string, p Pattern, n *yaml.Node, to *draft) {
	t := tableDraft{of: to.Type}
	faults := len(r.faults)
	tableKeys.read(r, path, n, &t)
	t.Source = p
	if len(r.faults) == faults {
		r.checkTable(path, &t.SinkTable, to)
	}
	to.Tables = append(to.Tables, t.SinkTable)
}

// checkTable looks at what keys say together.
func (r *reader) checkTable(path string, t *SinkTable, d *draft) {
	at := path + ".name"
	if !t.Source.Exact() && !strings.Contains(t.Name, "{table}") {
		r.at(r.place(at), at, t.Name, "rows of several tables would go to one, where their keys may be the same: put {table} into the name")
	}
	if d.Type != HBase {
		return
	}
	for _, other := range d.Tables {
		if other.Source.Exact() && t.Source.Exact() && other.NameFor(other.Source.Database, other.Source.Table) == t.NameFor(t.Source.Database, t.Source.Table) {
			r.at(r.place(at), at, t.Name, "the rows of "+other.Source.String()+" go there, too, and keys may be the same")
		}
	}
}

// columnMap says where columns go.
type columnMap struct{}

func (columnMap) what() string { return "keys with values, for each column" }
func (columnMap) below() []Key { return prefixed("COLUMN", columnKeys.list()) }

var columnKeys = section[SinkColumn]{keys: []key[SinkColumn]{
	{name: "family", value: text(func(c *SinkColumn) *string { return &c.Family }, "a family's name", checkFamily), doc: "Another family."},
	{name: "qualifier", value: text(func(c *SinkColumn) *string { return &c.Qualifier }, "a qualifier", nil), doc: "Another qualifier."},
	{name: "skip", value: truth(func(c *SinkColumn) *bool { return &c.Skip }), doc: "It is not written."},
}}

func (columnMap) read(r *reader, path string, n *yaml.Node, to *tableDraft) {
	found, ok := r.mapping(path, n, nil)
	if !ok {
		return
	}
	for _, name := range inOrder(n, found) {
		c, at := SinkColumn{Source: name.Value}, join(path, name.Value)
		columnKeys.read(r, at, found[name.Value], &c)
		if c.Skip && c.Family+c.Qualifier != "" {
			r.at(name, at, "", "it is skipped, so it goes to no family and no qualifier")
		}
		to.Columns = append(to.Columns, c)
	}
}

// check looks at what the parts say together.
func (r *reader) check(c *Config, root *yaml.Node) {
	if c.Source == nil && len(c.Sinks) == 0 && !r.said("source") && !r.said("sink") && !r.said("sinks") {
		r.at(root, "", "", "the file has neither a source nor a sink")
	}
	if c.Source != nil {
		r.checkSource(c.Source)
		if r.said("read") {
			r.at(r.place("read"), "read", "", "it is for topics that others write, and this file has a source, which tells all by itself")
		}
	}
	names := map[string]bool{}
	for i := range c.Sinks {
		s := &c.Sinks[i]
		path := "sink"
		if r.said("sinks") {
			path = fmt.Sprintf("sinks[%d]", i)
		}
		if at := path + ".name"; s.Name != "" && names[s.Name] {
			r.at(r.place(at), at, s.Name, "another sink has this name: give each a name of its own")
		}
		names[s.Name] = true
		r.checkReads(c, s, path)
	}
}

// checkReads looks whether somebody writes what a sink reads.
func (r *reader) checkReads(c *Config, s *Sink, path string) {
	at := path + ".dead-letter"
	if slices.Contains(c.Read.Topics, s.DeadLetter) {
		r.at(r.place(at), at, s.DeadLetter, "it is one of the topics that are read")
	}
	if c.Source == nil || len(c.Source.Tables) == 0 {
		r.checkShared(c, s, path)
		return
	}
	for i, t := range s.Tables {
		if !t.Source.Exact() || c.Source.Wants(t.Source.Database, t.Source.Table) {
			continue
		}
		at := fmt.Sprintf("%s.tables.%s", path, t.Source)
		if !r.said(at) {
			at = fmt.Sprintf("%s.tables[%d]", path, i)
		}
		r.at(r.place(at), at, t.Source.String(), "the source of this file does not read it: add it to source.tables")
	}
}

// checkShared looks at a sink that reads topics of several tables: HBase has to know its tables before it reads.
func (r *reader) checkShared(c *Config, s *Sink, path string) {
	for i, t := range s.Tables {
		if s.Type != HBase || len(c.Read.Topics) == 0 || t.Source.Exact() {
			continue
		}
		at := fmt.Sprintf("%s.tables.%s", path, t.Source)
		if !r.said(at) {
			at = fmt.Sprintf("%s.tables[%d]", path, i)
		}
		r.at(r.place(at), at, t.Source.String(), "a sink of type hbase names its tables one by one while read.topics says which topics are read")
	}
}
