package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/oldconsumer"
)

func TestImportEffects(t *testing.T) {
	at := func(n int64) *int64 { return &n }
	for _, c := range []struct {
		committed  *int64
		zookeeper  int64
		start, end int64
		want       int64
		again      int64
		skipped    int64
		effect     string
	}{
		// What the old consumers have read is not skipped.
		{nil, 5, 0, 10, 5, 0, 0, "goes on there"},
		{nil, 10, 0, 10, 10, 0, 0, "goes on there"},
		{nil, 1, 3, 10, 3, 0, 0, "no record is read again or skipped; 2 before the log start are gone already; clamped: 1 is before the log start"},
		{nil, 12, 3, 10, 10, 0, 0, "no record is read again or skipped; clamped: 12 is beyond the log end"},
		// Who commits to the coordinator already is set back, or forward.
		{at(7), 5, 0, 10, 5, 2, 0, "2 records will be read again"},
		{at(2), 5, 0, 10, 5, 0, 3, "3 records will be skipped"},
		{at(5), 5, 0, 10, 5, 0, 0, "no change"},
	} {
		r := resetOffset{Committed: c.committed, New: c.zookeeper, LogStart: c.start, LogEnd: c.end}
		r.settleImported()
		if r.New != c.want || r.ReadAgain != c.again || r.Skipped != c.skipped || r.Effect != c.effect || r.Committed != c.committed {
			t.Errorf("%+v: %+v", c, r)
		}
	}
}

func TestMayImport(t *testing.T) {
	alive := oldconsumer.Group{Name: "alive", IDs: []oldconsumer.ID{{Name: "c\x1b1"}}}
	bad := oldconsumer.Group{Name: "bad"}
	for p := range 14 {
		bad.Problems = append(bad.Problems, oldconsumer.Problem{Path: fmt.Sprintf("/consumers/bad/offsets/t/%d", p), Why: "no number"})
	}
	if err := mayImport([]oldconsumer.Group{{Name: "good"}}, false); err != nil {
		t.Error(err)
	}
	if err := mayImport([]oldconsumer.Group{alive}, true); err != nil {
		t.Error(err)
	}
	err := mayImport([]oldconsumer.Group{alive}, false)
	if err == nil || !strings.Contains(err.Error(), `group alive has 1 old consumer alive in ZooKeeper (c\x1b1)`) {
		t.Error(err)
	}
	for _, force := range []bool{false, true} {
		err = mayImport([]oldconsumer.Group{alive, bad}, force)
		if err == nil || strings.Count(err.Error(), "/consumers/bad/") != refusedMax || !strings.Contains(err.Error(), "and 4 more like that") ||
			!strings.Contains(err.Error(), "mend or delete the znodes above") {
			t.Error(err)
		}
	}
}

// TestExportedImports: what is exported is what group reset reads.
func TestExportedImports(t *testing.T) {
	offset := func(topic string, p int32, at int64) importedOffset {
		return importedOffset{resetOffset: resetOffset{Topic: topic, Partition: p, New: 1}, ZooKeeper: at}
	}
	for _, imports := range [][]imported{
		{{Group: "g", Offsets: []importedOffset{offset("t", 0, 5), offset("u", 3, 7)}}},
		{{Group: "g", Offsets: []importedOffset{offset("t", 0, 5), offset("u", 3, 7)}}, {Group: "none"}, {Group: "h", Offsets: []importedOffset{offset("t", 0, 9)}}},
	} {
		file := filepath.Join(t.TempDir(), "offsets.csv")
		if err := exportImports(file, imports); err != nil {
			t.Fatal(err)
		}
		written, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		groups := []string{"g"}
		if len(imports) > 1 {
			groups = append(groups, "h")
		}
		rows, err := parseResetFile(bytes.NewReader(written), groups)
		if err != nil || rows["g"]["t"][0] != 5 || rows["g"]["u"][3] != 7 || len(imports) > 1 && rows["h"]["t"][0] != 9 {
			t.Errorf("%s\n%v %v", written, rows, err)
		}
	}
}
