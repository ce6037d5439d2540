// Command exactly-once adds up amounts in a database, each record once, however often it is delivered: what was applied is
// written in the same transaction as the sums. Kafka's committed offsets are not used.
//
//	go run . localhost:9092 orders sums.db
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"

	_ "modernc.org/sqlite"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/dedupe"
)

const group = "exactly-once"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: exactly-once BROKER TOPIC DATABASE")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, broker, topic, file string) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // SQLite has one writer
	applied, err := dedupe.NewSQL(dedupe.SQLite, "applied")
	if err != nil {
		return err
	}
	for _, statement := range []string{applied.Schema(), "CREATE TABLE IF NOT EXISTS sums (customer TEXT PRIMARY KEY, total INTEGER NOT NULL)"} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	var failed error // of a callback; they run in Poll, so nothing is shared
	// A new owner claims its partitions: whoever had them before cannot write any more. It goes on where the data is.
	assigned := func(ctx context.Context, c *consumer.Consumer, partitions []consumer.TopicPartition) {
		for _, p := range partitions {
			token := dedupe.Token{Group: group, Generation: c.GroupMetadata().Generation, Topic: p.Topic, Partition: p.Partition, Offset: -1, LeaderEpoch: -1}
			mark, err := claim(ctx, db, applied, token)
			if err != nil {
				failed = err
				return
			}
			if err := c.SeekTo(consumer.CommitOffset{Partition: p, Offset: mark.Next(), LeaderEpoch: mark.LeaderEpoch}); err != nil {
				failed = err
				return
			}
		}
	}
	c, err := consumer.New(ctx, consumer.Brokers(broker), consumer.Group(group), consumer.NoAutoCommit(), consumer.Listen(consumer.Listener{Assigned: assigned}))
	if err != nil {
		return err
	}
	defer c.Close(context.Background())
	if err := c.Subscribe(topic); err != nil {
		return err
	}
	for {
		records, err := c.Poll(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case failed != nil:
			return failed
		case err != nil:
			return err
		}
		for r := range records.All() {
			if err := apply(ctx, db, applied, r); err != nil {
				return err
			}
			fmt.Fprintf(out, "%s +%s\n", r.Key, r.Value)
		}
	}
}

func claim(ctx context.Context, db *sql.DB, applied *dedupe.SQL, token dedupe.Token) (dedupe.Mark, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return dedupe.Mark{}, err
	}
	defer tx.Rollback()
	mark, err := applied.Claim(ctx, tx, token)
	if err != nil {
		return mark, err
	}
	return mark, tx.Commit()
}

// apply writes one record and that it is written, or neither.
func apply(ctx context.Context, db *sql.DB, applied *dedupe.SQL, r consumer.Record) error {
	amount, err := strconv.Atoi(string(r.Value))
	if err != nil {
		return fmt.Errorf("%v@%d: %w", r.TopicPartition(), r.Offset, err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	verdict, err := applied.Apply(ctx, tx, r.Token())
	if err != nil {
		return err // dedupe.ErrFenced: the partition is another member's
	}
	if verdict == dedupe.New {
		_, err := tx.ExecContext(ctx, "INSERT INTO sums VALUES (?, ?) ON CONFLICT (customer) DO UPDATE SET total = total + excluded.total", string(r.Key), amount)
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}
