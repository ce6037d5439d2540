// Package protocol holds Kafka's wire messages and the records of its internal topics, generated from Kafka's own
// schemas, with the reader and writer that they stand on. It knows bytes and budgets; it opens no connection and
// decides nothing. Start with Message, Reader and Writer.
package protocol
