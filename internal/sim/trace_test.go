package sim

import (
	"reflect"
	"testing"
)

func TestTraceKeepsTheNewestLines(t *testing.T) {
	tr := NewTrace(3)
	for i := range 5 {
		tr.Printf("line %d", i)
	}
	if got, want := tr.Lines(), []string{"line 2", "line 3", "line 4"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Lines() = %q, want %q", got, want)
	}
	if tr.Count() != 5 {
		t.Errorf("Count() = %d, want 5", tr.Count())
	}
}

func TestTraceSumCoversDroppedLines(t *testing.T) {
	a, b, c := NewTrace(0), NewTrace(1), NewTrace(1)
	for _, line := range []string{"x", "y", "z"} {
		a.Line(line)
		b.Line(line)
	}
	for _, line := range []string{"x", "other", "z"} {
		c.Line(line)
	}
	if a.Sum() != b.Sum() {
		t.Error("the number of lines kept changes the sum")
	}
	if b.Sum() == c.Sum() {
		t.Error("a line that was dropped does not count in the sum")
	}
}
