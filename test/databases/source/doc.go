// Package source runs snapshots, streams and failovers of perceptor/source against real MariaDB servers.
package source
