// Package family knows the client programs: what each library can do, how to
// install it, and how to start its program. It does not know what is asked of
// them; that is the business of package scenario. Start at All.
package family

import (
	"context"
	"fmt"
	"sync"

	"github.com/skein-io/skein/test/interop/line"
)

// Family is one client library at one version.
type Family struct {
	// Name is the family's word on the command line and in the report.
	Name string
	// Library and its version, for the report.
	Library string
	// Codecs that the library can write, "none" among them.
	Codecs []string
	// Idempotence: the settings that the library has.
	Idempotence []bool
	// TellsOffsets: an ack carries partition and offset.
	TellsOffsets bool
	// RecordHeaders: every record can have headers of its own.
	RecordHeaders bool
	// Commits are the ways to commit; "auto" means that the library decides.
	Commits []string
	// RevokesInCallback: the library tells a member that a rebalance began, so
	// the time until it learns can be measured.
	RevokesInCallback bool
	// OneAtATime: the library waits for each answer before it sends the next
	// request of a connection, so that a commit waits behind a long poll.
	OneAtATime bool
	// Cooperative: the library has the assignor cooperative-sticky.
	Cooperative bool
	// BlindCommits: the library does not say whether a commit succeeded.
	BlindCommits bool
	// CommitsAhead: the program commits what it has not told yet, so that a member that ends may take records with it.
	CommitsAhead bool
	// CommitsItself: the program knows "auto" besides the ways of Commits, and leaves commits to the library then.
	CommitsItself bool
	// Silent: the library tells the application nothing of a node that restarts, and its members stay in their group. sarama's
	// members stay, too, but it hands on that a connection ended.
	Silent bool
	// install brings the library and returns how its program is started.
	install func(ctx context.Context) ([]string, error)

	once sync.Once
	argv []string
	err  error
}

var (
	everyCodec = []string{"none", "gzip", "snappy", "lz4", "zstd"}
	both       = []bool{false, true}
	syncAsync  = []string{"sync", "async"}
)

// All are the families in the order of the report, always the same ones: each is installed once.
var All = sync.OnceValue(func() []*Family {
	return []*Family{
		{Name: "kcat", Library: "kcat (Debian), librdkafka", Codecs: everyCodec, Idempotence: both,
			Commits: []string{"auto"}, Cooperative: true, BlindCommits: true, CommitsAhead: true, install: kcat},
		{Name: "confluent-python", Library: "confluent-kafka " + confluentVersion, Codecs: everyCodec, Idempotence: both,
			TellsOffsets: true, RecordHeaders: true, Commits: syncAsync, RevokesInCallback: true, Cooperative: true, Silent: true,
			install: python("confluent.py")},
		{Name: "kafka-python", Library: "kafka-python " + kafkaPythonVersion, Codecs: everyCodec, Idempotence: both,
			TellsOffsets: true, RecordHeaders: true, Commits: syncAsync, Cooperative: true, install: python("kafkapython.py")},
		{Name: "kafkajs", Library: "kafkajs " + kafkajsVersion, Codecs: []string{"none", "gzip", "snappy"}, Idempotence: both,
			TellsOffsets: false, RecordHeaders: true, Commits: []string{"sync"}, install: kafkajs},
		javaFamily("2.8.2"), javaFamily("3.9.1"), javaFamily("4.3.1"),
		{Name: "franz-go", Library: "franz-go v1.22.2", Codecs: everyCodec, Idempotence: both,
			TellsOffsets: true, RecordHeaders: true, Commits: syncAsync, RevokesInCallback: true, Cooperative: true, Silent: true,
			install: goProgram("franz-go")},
		{Name: "skein", Library: "skein's package consumer", Codecs: everyCodec, Idempotence: both,
			TellsOffsets: true, RecordHeaders: true, Commits: syncAsync, RevokesInCallback: true, Cooperative: true,
			CommitsItself: true, Silent: true, install: goProgram("skein")},
		{Name: "sarama", Library: "sarama v1.61.1", Codecs: everyCodec, Idempotence: both,
			TellsOffsets: true, RecordHeaders: true, Commits: syncAsync, RevokesInCallback: true, OneAtATime: true,
			BlindCommits: true, install: goProgram("sarama")},
		{Name: "kafka-go", Library: "segmentio/kafka-go v0.4.51", Codecs: everyCodec, Idempotence: []bool{false},
			TellsOffsets: true, RecordHeaders: true, Commits: syncAsync, install: goProgram("kafka-go")},
	}
})

func javaFamily(version string) *Family {
	return &Family{Name: "java-" + version, Library: "kafka-clients " + version, Codecs: everyCodec, Idempotence: both,
		TellsOffsets: true, RecordHeaders: true, Commits: syncAsync, RevokesInCallback: true, Cooperative: true,
		CommitsItself: true, Silent: true, install: java(version)}
}

// Install brings the library once; later calls return what the first one said.
func (f *Family) Install(ctx context.Context) error {
	f.once.Do(func() { f.argv, f.err = f.install(ctx) })
	if f.err != nil {
		return fmt.Errorf("install %s: %w", f.Name, f.err)
	}
	return nil
}

// Start runs the family's client program against a broker.
func (f *Family) Start(ctx context.Context, broker string) (*line.Client, error) {
	if err := f.Install(ctx); err != nil {
		return nil, err
	}
	argv := append(append([]string(nil), f.argv...), broker)
	return line.Start(f.Name, argv, nil)
}
