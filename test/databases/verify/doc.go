// Package verify tests the comparison of a MariaDB source with its copies in HBase and MariaDB, on real servers.
package verify
