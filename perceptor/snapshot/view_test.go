package snapshot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/internal/server"
)

// script is a server that answers by the beginnings of statements, and notes them.
type script struct {
	answers map[string][][]string
	errs    map[string]error
	asked   []string
}

func (s *script) Query(_ context.Context, sql string) ([][]string, error) {
	s.asked = append(s.asked, sql)
	for begin, err := range s.errs {
		if strings.HasPrefix(sql, begin) {
			return nil, err
		}
	}
	for begin, rows := range s.answers {
		if strings.HasPrefix(sql, begin) {
			return rows, nil
		}
	}
	return nil, nil
}

// MySQL tells the place only while nobody can write. The lock is held from before the view to behind the question, and no longer.
func TestViewOfMySQL(t *testing.T) {
	for _, version := range []string{"8.0.36", "8.4.1"} {
		s := &script{answers: map[string][][]string{
			"SHOW GLOBAL VARIABLES": {{"version", version}, {"server_id", "7"}, {"server_uuid", "u-1"}}, "SELECT UNIX_TIMESTAMP": {{"1700000000"}},
			"SHOW MASTER STATUS": {{"bin.000012", "345", "", "", "u-1:1-5,\nu-2:7"}}, "SHOW BINARY LOG STATUS": {{"bin.000012", "345", "", "", "u-1:1-5,\nu-2:7"}},
		}}
		if version == "8.4.1" {
			s.errs = map[string]error{"SHOW MASTER STATUS": &server.Error{Number: 1064}}
		}
		var v View
		if err := v.open(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		want := binlog.Position{File: "bin.000012", Offset: 345, GTID: "u-1:1-5,u-2:7", Server: "7/u-1", Clock: 1_700_000_000_000}
		if v.At != want || v.Cheap || v.server != 7 {
			t.Errorf("%+v", v)
		}
		at := func(begin string) int {
			return slices.IndexFunc(s.asked, func(sql string) bool { return strings.HasPrefix(sql, begin) })
		}
		order := []int{at("FLUSH TABLES WITH READ LOCK"), at("START TRANSACTION WITH CONSISTENT SNAPSHOT"), at("SHOW MASTER STATUS"), at("UNLOCK TABLES"), at("SAVEPOINT")}
		if order[0] < 0 || !slices.IsSorted(order) {
			t.Errorf("%q", s.asked)
		}
	}
}

func TestViewOfMariaDB(t *testing.T) {
	answers := map[string][][]string{
		"SHOW GLOBAL VARIABLES": {{"version", "10.11.19-MariaDB"}, {"server_id", "7"}, {"server_uid", "x="}}, "SELECT UNIX_TIMESTAMP": {{"1700000000"}},
		"SHOW STATUS LIKE 'binlog_snapshot_%'": {{"Binlog_snapshot_file", "bin.000012"}, {"Binlog_snapshot_position", "345"}}, "SELECT BINLOG_GTID_POS('bin.000012', 345)": {{"0-7-9"}},
	}
	s := &script{answers: answers}
	var v View
	if err := v.open(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if want := (binlog.Position{File: "bin.000012", Offset: 345, GTID: "0-7-9", Server: "7/x=", Clock: 1_700_000_000_000}); v.At != want || !v.Cheap {
		t.Errorf("%+v", v)
	}
	for _, sql := range s.asked {
		if strings.Contains(sql, "LOCK") {
			t.Errorf("a view of MariaDB needs no lock: %s", sql)
		}
	}
	// A server that writes no binlog, or answers what is no place.
	for what, broken := range map[string][][]string{"binlog switched on": nil, "the view is at": {{"Binlog_snapshot_file", "bin.000012"}, {"Binlog_snapshot_position", "x"}}, "binlog file": {{"Binlog_snapshot_file", "b'1"}, {"Binlog_snapshot_position", "4"}}} {
		answers["SHOW STATUS LIKE 'binlog_snapshot_%'"] = broken
		if err := new(View).open(t.Context(), &script{answers: answers}); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestPasses(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&server.Error{Number: 1412}, true}, {&server.Error{Number: 1146}, true}, {&server.Error{Number: 1040}, true}, {&server.Error{Number: 1045}, false}, {&server.Error{Number: 1064}, false},
		{ErrGone, false}, {ErrNoKey, false}, {errors.Join(errData, errCut), false}, {ErrChanged, true}, {errHeld, true}, {context.DeadlineExceeded, true}, {context.Canceled, false}, {errors.New("else"), false},
	} {
		if got := Passes(c.err); got != c.want {
			t.Errorf("%v passes: %v", c.err, got)
		}
	}
}
