// Package event decodes the events of a binlog of version 4, as MySQL from 5.6.1 and MariaDB from 5.3 on write it. It is
// pure: bytes in, values out. What a row holds is package rows' business.
//
// Bytes may be hostile: each length is compared with what is there before it is used, and what is decompressed has a
// bound. Decoded values point into the event's bytes, so they are gone when the buffer is used again.
//
// Sources: MySQL's "Replication Protocol" pages and libbinlogevents, MariaDB's "Replication Protocol" pages.
// Start at Format.Open.
package event
