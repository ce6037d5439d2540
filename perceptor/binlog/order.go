package binlog

import (
	"cmp"
	"strings"

	"github.com/skein-io/skein/perceptor/binlog/internal/gtid"
)

// Before reports whether p surely lies before q: in an older epoch, or in front of it in the files of the same server, or, where one of
// them has no file, with fewer transactions committed. What cannot be compared is not before.
func (p Position) Before(q Position) bool {
	if p.Epoch != q.Epoch {
		return p.Epoch < q.Epoch
	}
	if p.Server != q.Server {
		return false
	}
	from, err1 := FileNumber(p.File)
	to, err2 := FileNumber(q.File)
	if err1 == nil && err2 == nil {
		return cmp.Or(cmp.Compare(from, to), cmp.Compare(p.Offset, q.Offset)) < 0
	}
	if p.GTID == "" || q.GTID == "" {
		return false
	}
	return lacks(p.GTID, q.GTID) && !lacks(q.GTID, p.GTID)
}

// lacks reports whether something of want is not in have: GTIDs as MariaDB or as MySQL writes them, which has colons.
func lacks(have, want string) bool {
	if strings.Contains(have, ":") {
		h, err1 := gtid.ParseSet(have)
		w, err2 := gtid.ParseSet(want)
		return err1 == nil && err2 == nil && !h.Contains(&w)
	}
	w, err := gtid.ParseMaria(want)
	if err != nil {
		return false
	}
	missing, err := w.Missing(have)
	return err == nil && missing != ""
}
