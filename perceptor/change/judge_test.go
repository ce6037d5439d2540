package change

import (
	"math/rand/v2"
	"testing"
)

func at(epoch uint32, time int64, offset uint64) Version {
	return Version{Epoch: epoch, ExecuteTime: time, Position: Position{File: 1, Offset: offset}}
}

// The four cases of the rule, and what the epoch adds.
func TestJudge(t *testing.T) {
	stored := at(2, 1000, 500)
	for _, c := range []struct {
		what   string
		exists bool
		v      Version
		want   Verdict
	}{
		{"1: the row is new", false, at(2, 1, 1), Absent},
		{"2: older", true, at(2, 999, 400), Stale},
		{"2: older, though later in the binlog", true, at(2, 999, 600), ClockBack},
		{"3: newer", true, at(2, 1001, 600), Newer},
		{"3: newer, though earlier in the binlog", true, at(2, 1001, 400), Newer},
		{"4: same time, smaller offset", true, at(2, 1000, 499), Stale},
		{"4: same time, larger offset", true, at(2, 1000, 501), Newer},
		{"4: the same", true, at(2, 1000, 500), Duplicate},
		{"4: same time, next file", true, Version{2, 1000, Position{File: 2, Offset: 4}}, Newer},
		{"4: same event, next row", true, Version{2, 1000, Position{File: 1, Offset: 500, Row: 1}}, Newer},
		{"an older epoch, though newer by its clock", true, at(1, 5000, 9000), Stale},
		{"a newer epoch, though older by its clock", true, at(3, 1, 4), Newer},
	} {
		if got := Judge(stored, c.exists, c.v); got != c.want {
			t.Errorf("%s: %s, not %s", c.what, got, c.want)
		}
	}
}

// Whatever the order and however often: the newest stays.
func TestJudgeKeepsTheNewest(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2_000 {
		var stored, newest Version
		exists := false
		puts := 0
		for range 1 + r.IntN(20) {
			v := someVersion(r)
			if !exists || v.Compare(newest) > 0 {
				newest = v
			}
			for range 1 + r.IntN(3) {
				if verdict := Judge(stored, exists, v); verdict.Puts() {
					stored, exists = v, true
					puts++
				} else if v.Compare(stored) > 0 {
					t.Fatalf("%s was discarded as %s, stored is %s", v, verdict, stored)
				}
			}
		}
		if stored != newest || puts == 0 {
			t.Fatalf("stored is %s, newest was %s", stored, newest)
		}
	}
}
