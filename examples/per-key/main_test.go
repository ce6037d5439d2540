package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/skein-io/skein/examples/exampletest"
)

func TestRun(t *testing.T) {
	bed := exampletest.New(t, "orders")
	var lines []string
	for i := range 40 {
		bed.Produce("orders", fmt.Sprintf("customer-%d=order %02d", i%4, i))
		lines = append(lines, fmt.Sprintf("customer-%d: order %02d", i%4, i))
	}
	out := bed.Start(func(w io.Writer) error { return run(bed.Context, w, bed.Broker, "orders") })
	out.ExpectInAnyOrder(lines...)
	for customer := range 4 {
		var mine []string
		for _, line := range out.Lines() {
			if strings.HasPrefix(line, fmt.Sprintf("customer-%d", customer)) {
				mine = append(mine, line)
			}
		}
		if len(mine) != 10 || !slices.IsSorted(mine) {
			t.Errorf("out of order: %v", mine)
		}
	}
	out.End()
}
