package rows

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/binlog/internal/number"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/arena"
)

// fixed are the sizes of types that need no more than their type to know it, in bytes.
var fixed = [256]int{
	event.Tiny: 1, event.Short: 2, event.Int24: 3, event.Long: 4, event.LongLong: 8, event.Float: 4, event.Double: 8, event.Year: 1,
	event.Date: 3, event.NewDate: 3,
}

// read reads a value from the front of b and tells how long it is there.
func (c *column) read(b []byte, a *arena.Arena) (change.Value, int, error) {
	if n := fixed[c.wire]; n > 0 {
		if n > len(b) {
			return change.Value{}, 0, errCut
		}
		return c.number(b), n, nil
	}
	switch c.wire {
	case event.NewDecimal:
		return c.decimal(b, a)
	case event.Bit:
		n := (c.meta + 7) / 8
		if n > len(b) {
			return change.Value{}, 0, errCut
		}
		return change.BitsValue(bigEndian(b[:n])), n, nil
	case event.Time, event.Time2, event.DateTime, event.DateTime2, event.Timestamp, event.Timestamp2:
		return c.temporal(b)
	case event.Enum, event.Set:
		if c.meta > len(b) {
			return change.Value{}, 0, errCut
		}
		v, err := c.choice(littleEndian(b[:c.meta]), a)
		return v, c.meta, err
	}
	content, n, err := c.content(b)
	if err != nil {
		return change.Value{}, 0, err
	}
	v, err := c.characters(content, a)
	return v, n, err
}

// number reads what has a fixed size, of which there is enough.
func (c *column) number(b []byte) change.Value {
	switch c.wire {
	case event.Float:
		return change.FloatValue(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case event.Double:
		return change.DoubleValue(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case event.Year:
		if b[0] == 0 {
			return change.UintValue(0)
		}
		return change.UintValue(1900 + uint64(b[0]))
	case event.Date, event.NewDate:
		n := littleEndian(b[:3])
		return change.DateValue(int(n>>9), int(n>>5&15), int(n&31))
	}
	size := fixed[c.wire]
	n := littleEndian(b[:size])
	if c.unsigned {
		return change.UintValue(n)
	}
	shift := 64 - 8*size
	return change.IntValue(int64(n<<shift) >> shift)
}

func (c *column) decimal(b []byte, a *arena.Arena) (change.Value, int, error) {
	precision, scale := c.meta>>8, c.meta&0xff
	n, err := number.DecimalSize(precision, scale)
	if err != nil {
		return change.Value{}, 0, err
	}
	if n > len(b) {
		return change.Value{}, 0, errCut
	}
	text, err := number.AppendDecimal(a.Buffer(precision+3), b[:n], precision, scale)
	return change.DecimalValue(a.Keep(text)), n, err
}

// choice tells an ENUM by its number, of which 0 is the empty text of a value that was refused, or a SET by its bits.
func (c *column) choice(n uint64, a *arena.Arena) (change.Value, error) {
	if c.wire == event.Enum {
		if n > uint64(len(c.members)) {
			return change.Value{}, fmt.Errorf("an ENUM of %d names has the number %d", len(c.members), n)
		}
		if n == 0 {
			return change.TextValue([]byte{}), nil
		}
		return change.TextValue(c.members[n-1]), nil
	}
	if bits.Len64(n) > len(c.members) {
		return change.Value{}, fmt.Errorf("a SET of %d names has the bits %b", len(c.members), n)
	}
	size := 0
	for rest := n; rest != 0; rest &= rest - 1 {
		size += len(c.members[bits.TrailingZeros64(rest)]) + 1
	}
	text := a.Buffer(size)
	for rest := n; rest != 0; rest &= rest - 1 {
		if rest != n {
			text = append(text, ',')
		}
		text = append(text, c.members[bits.TrailingZeros64(rest)]...)
	}
	return change.TextValue(a.Keep(text)), nil
}

func littleEndian(b []byte) uint64 {
	n := uint64(0)
	for i, x := range b {
		n |= uint64(x) << (8 * i)
	}
	return n
}

func bigEndian(b []byte) uint64 {
	n := uint64(0)
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return n
}
