package schema_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"time"

	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/schema"
	"github.com/skein-io/skein/perceptor/source"
)

// A source whose tables are told as they were at each place of its binlog.
func Example() {
	ctx := context.Background()
	db, err := sql.Open("mysql", "skein:secret@tcp(127.0.0.1:3306)/")
	if err != nil {
		log.Fatal(err)
	}
	history, err := schema.Open(ctx, schema.Config{
		Brokers: []string{"127.0.0.1:9092"}, Epoch: 1,
		Lookup: func(ctx context.Context, database, table string) (*change.Table, error) {
			return catalog.Table(ctx, db, database, table)
		},
		Created: func(ctx context.Context, database, table string) (time.Time, error) {
			return catalog.Created(ctx, db, database, table)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer history.Close()
	follower := perceptor.Follow(history)
	from, err := source.Open(ctx, source.Config{
		Binlog:   binlog.Config{Addr: "127.0.0.1:3306", User: "skein", Password: "secret", ServerID: 4001, Epoch: 1},
		Snapshot: source.Never, Schema: follower.Complete,
	}, source.State{}, false)
	if err != nil {
		log.Fatal(err)
	}
	changes := follower.Changes(from)
	for {
		e, err := changes.Next(ctx)
		if err != nil {
			log.Fatal(err)
		}
		if e.Kind == binlog.Row {
			fmt.Println(e.Change.Table, e.Change.After)
		}
	}
}
