package hbase

import (
	"strconv"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/hbase/client"
)

// What is told of the rows: the bounds of their times, how many are later than the clock, and the first of each form.
func TestAdoptTold(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	o := AdoptOptions{Epoch: 2, ExamplesMax: 2, Unversioned: true}
	o.complete()
	a := &adopter{sink: &Sink{now: func() time.Time { return now }}, table: &Table{Name: "t"}, options: &o}
	a.done.Times, a.done.Offsets = map[Form]int64{}, map[Form]int64{}
	for i, execute := range []string{"1700000000", "1700000000123", "1600000000", "1900000000", "1700000001", "yesterday", ""} {
		row := client.Row{Key: []byte(strconv.Itoa(i)), Cells: []client.Cell{{Family: updateInfo, Qualifier: columnOffset, Value: []byte("7")}}}
		if execute != "" {
			row.Cells = append(row.Cells, client.Cell{Family: updateInfo, Qualifier: columnExecuteTime, Value: []byte(execute)})
		}
		if step := a.look(&row, true); (step == nil) != (execute == "yesterday") {
			t.Errorf("%q: %+v", execute, step)
		}
	}
	d := a.done
	if d.Oldest != 1_600_000_000_000 || d.Newest != 1_900_000_000_000 || d.Ahead != 1 || d.Failed != 1 || d.Times[FormTextSeconds] != 4 {
		t.Errorf("%+v", d)
	}
	var shown string
	for _, e := range d.Examples {
		shown += string(e.Key) + " " + string(e.Time) + " " + string(e.Offset) + " " + e.Version.String() + "\n"
	}
	if want := "0 1700000000 7 epoch 2, time 1700000000000, position 0:7:0\n" +
		"1 1700000000123 7 epoch 2, time 1700000000123, position 0:7:0\n" +
		"2 1600000000 7 epoch 2, time 1600000000000, position 0:7:0\n"; shown != want {
		t.Errorf("the examples are\n%s\nnot\n%s", shown, want)
	}
}
