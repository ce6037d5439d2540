package main

import (
	"database/sql"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/skein-io/skein/examples/exampletest"
)

// The program ends again and again, at any place between Poll and its transaction, and begins where the data is.
func TestRun(t *testing.T) {
	bed := exampletest.New(t, "orders")
	file := filepath.Join(t.TempDir(), "sums.db")
	want := map[string]int{}
	for round := range 5 {
		for i := range 20 {
			customer, amount := fmt.Sprint("customer-", i%3), round*100+i
			bed.Produce("orders", fmt.Sprintf("%s=%d", customer, amount))
			want[customer] += amount
		}
		out := bed.Again(func(w io.Writer) error { return run(bed.Context, w, bed.Broker, "orders", file) })
		if round < 4 {
			out.ExpectSome(round + 1)
			out.Stop() // it may be in the middle of a transaction, which is rolled back then
			continue
		}
		out.ExpectLast("customer-1 +419")
		out.End()
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for customer, sum := range want {
		var total int
		if err := db.QueryRow("SELECT total FROM sums WHERE customer = ?", customer).Scan(&total); err != nil || total != sum {
			t.Errorf("%s: %d, not %d (%v)", customer, total, sum, err)
		}
	}
}
