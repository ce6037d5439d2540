package verify

import (
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
)

// comparable reports whether the two servers order the keys in the same way and show the values as the same text. Where they
// do not, nothing would be wrong, but every range would differ.
func (s *Source) comparable(p *mysql.Place) bool {
	if len(p.Key) != len(s.table.Key) {
		return false
	}
	columns := map[int]*mysql.PlaceColumn{}
	for i := range p.Columns {
		columns[p.Columns[i].Source] = &p.Columns[i]
		if !sameText(&s.table.Columns[p.Columns[i].Source], &p.Columns[i]) {
			return false
		}
	}
	for n, i := range s.table.Key {
		c := columns[i]
		if p.Key[n] != i || c == nil || c.Collation != s.collations[i] {
			return false
		}
		switch classOf(s.table.Columns[i].Type) {
		case whole, decimals, clocks, texts, blobs:
		default:
			return false // ENUM and SET are ordered by number and compared as text; of others it is not known
		}
	}
	return true
}

// class is a group of types that show the same value as the same text.
type class uint8

const (
	others class = iota
	whole
	decimals
	clocks
	texts
	blobs
)

func classOf(t change.Type) class {
	switch t {
	case change.TinyInt, change.SmallInt, change.MediumInt, change.Integer, change.BigInt, change.Year, change.Bit:
		return whole
	case change.Numeric:
		return decimals
	case change.DateType, change.TimeType, change.DateTimeType, change.TimestampType:
		return clocks
	case change.Char, change.VarChar, change.TinyText, change.TextType, change.MediumText, change.LongText, change.JSONType:
		return texts
	case change.Binary, change.VarBinary, change.TinyBlob, change.Blob, change.MediumBlob, change.LongBlob:
		return blobs
	}
	return others
}

func sameText(source *change.Column, target *mysql.PlaceColumn) bool {
	switch c := classOf(source.Type); c {
	case whole, texts, blobs:
		return classOf(target.Type) == c
	case decimals, clocks:
		return source.Type == target.Type && source.Scale == target.Scale
	}
	return source.Type == target.Type
}
