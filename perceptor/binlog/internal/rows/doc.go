// Package rows turns the images of rows events into rows of values, exact for every type of MySQL and MariaDB. It is pure.
//
// A Table joins what the binlog tells of a table, which says how the bytes are laid out, and what the schema says, which
// tells what they mean: names, signs, charsets, the members of an ENUM, and that bytes are a UUID. Describe makes the second
// out of the first as far as it goes. Start at Table.Read.
package rows
