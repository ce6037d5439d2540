package endtoend

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

// table is one that is written: its definition, and how its rows are made.
type table struct {
	name    string
	columns string // of CREATE TABLE
	key     []string
	// make returns the values of key and of the other columns, as SQL, in the order of the definition.
	row func(r *rand.Rand, id int) []string
	// others are the columns behind the key's.
	others []string
	// moves is an UPDATE's SET that gives the row of id another key; empty if keys stay.
	moves func(r *rand.Rand, id int) string
	// alter is the DDL of the middle: to the target first, where columns have to be there before they are written.
	alter []string
	// added are the columns that alter adds, each with a value as SQL.
	added map[string]func(r *rand.Rand) string
}

// ids is how many rows a table can have.
const ids = 3000

func quoted(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''") + "'"
}

func binary(b []byte) string { return "X'" + hex.EncodeToString(b) + "'" }

// maybe is NULL now and then.
func maybe(r *rand.Rand, value string) string {
	if r.IntN(6) == 0 {
		return "NULL"
	}
	return value
}

func words(r *rand.Rand, most int) string {
	all := []string{"heron", "Kranich", "grâce", "鶴", "журавль", "it's", `back\slash`, "tab\tnew\nline", "𝄞", "", " blanks ", "%_", `{"a":1}`, "NULL", "|", "0"}
	var b strings.Builder
	for range r.IntN(most + 1) {
		b.WriteString(all[r.IntN(len(all))])
	}
	return b.String()
}

func randomBytes(r *rand.Rand, most int) []byte {
	b := make([]byte, r.IntN(most+1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func day(r *rand.Rand) string {
	return fmt.Sprintf("'%04d-%02d-%02d'", 1990+r.IntN(60), 1+r.IntN(12), 1+r.IntN(28))
}

func moment(r *rand.Rand, digits int) string {
	s := fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", 1990+r.IntN(45), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60))
	if digits > 0 {
		s += fmt.Sprintf(".%06d", r.IntN(1e6))[:digits+1]
	}
	return "'" + s + "'"
}

// name is a customer's key: of ids that differ, keys differ by more than case and blanks behind, as the key's collation wants it.
func name(r *rand.Rand, id int) string {
	s := fmt.Sprintf("käufer|%d", id)
	if r.IntN(2) == 0 {
		s = strings.ToUpper(s)
	}
	return quoted(s)
}

func documentID(id int) string { return fmt.Sprintf("X'%08x%08x'", id*2654435761%(1<<32), id) }

func tables() []table {
	return []table{
		{
			name: "orders",
			columns: `id BIGINT UNSIGNED NOT NULL, amount DECIMAL(20,6), small TINYINT, medium MEDIUMINT UNSIGNED, placed DATETIME(6), seen TIMESTAMP(3) NULL,
				state ENUM('new','paid','sent','gone'), flags SET('a','b','c','d'), PRIMARY KEY (id)`,
			key:    []string{"id"},
			others: []string{"amount", "small", "medium", "placed", "seen", "state", "flags"},
			row: func(r *rand.Rand, id int) []string {
				return []string{
					fmt.Sprint(uint64(id) + 1<<63), maybe(r, fmt.Sprintf("%d.%06d", r.Int64N(1e13)-5e12, r.IntN(1e6))), maybe(r, fmt.Sprint(r.IntN(256)-128)),
					maybe(r, fmt.Sprint(r.IntN(1<<24))), maybe(r, moment(r, 6)), maybe(r, moment(r, 3)), maybe(r, fmt.Sprint(1+r.IntN(4))), maybe(r, fmt.Sprint(r.IntN(16))),
				}
			},
			moves: func(r *rand.Rand, id int) string { return fmt.Sprintf("id = %d", uint64(r.IntN(ids))+1<<63) },
			alter: []string{"ADD COLUMN weight DECIMAL(9,3) NULL AFTER small", "MODIFY state ENUM('new','paid','sent','gone','lost') NULL"},
			added: map[string]func(*rand.Rand) string{"weight": func(r *rand.Rand) string { return fmt.Sprintf("%d.%03d", r.IntN(1e6), r.IntN(1000)) }},
		},
		{
			name: "customers",
			columns: `name VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL, note TEXT CHARACTER SET utf8mb4, latin VARCHAR(50) CHARACTER SET latin1, born DATE,
				wakes TIME(2), vip BOOLEAN, PRIMARY KEY (name)`,
			key:    []string{"name"},
			others: []string{"note", "latin", "born", "wakes", "vip"},
			row: func(r *rand.Rand, id int) []string {
				return []string{
					name(r, id), maybe(r, quoted(words(r, 20))), maybe(r, quoted([]string{"größe", "", "x ", "ÿ€"}[r.IntN(4)])), maybe(r, day(r)),
					maybe(r, fmt.Sprintf("'%s%02d:%02d:%02d.%02d'", []string{"", "-"}[r.IntN(2)], r.IntN(800), r.IntN(60), r.IntN(60), r.IntN(100))), maybe(r, fmt.Sprint(r.IntN(2))),
				}
			},
			// The same key in another case, or another's.
			moves: func(r *rand.Rand, id int) string {
				if r.IntN(2) == 0 {
					id = r.IntN(ids)
				}
				return "name = " + name(r, id)
			},
			alter: []string{"ADD COLUMN email VARCHAR(100) NULL"},
			added: map[string]func(*rand.Rand) string{"email": func(r *rand.Rand) string { return quoted(fmt.Sprintf("%d@example.org", r.IntN(1e6))) }},
		},
		{
			name:    "prices",
			columns: `item INT NOT NULL, day DATE NOT NULL, price DOUBLE, tax FLOAT, bits BIT(13), since YEAR, n SMALLINT, PRIMARY KEY (item, day)`,
			key:     []string{"item", "day"},
			others:  []string{"price", "tax", "bits", "since", "n"},
			row: func(r *rand.Rand, id int) []string {
				return []string{
					fmt.Sprint(id/30 - 50), fmt.Sprintf("'2024-03-%02d'", 1+id%30), maybe(r, fmt.Sprintf("%.4f", r.Float64()*1e6-5e5)), maybe(r, fmt.Sprintf("%.2f", r.Float32()*100)),
					maybe(r, fmt.Sprint(r.IntN(1<<13))), maybe(r, fmt.Sprint(1901+r.IntN(250))), maybe(r, fmt.Sprint(r.IntN(1<<16)-1<<15)),
				}
			},
			alter: []string{"MODIFY n BIGINT NULL", "ADD COLUMN kind SET('x','y') NULL FIRST"},
			added: map[string]func(*rand.Rand) string{"kind": func(r *rand.Rand) string { return fmt.Sprint(r.IntN(4)) }},
		},
		{
			name:    "documents",
			columns: `id BINARY(8) NOT NULL, body JSON, raw BLOB, big MEDIUMTEXT CHARACTER SET utf8mb4, uid UUID, addr INET6, v4 INET4, PRIMARY KEY (id)`,
			key:     []string{"id"},
			others:  []string{"body", "raw", "big", "uid", "addr", "v4"},
			row: func(r *rand.Rand, id int) []string {
				return []string{
					documentID(id), maybe(r, quoted(fmt.Sprintf(`{"n": %d, "deep": [1, 2.50, "ü", null, {"x": %q}]}`, r.IntN(1e9), []string{"a", "b"}[r.IntN(2)]))), maybe(r, binary(randomBytes(r, 60))),
					maybe(r, quoted(strings.Repeat(words(r, 5), r.IntN(40)))), maybe(r, fmt.Sprintf("'%08x-%04x-4%03x-8%03x-%012x'", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Int64N(1<<48))),
					maybe(r, fmt.Sprintf("'2001:db8::%x:%x'", 1+r.IntN(1<<15), 1+r.IntN(1<<15))), maybe(r, fmt.Sprintf("'10.%d.%d.%d'", r.IntN(256), r.IntN(256), r.IntN(256))),
				}
			},
			moves: func(r *rand.Rand, _ int) string { return "id = " + documentID(r.IntN(ids)) },
			alter: []string{"DROP COLUMN v4"},
		},
		{
			name:    "stock",
			columns: `sku INT UNSIGNED NOT NULL, n BIGINT NOT NULL DEFAULT 0, note CHAR(20) CHARACTER SET utf8mb4, code VARBINARY(30), PRIMARY KEY (sku)`,
			key:     []string{"sku"},
			others:  []string{"n", "note", "code"},
			row: func(r *rand.Rand, id int) []string {
				return []string{fmt.Sprint(uint32(id) << 20), fmt.Sprint(r.Int64() - r.Int64()), maybe(r, quoted(strings.TrimRight(words(r, 1), " "))), maybe(r, binary(randomBytes(r, 30)))}
			},
			alter: []string{"MODIFY code VARBINARY(60) NULL", "ADD INDEX (n)"},
		},
	}
}
