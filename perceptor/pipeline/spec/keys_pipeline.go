package spec

import (
	"errors"
	"strings"
	"time"
)

var pipelineKeys = section[Config]{keys: []key[Config]{
	{name: "name", required: true, value: text(func(c *Config) *string { return &c.Name }, "a name of letters, digits, _ and -, at most 100", checkName),
		doc: "What the pipeline is called. The source's position and what `status` shows are kept under it."},
	{name: "on-failure", standard: "stop", value: choice(func(c *Config) *OnFailure { return &c.OnFailure }, string(FailureStop), string(FailureContinue)),
		doc: "What the other parts do when one ends with an error that somebody has to look at. A server that is away is no such error: it is tried again."},
	{name: "brokers", required: true, value: nested[Config, Brokers]{func(c *Config) *Brokers { return &c.Brokers }, &brokerKeys},
		doc: "The Kafka cluster, of skein or any other."},
	{name: "topics", standard: empty, value: nested[Config, Topics]{func(c *Config) *Topics { return &c.Topics }, &topicKeys},
		doc: "How topics are named: PREFIX.DATABASE.TABLE for each table."},
	{name: "source", value: nested[Config, Source]{fresh(func(c *Config) **Source { return &c.Source }), &sourceKeys},
		doc: "The database that is read. Without it this file's sinks read topics that another pipeline, or another program, writes."},
	{name: "read", standard: empty, value: nested[Config, Read]{func(c *Config) *Read { return &c.Read }, &readKeys},
		doc: "How topics are read that Debezium, Canal or Maxwell has written. Not for what a source of skein's wrote, which tells all by itself."},
	{name: "sink", value: oneSink{}, doc: "The one sink. A file has this, `sinks` or none."},
	{name: "sinks", value: manySinks{}, doc: "Several sinks, as a list. Each is a consumer group of its own and does not wait for the others."},
}}

var brokerKeys = section[Brokers]{keys: []key[Brokers]{
	{name: "addresses", required: true, doc: "Brokers to begin with.",
		value: texts(func(b *Brokers) *[]string { return &b.Addresses }, "HOST:PORT", func(text string) error { return checkAddress(text, "9092") })},
	{name: "tls", value: encryption[Brokers]{func(b *Brokers) **TLS { return &b.TLS }}, doc: "Whether connections are encrypted, and with which certificates."},
	{name: "sasl", value: nested[Brokers, SASL]{fresh(func(b *Brokers) **SASL { return &b.SASL }), &saslKeys}, doc: "How to log in."},
}}

var saslKeys = section[SASL]{keys: []key[SASL]{
	{name: "mechanism", required: true, value: choice(func(s *SASL) *string { return &s.Mechanism }, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), doc: "Kafka's name of it."},
	{name: "user", required: true, value: text(func(s *SASL) *string { return &s.User }, "a user's name", nil), doc: "Who logs in."},
	{name: "password", required: true, value: secret[SASL]{func(s *SASL) *Secret { return &s.Password }}, doc: "Where the password is."},
}}

var topicKeys = section[Topics]{keys: []key[Topics]{
	{name: "prefix", standard: "skein", value: text(func(t *Topics) *string { return &t.Prefix }, "letters, digits, ., _ and -, at most 100", checkPrefix),
		doc: "The first part of the topics' names. Positions are in PREFIX.positions, the state that `status` shows in PREFIX.status."},
	{name: "partitions", value: number(func(t *Topics) *int32 { return &t.Partitions }, 1, 10_000),
		doc: "Of a table's topic that the source makes. Without it the brokers' default. It is not changed later."},
}}

var readKeys = section[Read]{keys: []key[Read]{
	{name: "topics", value: texts(func(r *Read) *[]string { return &r.Topics }, "a topic's name", checkTopic),
		doc: "The topics to read, if they are not named PREFIX.DATABASE.TABLE. Changes of tables that the sink has not are passed over."},
	{name: "format", standard: "auto", value: choice(func(r *Read) *string { return &r.Format }, "auto", "debezium", "canal", "maxwell"),
		doc: "Who wrote them; auto finds it out for each record."},
	{name: "order", standard: "time", value: choice(func(r *Read) *string { return &r.Order }, "time", "position", "offset"),
		doc: "What says which of two changes is newer: the execute time and then the position, the position in the binlog alone, or the place in the topic."},
	{name: "epoch", standard: "0", value: number(func(r *Read) *uint32 { return &r.Epoch }, 0, 1<<32-1),
		doc: "The history that the changes are of. Raise it when the source's database is another server, so that its changes are newer than all before."},
	{name: "zone", standard: "UTC", value: zone(func(r *Read) **time.Location { return &r.Zone }),
		doc: "The time zone in which Canal and Maxwell write TIMESTAMP columns."},
	{name: "decimals", standard: "precise", value: choice(func(r *Read) *string { return &r.Decimals }, "precise", "text"),
		doc: "How Debezium's records without a schema have decimals: `decimal.handling.mode` precise or string."},
}}

const nameMax = 100

func checkName(name string) error {
	if len(name) > nameMax || strings.ContainsFunc(name, func(r rune) bool { return !isTopicRune(r) || r == '.' }) {
		return errors.New("it must be a name of letters, digits, _ and -, at most 100")
	}
	return nil
}

// checkPrefix leaves room for a database and a table.
func checkPrefix(prefix string) error {
	if len(prefix) > nameMax || checkTopic(prefix) != nil {
		return errors.New("it must be letters, digits, ., _ and -, at most 100")
	}
	return nil
}

func isTopicRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-'
}

// CheckTopic says whether Kafka takes a name for a topic's.
func CheckTopic(name string) error { return checkTopic(name) }

func checkTopic(name string) error {
	if len(name) > 249 || name == "." || name == ".." || strings.ContainsFunc(name, func(r rune) bool { return !isTopicRune(r) }) {
		return errors.New("it must be letters, digits, ., _ and -, at most 249")
	}
	return nil
}

const zoneWords = "a time zone such as UTC, +08:00 or Europe/Berlin"

func zone[T any](to func(*T) **time.Location) scalar[T, *time.Location] {
	return scalar[T, *time.Location]{to: to, words: zoneWords, tags: textTags, parse: ParseZone}
}

// ParseZone reads a name of the tz database, or +HH:MM.
func ParseZone(text string) (*time.Location, error) {
	if at, err := time.Parse("-07:00", text); err == nil {
		_, seconds := at.Zone()
		return time.FixedZone(text, seconds), nil
	}
	l, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		return nil, errors.New("it must be " + zoneWords)
	}
	return l, nil
}
