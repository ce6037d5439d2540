package main

import (
	"io"
	"testing"

	"github.com/skein-io/skein/examples/exampletest"
)

func TestRun(t *testing.T) {
	bed := exampletest.New(t, "orders")
	bed.Produce("orders", "a", "b")
	out := bed.Start(func(w io.Writer) error { return run(bed.Context, w, bed.Broker, "orders") })
	out.Expect("setup [orders-0]", "claim orders-0: a", "claim orders-0: b")
	out.End()
	out.Expect("setup [orders-0]", "claim orders-0: a", "claim orders-0: b", "cleanup [orders-0]")
}
