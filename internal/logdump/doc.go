// Package logdump prints and checks the files of a data directory as they stand on the disk: batches, records, indexes,
// producer snapshots, epochs, the durable mark. It reads and never writes, takes no lock and needs no broker; a broker
// may be running on the same files, whose last bytes are then still on their way. It repairs nothing: it says what to
// do. Memory is bounded by one batch. Start with Dump and Verify.
package logdump
