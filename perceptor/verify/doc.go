// Package verify compares a table of a database with what a sink has of it, while changes flow, and repairs what differs
// through the sink's own guard.
//
// A difference is one that stays. The source is read in a consistent view whose place in the binlog is known; a row that
// differs is looked at again, in source and sink, until the sink is known to have everything up to that place, or until a
// time has passed. Rows that are still on their way then are told apart.
//
// What is compared is what the sink would store of a source's row. It never writes but by sink.Sink.Apply. Start at Run.
package verify
