package protocol

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// allocatedBy measures the bytes that f allocates. Nothing else may run meanwhile.
func allocatedBy(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// decodeWithin decodes body and fails the test if that allocates more than 8 times the input and 1 MiB.
func decodeWithin(t testing.TB, m Message, version int16, body []byte) error {
	t.Helper()
	return decodeWithinLimit(t, m, version, body, Limits{}, 8*len(body)+1<<20)
}

func decodeWithinLimit(t testing.TB, m Message, version int16, body []byte, limits Limits, limit int) error {
	t.Helper()
	var err error
	spent := allocatedBy(func() { err = m.Decode(NewReader(body, limits), version) })
	if spent > limit {
		t.Errorf("%T v%d: %d bytes allocated for %d bytes of input, %d are allowed; %v", m, version, spent, len(body), limit, err)
	}
	return err
}

// The body that keeps kmsg v1.15 busy for 37 s: two names of one letter and 2^32-1 tagged fields.
func TestNineBytesOfApiVersionsEndAtOnce(t *testing.T) {
	body := []byte{2, 'a', 2, 'b', 0xff, 0xff, 0xff, 0xff, 0x0f}
	var r Reader
	r.Reset(body, Limits{})
	err := NewApiVersionsRequest().Decode(&r, 3)
	if !errors.Is(err, errTags) || CodeOf(err) != InvalidRequest {
		t.Fatal(err)
	}
	if want := "INVALID_REQUEST: ApiVersionsRequest v3: tagged fields at byte 9: "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %q", err)
	}
}

func TestErrorsNameMessageFieldAndPlace(t *testing.T) {
	for _, c := range []struct {
		body  string
		cause error
		want  string
	}{
		{"ffff 0001 00000000 00000001 0001 74 00000001 00000000 00000005 6161", errShort, "ProduceRequest v7: PartitionProduceData.Records at byte 27: "},
		{"ffff 0001 00000000 7fffffff", errArray, "ProduceRequest v7: TopicData at byte 12: "},
		{"ffff 0001 00000000 00000001 ffff 00000000", errNull, "ProduceRequest v7: TopicProduceData.Name at byte 14: "},
		{"ffff 0001 00000000 00000001 7fff 61", errShort, "ProduceRequest v7: TopicProduceData.Name at byte 14: "},
		{"", errShort, "ProduceRequest v7: TransactionalID at byte 0: "},
	} {
		err := NewProduceRequest().Decode(NewReader(unspaced(c.body), Limits{}), 7)
		if !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.body, err)
		}
	}
}

func TestCompactLengthsThatLie(t *testing.T) {
	for _, c := range []struct {
		body  string
		cause error
	}{
		{"ffffffff0f", errLong},                                                // a string of 2^32-2 bytes
		{"8180 02", errLong},                                                   // 32768 bytes, one too many
		{"ffffffff1f", errVarint},                                              // 33 bits
		{"ffffffffff01", errVarint},                                            // six bytes
		{"00 0001 00000000 ffffffff0f", errArray},                              // 2^32-2 topics
		{"00 0001 00000000 01 01 7f ffffffff0f", errShort},                     // a tagged field of 2^32-1 bytes
		{"00 0001 00000000 01 91 4e" + strings.Repeat("7f00", 10001), errTags}, // 10,001 tagged fields that are all there
	} {
		err := NewProduceRequest().Decode(NewReader(unspaced(c.body), Limits{}), 9)
		if !errors.Is(err, c.cause) {
			t.Errorf("%.40s: %v, want %v", c.body, err, c.cause)
		}
	}
	body := unspaced("00 0001 00000000 01 90 4e" + strings.Repeat("7f00", 10000))
	if err := NewProduceRequest().Decode(NewReader(body, Limits{}), 9); err != nil {
		t.Errorf("10,000 tagged fields: %v", err)
	}
}

func TestTaggedFieldLongerThanItsValue(t *testing.T) {
	response := unspaced("00000000 0000 00000000 01 | 01 00 03 01 00 00")
	if err := NewFetchResponse().Decode(NewReader(response, Limits{}), 16); !errors.Is(err, errTagSize) {
		t.Error(err)
	}
}

// More elements than Kafka's 1,000,000 are refused even if they are all there.
func TestAMillionElementsAreTheMost(t *testing.T) {
	for n, want := range map[int]error{arrayElementsMax: nil, arrayElementsMax + 1: errArray} {
		m := NewBrokerHeartbeatRequest()
		m.OfflineLogDirs = make([]UUID, n)
		err := decodeWithin(t, NewBrokerHeartbeatRequest(), 1, AppendMessage(nil, m, 1))
		if !errors.Is(err, want) {
			t.Errorf("%d: %v", n, err)
		}
	}
}

func TestBudgetIsTheCallers(t *testing.T) {
	m := NewMetadataRequest()
	m.Topics = make([]MetadataRequestTopic, 100)
	body := AppendMessage(nil, m, 12)
	if err := NewMetadataRequest().Decode(NewReader(body, Limits{AllocBytesMax: 5000}), 12); err != nil {
		t.Error(err)
	}
	if err := NewMetadataRequest().Decode(NewReader(body, Limits{AllocBytesMax: 500}), 12); !errors.Is(err, errBudget) {
		t.Error(err)
	}
}

// bloated returns copies of m, each with another one of its slices n elements long and every other one element long.
func bloated(construct func() any, n int) []any {
	var list []any
	for big := 0; ; big++ {
		m := construct()
		seen := 0
		bloat(reflect.ValueOf(m).Elem(), n, big, &seen)
		if seen <= big {
			return list
		}
		list = append(list, m)
	}
}

func bloat(v reflect.Value, n, big int, seen *int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			bloat(v.Field(i), n, big, seen)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		bloat(v.Elem(), n, big, seen)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		size := 1
		if *seen == big {
			size = n
		}
		*seen++
		v.Set(reflect.MakeSlice(v.Type(), size, size))
		if size == 1 {
			bloat(v.Index(0), n, big, seen)
		}
	}
}

// Arrays of the smallest elements, which make kmsg's requests expand up to 80 times, stay within the budget. What the
// budget does not count, the Reader and the error, is allowed 16 KiB.
func TestSmallestElementsStayWithinTheBudget(t *testing.T) {
	refused := 0
	for _, s := range sides() {
		for _, version := range []int16{s.lowest, s.highest} {
			for _, m := range bloated(func() any { return s.ours() }, 2000) {
				body := AppendMessage(nil, m.(Message), version)
				budget := 8*len(body) + 4096
				err := decodeWithinLimit(t, s.ours(), version, body, Limits{AllocBytesMax: budget}, budget+16<<10)
				if errors.Is(err, errBudget) {
					refused++
				} else if err != nil {
					t.Errorf("%T v%d: %v", m, version, err)
				}
			}
		}
	}
	if refused < 50 {
		t.Errorf("only %d messages expanded enough to be refused: the test no longer tests", refused)
	}
	t.Logf("%d refused", refused)
}

// Noise of every kind is answered or refused, within the budget.
func TestNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	noise := make([]byte, 64<<10)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	bodies := [][]byte{noise, make([]byte, 64<<10), bytes.Repeat([]byte{1}, 64<<10), bytes.Repeat([]byte{0xff}, 64<<10),
		bytes.Repeat([]byte{0, 1}, 32<<10), bytes.Repeat([]byte{2, 0x7f}, 32<<10), []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}
	for key := Key(0); int(key) < len(apis); key++ {
		lowest, highest := Decodable(key)
		for version := lowest; version <= highest; version++ {
			for _, body := range bodies {
				_ = decodeWithin(t, NewRequest(key), version, body)
				_ = decodeWithin(t, NewRequest(key), version, body[:rng.IntN(100)%len(body)])
			}
		}
	}
}

// A message cut short at any byte is refused, not misread.
func TestCutShort(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for _, s := range sides() {
		for _, version := range []int16{s.lowest, s.highest} {
			whole := AppendMessage(nil, filler{rng, version}.message(s.ours()).(Message), version)
			for n := range min(len(whole), 200) {
				if err := s.ours().Decode(NewReader(whole[:n], Limits{}), version); err == nil {
					t.Errorf("%s v%d: %d of %d bytes were enough", s.name, version, n, len(whole))
				}
			}
		}
	}
}
