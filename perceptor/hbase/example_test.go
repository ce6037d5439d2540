package hbase_test

import (
	"context"
	"fmt"
	"log"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
)

// Changes of shop.orders go to HBase's table orders. It does no harm that the older one comes last.
func Example() {
	to, err := hbase.Open(hbase.Options{
		Client: client.Options{ZooKeeper: []string{"127.0.0.1:2181"}},
		Tables: map[string]hbase.Table{"shop.orders": {Name: "orders", Salt: 16}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = to.Close() }()
	ctx := context.Background()
	if err := to.Prepare(ctx, true); err != nil {
		log.Fatal(err)
	}
	orders := &change.Table{Database: "shop", Name: "orders", Columns: []change.Column{{Name: "id"}, {Name: "state"}}, Key: []int{0}}
	order := func(op change.Op, state string, time int64) *change.Change {
		return &change.Change{
			Op: op, Table: orders, After: change.Row{change.IntValue(1), change.TextValue([]byte(state))},
			Version: change.Version{ExecuteTime: time},
		}
	}
	for _, c := range []*change.Change{order(change.Create, "new", 1000), order(change.Update, "sent", 3000), order(change.Update, "paid", 2000)} {
		outcome := make([]sink.Outcome, 1)
		if err := to.Apply(ctx, []*change.Change{c}, outcome); err != nil {
			log.Fatal(err)
		}
		fmt.Println(outcome[0].Verdict) // new, newer, stale
	}
}
