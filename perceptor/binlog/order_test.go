package binlog

import "testing"

func TestPositionBefore(t *testing.T) {
	file := func(name string, offset uint64) Position {
		return Position{File: name, Offset: offset, Server: "1/a", Epoch: 1}
	}
	gtids := func(text string) Position { return Position{GTID: text, Server: "1/a", Epoch: 1} }
	both := func(p Position, text string) Position { p.GTID = text; return p }
	const uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
	for _, c := range []struct {
		p, q Position
		want bool
	}{
		{file("b.000009", 700), file("b.000010", 4), true},
		{file("b.000010", 4), file("b.000009", 700), false},
		{file("b.000010", 4), file("b.000010", 5), true},
		{file("b.000010", 4), file("b.000010", 4), false},
		{gtids("0-1-7"), gtids("0-2-8"), true},
		{gtids("0-1-8"), gtids("0-1-7"), false},
		{gtids("0-1-7,1-1-9"), gtids("0-1-8,1-1-8"), false}, // each has what the other lacks
		{gtids("0-1-7"), gtids("0-1-7,1-1-1"), true},
		{gtids(uuid + ":1-7"), gtids(uuid + ":1-8"), true},
		{gtids(uuid + ":1-8"), gtids(uuid + ":1-7"), false},
		{both(file("b.000009", 700), "0-1-7"), gtids("0-1-8"), true}, // one without a file
		{gtids("0-1-8"), both(file("b.000009", 700), "0-1-7"), false},
		{file("b.000009", 700), gtids("0-1-8"), false}, // nothing to compare
		{Position{}, file("b.000009", 700), true},      // an older epoch
		{file("b.000009", 700), Position{File: "b.000001", Offset: 4, Server: "2/b", Epoch: 2}, true},
		{file("b.000009", 700), Position{File: "b.000010", Offset: 4, Server: "2/b", Epoch: 1}, false},
		{gtids("broken"), gtids("0-1-1"), false},
	} {
		if got := c.p.Before(c.q); got != c.want {
			t.Errorf("%+v before %+v: %v", c.p, c.q, got)
		}
	}
}
