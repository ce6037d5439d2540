package schema

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// Place is a place in the binlogs of a source.
type Place struct {
	// Epoch is the history of a server that the position is of.
	Epoch    uint32
	Position change.Position
	// GTID is the transaction's there, empty if there is none or it is not known. Time is the event's, in milliseconds since 1970. They
	// are told and decide nothing.
	GTID string
	Time int64
}

// Compare is negative if p is before q.
func (p Place) Compare(q Place) int {
	if c := cmp.Compare(p.Epoch, q.Epoch); c != 0 {
		return c
	}
	return p.Position.Compare(q.Position)
}

func (p Place) String() string {
	return fmt.Sprintf("epoch %d, file %d, offset %d", p.Epoch, p.Position.File, p.Position.Offset)
}

// The JSON of the topic. docs/formats/schemas.md tells what each field means.
type (
	tableDocument struct {
		Kind     string           `json:"kind"`
		Database string           `json:"database"`
		Table    string           `json:"table"`
		Columns  []columnDocument `json:"columns"`
		Key      []int            `json:"key"`
		Map      string           `json:"map,omitempty"`
		From     string           `json:"from,omitempty"`
		DDL      string           `json:"ddl,omitempty"`
		Since    []placeDocument  `json:"since,omitempty"`
	}
	columnDocument struct {
		Name     string   `json:"name"`
		Type     string   `json:"type"`
		Unsigned bool     `json:"unsigned,omitempty"`
		Nullable bool     `json:"nullable,omitempty"`
		Length   int      `json:"length,omitempty"`
		Scale    int      `json:"scale,omitempty"`
		Charset  string   `json:"charset,omitempty"`
		Members  []string `json:"members,omitempty"`
	}
	placeDocument struct {
		Epoch  uint32 `json:"epoch"`
		File   uint32 `json:"file"`
		Offset uint64 `json:"offset"`
		Row    uint32 `json:"row,omitempty"`
		GTID   string `json:"gtid,omitempty"`
		Time   int64  `json:"time,omitempty"`
	}
	statementsDocument struct {
		Kind     string        `json:"kind"`
		Database string        `json:"database"`
		Table    string        `json:"table"`
		Cut      bool          `json:"cut,omitempty"`
		Eras     []eraDocument `json:"eras"`
	}
	eraDocument struct {
		Since   placeDocument  `json:"since"`
		DDL     string         `json:"ddl"`
		Dropped bool           `json:"dropped,omitempty"`
		Columns []factDocument `json:"columns,omitempty"`
	}
	factDocument struct {
		Name  string `json:"name"`
		Type  string `json:"type"`
		Scale int    `json:"scale,omitempty"`
	}
)

const (
	kindTable      = "table"
	kindStatements = "statements"
)

func documentOf(t *change.Table) tableDocument {
	d := tableDocument{Kind: kindTable, Database: t.Database, Table: t.Name, Columns: make([]columnDocument, len(t.Columns)), Key: append([]int{}, t.Key...)}
	for i := range t.Columns {
		c := &t.Columns[i]
		d.Columns[i] = columnDocument{Name: c.Name, Type: c.Type.String(), Unsigned: c.Unsigned, Nullable: c.Nullable, Length: c.Length, Scale: c.Scale, Charset: c.Charset, Members: c.Members}
	}
	return d
}

func (d *tableDocument) table() (*change.Table, error) {
	t := &change.Table{Database: d.Database, Name: d.Table, Columns: make([]change.Column, len(d.Columns))}
	for i := range d.Columns {
		c := &d.Columns[i]
		kind, ok := change.ParseType(c.Type)
		if !ok || c.Name == "" || c.Length < 0 || c.Scale < 0 {
			return nil, fmt.Errorf("column %d (%q, %q) of table %s is none", i+1, c.Name, c.Type, t)
		}
		t.Columns[i] = change.Column{Name: c.Name, Type: kind, Unsigned: c.Unsigned, Nullable: c.Nullable, Length: c.Length, Scale: c.Scale, Charset: c.Charset, Members: c.Members}
	}
	for _, k := range d.Key {
		if k < 0 || k >= len(t.Columns) {
			return nil, fmt.Errorf("the key of table %s has column %d of %d", t, k+1, len(t.Columns))
		}
		t.Key = append(t.Key, k)
	}
	return t, nil
}

func placeOf(p Place) placeDocument {
	return placeDocument{Epoch: p.Epoch, File: p.Position.File, Offset: p.Position.Offset, Row: p.Position.Row, GTID: p.GTID, Time: p.Time}
}

func (d placeDocument) place() Place {
	return Place{Epoch: d.Epoch, Position: change.Position{File: d.File, Offset: d.Offset, Row: d.Row}, GTID: d.GTID, Time: d.Time}
}

// Signature is the same for two tables, or maps, that have the same name and tell the same, and differs for others.
func Signature(t *change.Table) string {
	text, err := json.Marshal(documentOf(t))
	if err != nil {
		panic(err) // strings, numbers and booleans
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// tableName is database.table, where a name that has a point or the like is in backticks.
func tableName(database, table string) string { return quoteName(database) + "." + quoteName(table) }

func quoteName(name string) string {
	if !strings.ContainsAny(name, ".@`") {
		return name
	}
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}
