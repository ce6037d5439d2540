package catalog_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	_ "github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/catalog"
)

func ExampleTables() {
	db, err := sql.Open("mysql", "skein:secret@tcp(127.0.0.1:3306)/")
	if err != nil {
		log.Fatal(err)
	}
	tables, err := catalog.Tables(context.Background(), db, func(database, _ string) bool { return database == "shop" })
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range tables {
		fmt.Println(t, len(t.Columns), "columns")
	}
}
