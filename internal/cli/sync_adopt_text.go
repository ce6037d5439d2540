package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/perceptor/hbase"
)

// adoptedOf is a report as it is told.
func adoptedOf(done *hbase.Adopted) *adopted {
	a := &adopted{
		Rows: done.Rows, Adopted: done.Adopted, Ours: done.Ours, Unversioned: done.Unversioned, Failed: done.Failed, Changed: done.Changed,
		Times: named(done.Times), Offsets: named(done.Offsets), Ahead: done.Ahead, Examples: []adoptExample{}, Left: []leftRow{},
	}
	if done.Newest != 0 {
		oldest, newest := time.UnixMilli(done.Oldest).UTC(), time.UnixMilli(done.Newest).UTC()
		a.Oldest, a.Newest = &oldest, &newest
	}
	for _, e := range done.Examples {
		one := adoptExample{Key: hbaseKey(e.Key), Form: e.Form.String(), Was: hbaseKey(e.Time), ExecuteTime: time.UnixMilli(e.Version.ExecuteTime).UTC(), Position: e.Version.Position.String()}
		if e.Offset != nil {
			was := hbaseKey(e.Offset)
			one.OffsetWas = &was
		}
		a.Examples = append(a.Examples, one)
	}
	for _, l := range done.Left {
		a.Left = append(a.Left, leftRow{hbaseKey(l.Key), l.Err.Error()})
	}
	return a
}

func named(forms map[hbase.Form]int64) map[string]int64 {
	all := make(map[string]int64, len(forms))
	for f, n := range forms {
		all[f.String()] = n
	}
	return all
}

// printAdopted tells of one table.
func printAdopted(p *page, a *adopted) {
	looked := plural(a.Rows, "row")
	if !a.Executed {
		looked = "a sample of " + looked
	}
	p.line("%s in %s, HBase's %s: %s looked at, epoch %d, in %s", printable(a.Table), printable(a.Sink), printable(a.Target), looked, a.Epoch, spent(a.took))
	printForms(p, "EXECUTE TIME", a.Times)
	printForms(p, "OFFSET", a.Offsets)
	if a.Newest != nil {
		p.line("execute times from %s to %s", exactTime(*a.Oldest), exactTime(*a.Newest))
	}
	if a.Ahead > 0 {
		p.line("%s later than now: no change of such a row is newer before that time; are --zone and --unit right?", isAre(a.Ahead, "time"))
	}
	if len(a.Examples) > 0 {
		var rows [][]string
		for _, e := range a.Examples {
			was := "none"
			if e.OffsetWas != nil {
				was = *e.OffsetWas
			}
			rows = append(rows, []string{e.Key, e.Was, e.Form, exactTime(e.ExecuteTime), was, e.Position})
		}
		p.table([]string{"KEY", "TIME WAS", "READ AS", "EXECUTE TIME", "OFFSET WAS", "POSITION"}, rows)
	}
	done := "adopted"
	if !a.Executed {
		done = "to be adopted"
	}
	p.line("%d %s, %d ours already, %d without an execute time, %d that cannot be adopted", a.Adopted, done, a.Ours, a.Unversioned, a.Failed)
	if a.Unversioned > 0 && !a.zero {
		p.line("what has no execute time stays as it is, and takes the first change; --unversioned gives it a time of 0")
	}
	if a.Changed > 0 {
		p.line("others wrote %s meanwhile: whoever wrote the table before must have stopped", plural(a.Changed, "time"))
	}
	if len(a.Left) > 0 {
		var rows [][]string
		for _, l := range a.Left {
			rows = append(rows, []string{l.Key, l.Why})
		}
		p.table([]string{"KEY", "CANNOT BE ADOPTED"}, rows)
	}
	if more := a.Failed - int64(len(a.Left)); more > 0 {
		p.line("... and %s more", number(more))
	}
}

func printForms(p *page, what string, forms map[string]int64) {
	if len(forms) == 0 {
		return
	}
	names := sortedKeys(forms)
	slices.SortStableFunc(names, func(a, b string) int { return int(min(max(forms[b]-forms[a], -1), 1)) })
	var rows [][]string
	for _, name := range names {
		rows = append(rows, []string{name, number(forms[name])})
	}
	p.table([]string{what, "ROWS"}, rows)
}

func isAre(n int64, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return plural(n, what) + " are"
}

func exactTime(at time.Time) string { return at.Format("2006-01-02T15:04:05.000Z07:00") }

// hbaseKey is bytes as HBase's shell writes them: what is no letter, digit or sign of ASCII is \xNN. So is a backslash, so that it can
// be read back.
func hbaseKey(key []byte) string {
	var b strings.Builder
	for _, c := range key {
		if c < ' ' || c > '~' || c == '\\' || c == '\'' {
			fmt.Fprintf(&b, `\x%02X`, c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func parseHBaseKey(text string) ([]byte, error) {
	var key []byte
	for len(text) > 0 {
		if text[0] != '\\' {
			key, text = append(key, text[0]), text[1:]
			continue
		}
		if len(text) < 4 || text[1] != 'x' {
			return nil, errors.New(`behind \ comes x and two hexadecimal digits`)
		}
		b, err := hex.DecodeString(text[2:4])
		if err != nil {
			return nil, errors.New(`behind \x come two hexadecimal digits`)
		}
		key, text = append(key, b...), text[4:]
	}
	return key, nil
}

func cutColumn(text string) (family, qualifier string, ok bool) {
	family, qualifier, ok = strings.Cut(text, ":")
	return family, qualifier, ok && family != "" && qualifier != ""
}
