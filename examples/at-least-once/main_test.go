package main

import (
	"io"
	"testing"

	"github.com/skein-io/skein/examples/exampletest"
)

func TestRun(t *testing.T) {
	bed := exampletest.New(t, "orders")
	bed.Produce("orders", "a", "b", "c")
	out := bed.Start(func(w io.Writer) error { return run(bed.Context, w, bed.Broker, "orders") })
	out.Expect("orders-0@0 a", "orders-0@1 b", "orders-0@2 c")
	out.End()
	bed.Produce("orders", "d")
	out = bed.Again(func(w io.Writer) error { return run(bed.Context, w, bed.Broker, "orders") })
	out.Expect("orders-0@3 d")
	out.End()
}
