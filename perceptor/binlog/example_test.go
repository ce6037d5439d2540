package binlog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/skein-io/skein/perceptor/binlog"
)

// Read a database's changes from now on, and keep the position so that the next start goes on.
func ExampleReader() {
	ctx := context.Background()
	config := binlog.Config{Addr: "127.0.0.1:3306", User: "repl", Password: os.Getenv("REPL_PASSWORD"), ServerID: 4711, Epoch: 1}
	if saved, err := os.ReadFile("position.json"); err == nil {
		if err := json.Unmarshal(saved, &config.Start); err != nil {
			log.Fatal(err)
		}
	} else if config.Start, err = binlog.Current(ctx, config); err != nil {
		log.Fatal(err)
	}
	reader, err := binlog.Open(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	for {
		e, err := reader.Next(ctx)
		if err != nil {
			log.Fatal(err)
		}
		switch e.Kind {
		case binlog.Row:
			fmt.Println(e.Change.Op, e.Change.Table, e.Change.Image())
		case binlog.Commit:
			saved, err := json.Marshal(reader.Position())
			if err != nil {
				log.Fatal(err)
			}
			if err := os.WriteFile("position.json", saved, 0o600); err != nil {
				log.Fatal(err)
			}
		}
	}
}
