// Package explain tells the story of one row: every record of its key in the topic, what the rule says of each after those
// before it, how far the sink's group has come, what the sink has of the row now and what the source has, and in a sentence
// what follows from all that. It only reads. Start at Run.
package explain
