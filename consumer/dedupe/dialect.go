package dedupe

import (
	"fmt"
	"strings"
)

// Dialect is a way of writing SQL.
type Dialect struct{ d *dialect }

// The dialects.
var (
	// MySQL is for MySQL and MariaDB, with InnoDB.
	MySQL = Dialect{&dialect{
		name:   "MySQL",
		key:    "VARBINARY(%d)", // as bytes: no collation takes two names for one, and blanks at the end count
		suffix: " ENGINE=InnoDB",
		// On a row that is there the second half takes an exclusive lock at once. INSERT IGNORE would take a shared one first, and two such
		// transactions would be a deadlock. MySQL 8 has another word for VALUES, which MariaDB does not know; it takes both.
		claim: "ON DUPLICATE KEY UPDATE generation = GREATEST(generation, VALUES(generation))",
		reset: "ON DUPLICATE KEY UPDATE generation = VALUES(generation), applied_offset = VALUES(applied_offset), leader_epoch = VALUES(leader_epoch)",
		lock:  " FOR UPDATE",
		share: " LOCK IN SHARE MODE",
	}}
	// PostgreSQL is for PostgreSQL and what speaks its SQL.
	PostgreSQL = Dialect{&dialect{
		name: "PostgreSQL", key: "VARCHAR(%d)", numbered: true, as: " AS held",
		claim: onConflict + " DO UPDATE SET generation = GREATEST(held.generation, excluded.generation)",
		reset: onConflict + upsertAll,
		lock:  " FOR UPDATE",
		share: " FOR SHARE",
	}}
	// SQLite is for SQLite 3.24 and newer. It has one writer at a time, so a row needs no lock of its own.
	SQLite = Dialect{&dialect{
		name: "SQLite", key: "TEXT", as: " AS held",
		claim: onConflict + " DO UPDATE SET generation = max(held.generation, excluded.generation)",
		reset: onConflict + upsertAll,
	}}
)

const (
	onConflict = "ON CONFLICT (consumer_group, topic, topic_partition)"
	upsertAll  = " DO UPDATE SET generation = excluded.generation, applied_offset = excluded.applied_offset, leader_epoch = excluded.leader_epoch"
)

type dialect struct {
	name     string
	key      string // the type of a name of so many bytes
	suffix   string // of CREATE TABLE
	as       string // a name for the row that is there
	numbered bool   // $1, $2 instead of ?
	claim    string // end of an INSERT that raises the generation of a row that is there, and locks it
	reset    string // end of an INSERT that overwrites a row that is there
	lock     string // end of a SELECT that locks what it reads, and reads what is committed now
	share    string // the same, but others may lock it so at the same time
}

func (d Dialect) String() string {
	if d.d == nil {
		return "no dialect"
	}
	return d.d.name
}

// statements are the ones that are used, with the table's name in place.
//
//	apply   generation, applied_offset, leader_epoch, key (3), generation, applied_offset, leader_epoch
//	claim   key (3), generation
//	look    key (3)
//	share   key (3)
//	reset   key (3), generation, applied_offset, leader_epoch
type statements struct{ create, apply, claim, look, share, reset string }

func (d *dialect) statements(table string) statements {
	text := func(sql string) string {
		sql = strings.ReplaceAll(sql, "{table}", table)
		if !d.numbered {
			return sql
		}
		parts := strings.Split(sql, "?")
		for i := range parts[1:] {
			parts[i] += fmt.Sprintf("$%d", i+1)
		}
		return strings.Join(parts, "")
	}
	const key = "consumer_group = ? AND topic = ? AND topic_partition = ?"
	name := func(bytes int) string {
		if strings.Contains(d.key, "%d") {
			return fmt.Sprintf(d.key, bytes)
		}
		return d.key
	}
	return statements{
		create: text("CREATE TABLE IF NOT EXISTS {table} (\n" +
			"  consumer_group " + name(groupBytesMax) + " NOT NULL,\n" +
			"  topic " + name(topicBytesMax) + " NOT NULL,\n" +
			"  topic_partition INTEGER NOT NULL,\n" +
			"  generation INTEGER NOT NULL,\n" +
			"  applied_offset BIGINT NOT NULL,\n" +
			"  leader_epoch INTEGER NOT NULL,\n" +
			"  PRIMARY KEY (consumer_group, topic, topic_partition)\n" +
			")" + d.suffix),
		apply: text("UPDATE {table} SET generation = ?, applied_offset = ?, leader_epoch = ? WHERE " + key +
			" AND generation <= ? AND (applied_offset < ? OR (leader_epoch >= 0 AND leader_epoch < ?))"),
		claim: text("INSERT INTO {table}" + d.as + " (consumer_group, topic, topic_partition, generation, applied_offset, leader_epoch)" +
			" VALUES (?, ?, ?, ?, -1, -1) " + d.claim),
		look:  text("SELECT generation, applied_offset, leader_epoch FROM {table} WHERE " + key + d.lock),
		share: text("SELECT generation FROM {table} WHERE " + key + d.share),
		reset: text("INSERT INTO {table}" + d.as + " (consumer_group, topic, topic_partition, generation, applied_offset, leader_epoch)" +
			" VALUES (?, ?, ?, ?, ?, ?) " + d.reset),
	}
}
