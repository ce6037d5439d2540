package hbase

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
)

func someVersion(r *rand.Rand) change.Version {
	pick := func(max uint64) uint64 {
		if r.IntN(3) == 0 {
			return max - r.Uint64N(2)
		}
		return r.Uint64N(2)
	}
	return change.Version{
		Epoch: uint32(pick(1<<32 - 1)), ExecuteTime: int64(pick(1<<63 - 1)),
		Position: change.Position{File: uint32(pick(1<<32 - 1)), Offset: pick(1<<64 - 1), Row: uint32(pick(1<<32 - 1))},
	}
}

// The server compares bytes: they say what the rule says, and a tombstone is greater than any row that is there.
func TestPackedOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 50_000 {
		v, w := someVersion(r), someVersion(r)
		if bytes.Compare(pack(v, false), pack(w, false)) > 0 != change.Judge(w, true, v).Puts() {
			t.Fatalf("%s over %s", v, w)
		}
		if bytes.Compare(pack(v, false), pack(w, true)) >= 0 {
			t.Fatalf("%s would be put over the tombstone %s without a look", v, w)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack(change.Version{Epoch: 1, ExecuteTime: 2, Position: change.Position{File: 3, Offset: 4, Row: 5}}, true))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, deleted, err := unpack(b); err == nil && !bytes.Equal(pack(v, deleted), b) {
			t.Errorf("%x became %s, deleted %v", b, v, deleted)
		}
	})
}

func cell(qualifier string, value []byte, at uint64) client.Cell {
	return client.Cell{Family: []byte(UpdateInfo), Qualifier: []byte(qualifier), Value: value, Timestamp: at}
}

func TestReadStored(t *testing.T) {
	v := change.Version{Epoch: 1, ExecuteTime: 2, Position: change.Position{File: 3, Offset: 4, Row: 5}}
	time, packed := cell(ExecuteTime, v.AppendExecuteTime(nil), 7), cell(VersionName, pack(v, true), 9)
	s, err := readStored(&client.Row{Cells: []client.Cell{time, packed}})
	if err != nil || !s.exists || !s.deleted || s.version != v || s.latest != 9 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := readStored(&client.Row{}); err != nil || s.exists {
		t.Errorf("an absent row: %+v, %v", s, err)
	}
	for what, cells := range map[string][]client.Cell{
		"no version":           {time},
		"they do not agree":    {cell(ExecuteTime, change.Version{ExecuteTime: 3}.AppendExecuteTime(nil), 7), packed},
		"a text":               {cell(ExecuteTime, []byte("2024-01-31 10:00:00"), 7), packed},
		"a version of another": {time, cell(VersionName, []byte("1"), 9)},
	} {
		if _, err := readStored(&client.Row{Cells: cells}); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
