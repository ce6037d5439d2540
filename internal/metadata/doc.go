// Package metadata is what every node of a cluster knows of it: topics, partitions, brokers, configuration, producer
// ids and features, as one immutable Image. Records of the metadata log, applied to an image, make the next image and
// a Delta that says what differs.
//
// It reads no file, opens no connection and decides nothing: what may happen is decided in package controller, how the
// records come to be agreed upon is package quorum's business. Everything here is safe for concurrent reading, for
// nothing ever changes. Start with Image, then Apply.
package metadata
