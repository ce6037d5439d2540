package consumer_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/consumer"
)

// damage changes some bytes of an answer.
func damage(r *rand.Rand, b []byte) []byte {
	for range 1 + r.IntN(4) {
		if len(b) == 0 {
			return b
		}
		at := r.IntN(len(b))
		switch r.IntN(7) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b[at] = byte(r.Uint32())
		case 2:
			b = b[:at]
		case 3:
			b = append(b[:at:at], b[min(at+1+r.IntN(8), len(b)):]...)
		case 4:
			b = append(b[:at:at], append(make([]byte, 1+r.IntN(8)), b[at:]...)...)
		case 5:
			for i := at; i < min(at+4, len(b)); i++ {
				b[i] = 0xff
			}
		case 6:
			if at+8 <= len(b) {
				binary.BigEndian.PutUint64(b[at:], []uint64{0, 1, math.MaxInt64, 1 << 63, math.MaxInt32, 1 << 31}[r.IntN(6)])
			}
		}
	}
	return b
}

// hasManyTags looks for a count of millions, wherever it may stand. kmsg walks as many tags as a struct says it has, whether
// there are bytes for them or not, so five bytes cost a core half a minute (docs/consumer.md); that is left out here.
func hasManyTags(b []byte) bool {
	for i := 0; i+5 <= len(b); i++ {
		if b[i]&b[i+1]&b[i+2]&0x80 != 0 && (b[i+3]&0x80 == 0 || b[i+4]&0xf0 == 0) {
			return true
		}
	}
	return false
}

// throttles reports an answer after which a consumer waits for weeks.
func throttles(a *answer) bool {
	resp := kmsg.ResponseForKey(a.key)
	resp.SetVersion(a.version)
	t, ok := resp.(kmsg.ThrottleResponse)
	if !ok || resp.ReadFrom(a.body) != nil {
		return false
	}
	millis, _ := t.Throttle()
	return millis > 1000
}

// TestHostileSeeds lets a broker spoil a part of its answers, whatever they are. Nothing panics, hangs or grows; what is
// delivered was written; and what is written to the broker when it is honest again is read. HOSTILE_SEEDS says how many seeds; HOSTILE_SEED replays one.
func TestHostileSeeds(t *testing.T) {
	first, seeds := uint64(0), uint64(60)
	if n, err := strconv.ParseUint(os.Getenv("HOSTILE_SEEDS"), 10, 64); err == nil {
		seeds = n
	}
	if n, err := strconv.ParseUint(os.Getenv("HOSTILE_SEED"), 10, 64); err == nil {
		first, seeds = n, 1
	}
	told := 0
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { told += spoiledAtRandom(t, seed) })
	}
	if seeds > 10 && told == 0 {
		t.Error("no seed made the consumer tell of an error: nothing was spoiled that it looks at")
	}
}

func spoiledAtRandom(t *testing.T, seed uint64) (told int) {
	inBubble(t, 1, func(b *bed) {
		random := rand.New(rand.NewPCG(seed, 1))
		b.topic("orders", 2)
		b.produce("orders", 2, 0, hostileRecords)
		broker := &hostile{node: b.node}
		often := []float64{0.02, 0.1, 0.5}[random.IntN(3)]
		broker.turn(func(a *answer) {
			if a.key == kmsg.ApiVersions.Int16() || random.Float64() >= often { // kgo asks a node for its versions once
				return
			}
			if a.body = damage(random, bytes.Clone(a.body)); hasManyTags(a.body) || throttles(a) {
				a.body = nil
			}
			a.changed = true
		})
		var log notes
		c := b.through(broker, &log)
		b.must(c.Subscribe("orders"))
		seen := map[int]int{}
		fatal := false
		for began := time.Now(); time.Since(began) < time.Minute && !fatal; {
			if err := b.take(c, seen, 2*time.Second); err != nil {
				told++
				fatal = !goesOn(err)
			}
		}
		broker.turn(nil)
		b.node.CutConnections()
		b.must(c.Unsubscribe()) // what the coordinator was told in its name counts until the group rebalances
		for began := time.Now(); time.Since(began) < 10*time.Second && !fatal; {
			err := b.take(c, seen, time.Second)
			fatal = err != nil && !goesOn(err)
		}
		if fatal { // the application begins anew
			b.closes(c)
			c = b.through(broker, &log)
		}
		b.must(c.Subscribe("orders"))
		b.readAgain(c, seen)
		b.closes(c)
	})
	return told
}

// readAgain has the consumer begin anew, in an honest world.
func (b *bed) readAgain(c *consumer.Consumer, seen map[int]int) {
	b.Helper()
	b.produce("orders", 2, hostileRecords, hostileRecords+10)
	for began := time.Now(); !allOf(seen, hostileRecords, hostileRecords+10) && time.Since(began) < 3*time.Minute; {
		_ = b.take(c, seen, time.Second)
	}
	if !allOf(seen, hostileRecords, hostileRecords+10) {
		b.Errorf("what was written to an honest broker was not read: %v", c.Explain())
	}
}

func allOf(seen map[int]int, first, last int) bool {
	for i := first; i < last; i++ {
		if seen[i] == 0 {
			return false
		}
	}
	return true
}

// goesOn reports an error after which the consumer tries on by itself.
func goesOn(err error) bool {
	return !errors.Is(err, consumer.ErrFatal) && !errors.Is(err, consumer.ErrFenced)
}

// FuzzHostileAnswers writes bytes into the answers of one API. The consumer may be told, or try on; it does not panic or hang,
// and delivers nothing that was not written.
func FuzzHostileAnswers(f *testing.F) {
	keys := []kmsg.Key{kmsg.Fetch, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.OffsetFetch}
	for which := range keys {
		f.Add(uint8(which), uint16(0), []byte{0xff, 0xff, 0xff, 0xff})
		f.Add(uint8(which), uint16(20), []byte{0x7f})
		f.Add(uint8(which), uint16(60), make([]byte, 20))
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint16, patch []byte) {
		key := keys[int(which)%len(keys)].Int16()
		inBubble(t, 1, func(b *bed) {
			b.topic("orders", 2)
			b.produce("orders", 2, 0, hostileRecords)
			broker := &hostile{node: b.node}
			broker.turn(func(a *answer) {
				if a.key != key {
					return
				}
				a.body, a.changed = bytes.Clone(a.body), true
				if int(at) < len(a.body) {
					copy(a.body[at:], patch)
				} else {
					a.body = append(a.body, patch...)
				}
				if hasManyTags(a.body) || throttles(a) {
					a.body = nil
				}
			})
			var log notes
			c := b.through(broker, &log)
			b.must(c.Subscribe("orders"))
			seen := map[int]int{}
			for began := time.Now(); time.Since(began) < 15*time.Second; {
				if err := b.take(c, seen, 2*time.Second); err != nil && !goesOn(err) {
					break
				}
			}
			b.closes(c)
		})
	})
}
