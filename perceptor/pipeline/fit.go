package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// fits says why values of a source's column do not all fit into a target's, or "". doubt is set if some may not, which only
// the values can tell.
func fits(from, to *change.Column) (reason string, doubt bool) {
	if from.Nullable && !to.Nullable {
		return "it may be NULL, and the target's may not", true
	}
	if low, high, ok := whole(from); ok {
		return wholeFits(from, to, low, high)
	}
	switch {
	case from.Type == change.Unknown || to.Type == change.Unknown:
		return "", false
	case isText(from.Type):
		return textFits(from, to)
	case isBytes(from.Type):
		if !isBytes(to.Type) {
			return differ(from, to), false
		}
		return sizeFits(from, to)
	case from.Type == change.Numeric:
		switch {
		case to.Type == change.Numeric && to.Scale >= from.Scale && to.Length-to.Scale >= from.Length-from.Scale:
			return "", false
		case isText(to.Type):
			return roomFor(from.Length+3, from, to)
		case to.Type == change.Numeric:
			return fmt.Sprintf("a decimal(%d,%d) does not fit a decimal(%d,%d)", from.Length, from.Scale, to.Length, to.Scale), false
		}
	case from.Type == change.FloatType && to.Type == change.DoubleType:
		return "", false
	case isTime(from.Type):
		return timeFits(from, to)
	case from.Type == change.Enum || from.Type == change.Set:
		return membersFit(from, to)
	case from.Type == change.Bit && to.Type == change.Bit && to.Length < from.Length:
		return fmt.Sprintf("a bit(%d) does not fit a bit(%d)", from.Length, to.Length), false
	case from.Type == change.JSONType && isText(to.Type):
		return sizeFits(from, to)
	case isText(to.Type) && (from.Type == change.UUID || from.Type == change.INET4 || from.Type == change.INET6):
		return roomFor(39, from, to)
	}
	if from.Type != to.Type {
		return differ(from, to), false
	}
	return "", false
}

func differ(from, to *change.Column) string {
	return fmt.Sprintf("a %s of the source is a %s in the target", from.Type, to.Type)
}

// whole are the limits of a whole number's type.
func whole(c *change.Column) (low, high float64, ok bool) {
	bits, ok := map[change.Type]int{change.TinyInt: 8, change.SmallInt: 16, change.MediumInt: 24, change.Integer: 32, change.BigInt: 64}[c.Type]
	if !ok {
		return 0, 0, false
	}
	if c.Unsigned {
		return 0, float64(uint64(1)<<bits - 1), true
	}
	return -float64(uint64(1) << (bits - 1)), float64(uint64(1)<<(bits-1) - 1), true
}

func wholeFits(from, to *change.Column, low, high float64) (string, bool) {
	digits := len(fmt.Sprintf("%.0f", high))
	toLow, toHigh, ok := whole(to)
	switch {
	case ok && toLow <= low && toHigh >= high:
		return "", false
	case ok:
		return fmt.Sprintf("it has values from %.0f to %.0f, and the target's from %.0f to %.0f", low, high, toLow, toHigh), true
	case to.Type == change.Numeric && to.Length-to.Scale >= digits:
		return "", false
	case to.Type == change.DoubleType && digits <= 15:
		return "", false
	case isText(to.Type):
		return roomFor(digits+1, from, to)
	}
	return differ(from, to), false
}

func isText(t change.Type) bool {
	return slices.Contains([]change.Type{change.Char, change.VarChar, change.TinyText, change.TextType, change.MediumText, change.LongText}, t)
}

func isBytes(t change.Type) bool {
	return slices.Contains([]change.Type{change.Binary, change.VarBinary, change.TinyBlob, change.Blob, change.MediumBlob, change.LongBlob}, t)
}

func isTime(t change.Type) bool {
	return slices.Contains([]change.Type{change.DateType, change.TimeType, change.DateTimeType, change.TimestampType, change.Year}, t)
}

// room is how many bytes a column has room for; of a CHAR or VARCHAR the characters, which may be more bytes.
func room(c *change.Column) int {
	switch c.Type {
	case change.TinyText, change.TinyBlob:
		return 1<<8 - 1
	case change.TextType, change.Blob:
		return 1<<16 - 1
	case change.MediumText, change.MediumBlob:
		return 1<<24 - 1
	case change.LongText, change.LongBlob, change.JSONType:
		return 1<<32 - 1
	}
	return c.Length
}

func roomFor(n int, from, to *change.Column) (string, bool) {
	if room(to) < n {
		return fmt.Sprintf("a %s needs up to %d characters, and the target has room for %d", from.Type, n, room(to)), false
	}
	return "", false
}

func sizeFits(from, to *change.Column) (string, bool) {
	if room(to) < room(from) {
		return fmt.Sprintf("it may have %d, and the target has room for %d", room(from), room(to)), true
	}
	return "", false
}

func textFits(from, to *change.Column) (string, bool) {
	switch {
	case to.Type == change.JSONType:
		return "it may be no JSON", true
	case !isText(to.Type):
		return differ(from, to), false
	case from.Charset != to.Charset && to.Charset != "utf8mb4" && from.Charset != "ascii" && from.Charset != "":
		return fmt.Sprintf("its charset is %s, and the target's %s has not all of its characters", from.Charset, to.Charset), true
	}
	return sizeFits(from, to)
}

func timeFits(from, to *change.Column) (string, bool) {
	switch {
	case isText(to.Type):
		return roomFor(26, from, to)
	case from.Type != to.Type && !(from.Type == change.DateType && to.Type == change.DateTimeType):
		return differ(from, to), false
	case to.Scale < from.Scale:
		return fmt.Sprintf("it has %d digits of a second, and the target %d", from.Scale, to.Scale), false
	}
	return "", false
}

func membersFit(from, to *change.Column) (string, bool) {
	if isText(to.Type) {
		longest := 0
		for _, m := range from.Members {
			if longest = max(longest, len([]rune(m))); from.Type == change.Set {
				longest = len([]rune(strings.Join(from.Members, ",")))
			}
		}
		return roomFor(longest, from, to)
	}
	if from.Type != to.Type {
		return differ(from, to), false
	}
	for _, m := range from.Members {
		if !slices.Contains(to.Members, m) {
			return fmt.Sprintf("the target does not have its member %q", m), true
		}
	}
	return "", false
}
