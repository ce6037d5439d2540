package binlog

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// sequences are all characters that a charset may have, and more: what is none is not taken by the server.
func sequences(charset string) []string {
	var all []string
	add := func(b ...byte) { all = append(all, strings.ToUpper(hex.EncodeToString(b))) }
	wide := map[string]bool{"utf16": true, "ucs2": true, "utf16le": true, "utf32": true, "utf8mb3": true, "utf8mb4": true}
	if wide[charset] {
		for _, r := range "aßЖ€あ\uffff\u0001𝄞\U0010ffff" {
			if r > 0xffff && (charset == "ucs2" || charset == "utf8mb3") {
				continue
			}
			switch charset {
			case "utf8mb3", "utf8mb4":
				add([]byte(string(r))...)
			case "utf32":
				add(0, byte(r>>16), byte(r>>8), byte(r))
			default:
				units := []rune{r}
				if r > 0xffff {
					units = []rune{0xd800 + (r-0x10000)>>10, 0xdc00 + (r-0x10000)&0x3ff}
				}
				var b []byte
				for _, u := range units {
					if charset == "utf16le" {
						b = append(b, byte(u), byte(u>>8))
					} else {
						b = append(b, byte(u>>8), byte(u))
					}
				}
				add(b...)
			}
		}
		return all
	}
	for a := range 256 {
		add(byte(a))
	}
	switch charset {
	case "big5", "cp932", "euckr", "gb2312", "gbk", "sjis", "eucjpms", "ujis":
		for a := 0x81; a < 0xff; a++ {
			for b := 0x40; b < 0xff; b++ {
				add(byte(a), byte(b))
			}
		}
	}
	if charset == "eucjpms" || charset == "ujis" {
		for a := 0xa1; a < 0xff; a++ {
			for b := 0xa1; b < 0xff; b++ {
				add(0x8f, byte(a), byte(b))
			}
		}
	}
	return all
}

// Every character of every charset of the server is told as the server itself converts it.
func TestCharsets(t *testing.T) {
	charsets := shared.column(t, "SELECT character_set_name FROM information_schema.character_sets WHERE character_set_name NOT IN ('binary','filename') ORDER BY 1")
	shared.exec(t, "CREATE OR REPLACE TABLE sequences (id INT PRIMARY KEY, h VARCHAR(8) CHARACTER SET ascii)")
	for _, charset := range charsets {
		t.Run(charset, func(t *testing.T) {
			all := sequences(charset)
			shared.exec(t, "TRUNCATE sequences")
			for at := 0; at < len(all); at += 5000 {
				var values []string
				for i, s := range all[at:min(at+5000, len(all))] {
					values = append(values, fmt.Sprintf("(%d,'%s')", at+i, s))
				}
				shared.exec(t, "INSERT INTO sequences VALUES "+strings.Join(values, ","))
			}
			table := "charset_" + charset
			shared.exec(t, fmt.Sprintf("CREATE OR REPLACE TABLE %s (id INT PRIMARY KEY, v VARCHAR(4) CHARACTER SET %s)", table, charset))
			config := shared.config()
			config.Tables = func(_, name string) bool { return name == table }
			config.Start = shared.now(t)
			// Sequences that are no characters are NULL, or become a question mark that is none.
			convert := fmt.Sprintf("CONVERT(CAST(UNHEX(h) AS BINARY) USING %s)", charset)
			shared.exec(t, fmt.Sprintf("INSERT IGNORE INTO %s SELECT id, %s FROM sequences WHERE %s IS NOT NULL AND CHAR_LENGTH(%s) = 1 AND (CONVERT(%s USING utf8mb4) <> '?' OR h = '3F') ORDER BY id", table, convert, convert, convert, convert))
			want := shared.column(t, "SELECT HEX(CONVERT(v USING utf8mb4)) FROM "+table+" ORDER BY id")
			sent := shared.column(t, "SELECT HEX(v) FROM "+table+" ORDER BY id")
			if len(want) < 7 {
				t.Fatalf("only %d characters", len(want))
			}
			wrong := 0
			for i, e := range rows(t, open(t, config), len(want)) {
				column := e.Change.Table.Columns[1]
				if got := fmt.Sprintf("%X", e.Change.After[1].Raw()); got != want[i] || column.Charset != charset || column.Length != 4 {
					if wrong++; wrong < 10 {
						t.Errorf("%s is %s, not %s; the column is %+v", sent[i], got, want[i], column)
					}
				}
			}
			t.Logf("%d characters, %d wrong", len(want), wrong)
		})
	}
}

// Every collation that the server has is told with its charset.
func TestCollations(t *testing.T) {
	names := shared.column(t, "SELECT full_collation_name FROM information_schema.collation_character_set_applicability WHERE id IS NOT NULL AND character_set_name <> 'binary' ORDER BY id")
	charsets := shared.column(t, "SELECT character_set_name FROM information_schema.collation_character_set_applicability WHERE id IS NOT NULL AND character_set_name <> 'binary' ORDER BY id")
	config := shared.config()
	config.Start = shared.now(t)
	const columns = 400
	tables := 0
	for at := 0; at < len(names); at += columns {
		var definitions []string
		for i, name := range names[at:min(at+columns, len(names))] {
			definitions = append(definitions, fmt.Sprintf("c%d CHAR(1) CHARACTER SET %s COLLATE %s", at+i, charsets[at+i], name))
		}
		shared.exec(t, "CREATE OR REPLACE TABLE collations (id INT PRIMARY KEY, "+strings.Join(definitions, ",")+")", "INSERT INTO collations (id) VALUES (1)")
		tables++
	}
	checked := 0
	for _, e := range rows(t, open(t, config), tables) {
		for _, c := range e.Change.Table.Columns[1:] {
			if c.Charset != charsets[checked] || c.Length != 1 {
				t.Errorf("%s is told as %q of %d characters", names[checked], c.Charset, c.Length)
			}
			checked++
		}
	}
	if checked != len(names) || checked < 1000 {
		t.Errorf("%d of %d collations", checked, len(names))
	}
}
