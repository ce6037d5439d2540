package protocol

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

var (
	vectorsFile   = flag.String("vectors", "", "write random bodies of every message to this `file`, for generate/oracle")
	vectorsRounds = flag.Int("rounds", 1, "how many bodies of each message and version -vectors writes")
)

// kafkaClass is the name of a message in Kafka's schemas, and the versions that Kafka's class of it knows.
type kafkaClass struct {
	name            string
	construct       func() versionedMessage
	lowest, highest int16
	oracle          bool // kmsg knows it too
}

// kafkaClasses lists every generated message.
func kafkaClasses() []kafkaClass {
	var list []kafkaClass
	add := func(name string, construct func() Message, oracle bool) {
		c := kafkaClass{name: name, construct: func() versionedMessage { return construct().(versionedMessage) }, oracle: oracle}
		c.lowest, c.highest = c.construct().Versions()
		switch { // where ours are wider than Kafka 4's
		case strings.HasPrefix(name, "CreateTopics"):
			c.lowest = 2
		case strings.HasPrefix(name, "DeleteTopics"):
			c.lowest = 1
		}
		list = append(list, c)
	}
	for key := Key(0); int(key) < len(apis); key++ {
		if NewRequest(key) != nil {
			add(key.String()+"Request", func() Message { return NewRequest(key) }, key != KeyInitProducerID)
			add(key.String()+"Response", func() Message { return NewResponse(key) }, key != KeyInitProducerID)
		}
	}
	record := func(m Message, construct func() Message) {
		if m != nil {
			add(strings.ReplaceAll(strings.TrimPrefix(fmt.Sprintf("%T", m), "*protocol."), "IDs", "Ids"), construct, false)
		}
	}
	for number := int16(0); number < 100; number++ {
		record(newRecordKey(number), func() Message { return newRecordKey(number) })
		record(newRecordValue(number), func() Message { return newRecordValue(number) })
		record(newMetadataRecord(number), func() Message { return newMetadataRecord(number) })
	}
	for _, m := range []func() Message{
		func() Message { return NewRequestHeader() }, func() Message { return NewResponseHeader() },
		func() Message { return NewConsumerProtocolSubscription() }, func() Message { return NewConsumerProtocolAssignment() },
		func() Message { return NewDefaultPrincipalData() }, func() Message { return NewEndTxnMarker() },
		func() Message { return NewControlRecordTypeSchema() }, func() Message { return NewAbortedTxn() },
		func() Message { return NewLeaderChangeMessage() }, func() Message { return NewSnapshotHeaderRecord() },
		func() Message { return NewSnapshotFooterRecord() }, func() Message { return NewKRaftVersionRecord() },
		func() Message { return NewVotersRecord() },
	} {
		record(m(), m)
	}
	return list
}

// testdata/kafka_vectors.txt holds bodies that Kafka 4.4's own classes have read and written back unchanged, of the
// messages that kmsg does not know: name, version, body. To renew it, run this test with -vectors FILE, let
// generate/oracle/check.sh pass, and keep the lines of those messages.
func TestKafkaVectors(t *testing.T) {
	if *vectorsFile != "" {
		writeVectors(t)
		return
	}
	classes := map[string]kafkaClass{}
	missing := map[string]bool{}
	for _, c := range kafkaClasses() {
		classes[c.name] = c
		for version := c.lowest; version <= c.highest && !c.oracle; version++ {
			missing[fmt.Sprintf("%s v%d", c.name, version)] = true
		}
	}
	file, err := os.Open("testdata/kafka_vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, version, body := vector(t, lines.Text())
		m := classes[name].construct()
		r := NewReader(body, Limits{})
		if err := m.Decode(r, version); err != nil || len(r.Remaining()) > 0 {
			t.Errorf("%s v%d: %v, %d bytes left", name, version, err, len(r.Remaining()))
		}
		if got := AppendMessage(nil, m, version); !bytes.Equal(got, body) {
			t.Errorf("%s v%d:\n got %x\nwant %x", name, version, got, body)
		}
		delete(missing, fmt.Sprintf("%s v%d", name, version))
	}
	for what := range missing {
		t.Errorf("no vector of %s", what)
	}
}

func vector(t *testing.T, line string) (name string, version int16, body []byte) {
	words := strings.Split(line, " ")
	number, err := strconv.ParseInt(words[1], 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	body, err = hex.DecodeString(words[2])
	if err != nil {
		t.Fatal(err)
	}
	return words[0], int16(number), body
}

func writeVectors(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	var out bytes.Buffer
	for _, c := range kafkaClasses() {
		for version := c.lowest; version <= c.highest; version++ {
			for range *vectorsRounds {
				m := filler{rng, version}.message(c.construct()).(Message)
				fmt.Fprintf(&out, "%s %d %x\n", c.name, version, AppendMessage(nil, m, version))
			}
		}
	}
	if err := os.WriteFile(*vectorsFile, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
