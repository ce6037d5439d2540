package dedupe_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/skein-io/skein/consumer/dedupe"
)

// order is a record of the topic orders.
type order struct {
	token  dedupe.Token
	number int64
	amount int64
}

// One record, one transaction: the order is written once, however often it comes.
func ExampleSQL_Apply() {
	store, err := dedupe.NewSQL(dedupe.MySQL, "applied")
	if err != nil {
		panic(err)
	}
	handle := func(ctx context.Context, db *sql.DB, o order) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		verdict, err := store.Apply(ctx, tx, o.token)
		if err != nil {
			return err // errors.Is(err, dedupe.ErrFenced): the partition is another member's
		}
		if verdict == dedupe.New {
			if _, err := tx.ExecContext(ctx, "INSERT INTO orders (number, amount) VALUES (?, ?)", o.number, o.amount); err != nil {
				return err
			}
		}
		return tx.Commit()
	}
	_ = handle
	fmt.Println(store.Schema())
	// Output:
	// CREATE TABLE IF NOT EXISTS applied (
	//   consumer_group VARBINARY(255) NOT NULL,
	//   topic VARBINARY(249) NOT NULL,
	//   topic_partition INTEGER NOT NULL,
	//   generation INTEGER NOT NULL,
	//   applied_offset BIGINT NOT NULL,
	//   leader_epoch INTEGER NOT NULL,
	//   PRIMARY KEY (consumer_group, topic, topic_partition)
	// ) ENGINE=InnoDB
}

// Many records of one partition in one transaction: two statements at the beginning, one at the end.
func ExampleSQL_Claim() {
	store, err := dedupe.NewSQL(dedupe.PostgreSQL, "applied")
	if err != nil {
		panic(err)
	}
	handle := func(ctx context.Context, db *sql.DB, orders []order) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		mark, err := store.Claim(ctx, tx, orders[0].token)
		if err != nil {
			return err
		}
		for _, o := range orders {
			if mark.Has(o.token) {
				continue
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO orders (number, amount) VALUES ($1, $2)", o.number, o.amount); err != nil {
				return err
			}
		}
		if _, err := store.Apply(ctx, tx, orders[len(orders)-1].token); err != nil {
			return err
		}
		return tx.Commit()
	}
	_ = handle
}
