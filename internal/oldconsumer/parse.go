package oldconsumer

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ParseOffset reads an offset: a decimal number of at least 0.
func ParseOffset(data []byte) (int64, error) {
	offset, err := strconv.ParseInt(string(data), 10, 64)
	switch {
	case len(data) == 0:
		return 0, errors.New("it is empty, and should be a number")
	case err != nil:
		return 0, fmt.Errorf("%s is no number that an offset can be", quoted(data))
	case offset < 0:
		return 0, fmt.Errorf("%d is less than 0", offset)
	}
	return offset, nil
}

// ParsePartition reads the name of a znode that stands for a partition.
func ParsePartition(name string) (int32, error) {
	partition, err := strconv.ParseInt(name, 10, 32)
	if err == nil && partition >= 0 && strconv.FormatInt(partition, 10) == name {
		return int32(partition), nil
	}
	if broker, rest, ok := strings.Cut(name, "-"); ok && digits(broker) && digits(rest) {
		return 0, fmt.Errorf("%q is a partition of Kafka 0.7 (BROKER-PARTITION), whose offsets are places in files and mean nothing since 0.8", name)
	}
	return 0, fmt.Errorf("%s is no partition", quoted([]byte(name)))
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// idDocument is the JSON of a member. Its other fields (version, pattern, timestamp) say nothing about who owns what.
type idDocument struct {
	Subscription map[string]int `json:"subscription"`
}

// ParseID reads what a member wants: the number of its streams by topic, or by pattern.
func ParseID(data []byte) (map[string]int, error) {
	var d idDocument
	if err := parseJSON(data, &d); err != nil {
		return nil, err
	}
	if d.Subscription == nil {
		return nil, fmt.Errorf("%s has no subscription", quoted(data))
	}
	for topic, streams := range d.Subscription {
		if streams < 1 || streams > streamsMax {
			return nil, fmt.Errorf("%d streams of %q", streams, topic)
		}
	}
	return d.Subscription, nil
}

// streamsMax is more streams of one member than there are partitions of a topic.
const streamsMax = 1 << 20

// FormatID is the JSON of a member.
func FormatID(subscription map[string]int) []byte {
	b, err := json.Marshal(struct {
		Version      int            `json:"version"`
		Subscription map[string]int `json:"subscription"`
		Pattern      string         `json:"pattern"`
		Timestamp    string         `json:"timestamp"`
	}{1, subscription, "static", "0"})
	if err != nil {
		panic(err) // strings and numbers have JSON
	}
	return b
}

// ParseTopic reads the partitions of a topic, in order.
func ParseTopic(data []byte) ([]int32, error) {
	var d struct {
		Partitions map[string][]int32 `json:"partitions"`
	}
	if err := parseJSON(data, &d); err != nil {
		return nil, err
	}
	var partitions []int32
	for name := range maps.Keys(d.Partitions) {
		p, err := ParsePartition(name)
		if err != nil {
			return nil, err
		}
		partitions = append(partitions, p)
	}
	slices.Sort(partitions)
	return partitions, nil
}

// FormatTopic is the JSON of a topic whose partitions 0 to n-1 have one replica each, all on one broker.
func FormatTopic(partitions int, broker int32) []byte {
	d := struct {
		Version    int                `json:"version"`
		Partitions map[string][]int32 `json:"partitions"`
	}{1, map[string][]int32{}}
	for p := range partitions {
		d.Partitions[strconv.Itoa(p)] = []int32{broker}
	}
	b, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings and numbers have JSON
	}
	return b
}

func parseJSON(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s is not the JSON that it should be: %w", quoted(data), err)
	}
	return nil
}

// MemberOf is the member that a stream belongs to: MEMBER-STREAM.
func MemberOf(stream string) string {
	if i := strings.LastIndexByte(stream, '-'); i > 0 && digits(stream[i+1:]) {
		return stream[:i]
	}
	return stream
}

// quotedMax is how much of what cannot be understood is shown.
const quotedMax = 60

func quoted(data []byte) string {
	s := string(data)
	if len(s) <= quotedMax {
		return strconv.QuoteToASCII(s)
	}
	cut := quotedMax
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.QuoteToASCII(s[:cut]) + fmt.Sprintf("... (%d bytes)", len(s))
}
