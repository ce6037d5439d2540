// Package change is what all of perceptor speaks about: a change of one row, its version, and which of two versions is
// newer. It is pure: values only, no connection, no clock.
//
// The rule that every sink keeps (see Judge): a row that is not there is put; a change whose version is older than what
// is stored, or the same, is discarded; a newer one is put. So duplicates, replays and changes that come out of order do
// no harm.
package change
