package binlog

import (
	"testing"

	"github.com/skein-io/skein/perceptor/binlog/internal/gtid"
)

// The position of a server with one domain is asked for after each transaction, and costs no allocation. Its text is that of what was
// committed, however many domains there are.
func TestPositionCostsNothing(t *testing.T) {
	r := &Reader{about: about{flavor: mariaDB}, gtids: true, place: place{file: "bin.000001", number: 1, end: 400}}
	commit := func(domain uint32, n uint64) {
		id := gtid.MariaID{Domain: domain, Server: 1, Sequence: n}
		r.tx = transaction{open: true, maria: id, gtid: id.String()}
		if err := r.boundary(); err != nil {
			t.Fatal(err)
		}
	}
	commit(0, 7)
	if p := r.Position(); p.GTID != "0-1-7" || p.File != "bin.000001" || p.Offset != 400 {
		t.Errorf("%+v", p)
	}
	tx := transaction{open: true, maria: gtid.MariaID{Server: 1, Sequence: 8}, gtid: "0-1-8"}
	if n := testing.AllocsPerRun(100, func() {
		r.tx = tx
		if r.boundary() != nil || r.Position().GTID != "0-1-8" {
			t.Fatal(r.Position())
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for i, want := range []string{"0-1-8,3-1-1", "0-1-8,3-1-2", "0-1-8,3-1-3"} {
		commit(3, uint64(i+1))
		if p := r.Position(); p.GTID != want || r.Position() != p {
			t.Errorf("%s, not %s", p.GTID, want)
		}
	}
}
