// Package server is a connection to a MySQL or MariaDB server, as a replica has one: it logs in, asks what has to be asked,
// and receives the binlog. It knows nothing of what events mean, and tries nothing again.
//
// Passwords are proved by mysql_native_password, caching_sha2_password (with TLS, or with the server's RSA key) and
// client_ed25519, where the server asks for it. Sources: MySQL's "Client/Server Protocol" pages, MariaDB's "Clients &
// Utilities: Server Protocol" pages. Start at Dial.
package server
