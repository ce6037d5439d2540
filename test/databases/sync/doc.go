// Package sync runs whole pipelines with the real binary: MariaDB, a broker of skein, HBase and another MariaDB, each a process of
// its own that is killed in the middle.
package sync
