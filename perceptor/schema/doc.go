// Package schema is the history of a source's tables: which table a map in the binlog means, at its place.
//
// A map tells types and their metadata, and with binlog_row_metadata=FULL names, signs, members and the key. It does not tell which text
// of MariaDB is JSON, which bytes are a UUID or an address, and how many digits a time of the old format has. What it leaves open
// is decided once and kept in a compacted topic before it is used, so that each start decides the same. History.Complete decides, by
// what is known best:
//
//  1. what was decided before for a map like this, since the last statement that changed the table;
//  2. the map alone, if it leaves nothing open;
//  3. what was known of the columns, changed by the statements that the binlog has had since (History.Statement);
//  4. what is declared (Config.Declared);
//  5. the database's catalog as it is now (Config.Lookup), if it agrees with the map and was not changed later.
//
// If none of them does, ErrUnknownSchema tells which columns are open. Nothing is guessed.
//
// Start with Agrees and Refine (what a map tells), ParseDDL (what a statement concerns), state.go (the decision), and
// history.go (the topic). The topic's form is in docs/formats/schemas.md.
package schema
