// Package protocol holds Kafka's wire messages and the records of its internal topics, generated from Kafka's own
// schemas, with the reader and writer that they stand on. It knows bytes and budgets; it opens no connection and
// decides nothing.
//
// Start with Message (message.go), Reader (reader.go) and Writer (writer.go). api.go says which versions there are and
// which header stands in front of them, record.go puts records into keys and values, errors.go has the error codes.
// Every other file is written by the command in generate: one for each API, with its request and response, and one for
// each record. Make messages and their structs with their New function, which sets Kafka's defaults: a field that
// nobody sets is then "no leader", not "leader 0".
package protocol
