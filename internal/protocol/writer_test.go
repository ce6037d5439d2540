package protocol

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// placed is a Payload of which the Writer knows only the length.
type placed int

func (p placed) Len() int { return int(p) }

func fetchWith(records ...Payload) *FetchResponse {
	topic := NewFetchResponseFetchableTopicResponse()
	topic.Topic = "t"
	for _, r := range records {
		p := NewFetchResponsePartitionData()
		p.Records = r
		topic.Partitions = append(topic.Partitions, p)
	}
	m := NewFetchResponse()
	m.Responses = append(m.Responses, topic)
	return m
}

// A frame with Payloads in it is what it would be with their bytes in their place, the frame's length included.
func TestSegmentsAreTheBytesWithoutThePayloads(t *testing.T) {
	for version := int16(4); version <= 18; version++ {
		var whole, cut Writer
		for w, m := range map[*Writer]*FetchResponse{
			&whole: fetchWith(Bytes("first"), nil, Bytes(""), Bytes(strings.Repeat("x", 300)), Bytes("last")),
			&cut:   fetchWith(placed(5), nil, placed(0), placed(300), Bytes("last")),
		} {
			frame := w.BeginFrame()
			m.Encode(w, version)
			w.EndFrame(frame)
		}
		contents := map[placed]string{5: "first", 0: "", 300: strings.Repeat("x", 300)}
		var got []byte
		payloads := 0
		for _, s := range cut.Segments() {
			got = append(got, s.Bytes...)
			if s.Payload != nil {
				got = append(got, contents[s.Payload.(placed)]...)
				payloads++
			}
		}
		if !bytes.Equal(got, whole.Bytes()) || cut.Len() != whole.Len() || payloads != 3 {
			t.Errorf("v%d: %d payloads, Len %d\n got %x\nwant %x", version, payloads, cut.Len(), got, whole.Bytes())
		}
	}
}

func TestTwoFramesInOneWriter(t *testing.T) {
	w := NewWriter(make([]byte, 100))
	for _, p := range []Payload{placed(1000), Bytes("abc")} {
		frame := w.BeginFrame()
		fetchWith(p).Encode(w, 4)
		w.EndFrame(frame)
	}
	segments := w.Segments()
	if len(segments) != 2 || segments[1].Payload != nil {
		t.Fatalf("%+v", segments)
	}
	first, rest := segments[0].Bytes, segments[1].Bytes
	if got := hex.EncodeToString(first[:4]); got != "00000415" { // 1000 and 45
		t.Errorf("first frame's length %s, its bytes without the payload are %d", got, len(first)-4)
	}
	if got := int(rest[3]); got != len(rest)-4 {
		t.Errorf("second frame's length %d, it has %d", got, len(rest)-4)
	}
}

func TestResetForgetsPayloads(t *testing.T) {
	var w Writer
	fetchWith(placed(5)).Encode(&w, 18)
	_ = w.Segments()
	w.Reset()
	if w.Len() != 0 || len(w.Bytes()) != 0 {
		t.Errorf("%d bytes after Reset", w.Len())
	}
	fetchWith(Bytes("z")).Encode(&w, 18)
	if want := AppendMessage(nil, fetchWith(Bytes("z")), 18); !bytes.Equal(w.Bytes(), want) {
		t.Errorf("got %x, want %x", w.Bytes(), want)
	}
}

func TestBytesOfAWriterWithPayloadsPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	AppendMessage(nil, fetchWith(placed(5)), 18)
}

// A tagged field whose size takes two and three bytes.
func TestLongTaggedFields(t *testing.T) {
	for _, n := range []int{0, 100, 117, 118, 119, 130, 5000, 20000} {
		m := NewFetchRequest()
		id := strings.Repeat("c", n)
		m.ClusterID = &id
		m.ReplicaState.ReplicaID = 7
		got := NewFetchRequest()
		r := NewReader(AppendMessage(nil, m, 18), Limits{})
		if err := got.Decode(r, 18); err != nil || len(r.Remaining()) > 0 {
			t.Fatalf("%d: %v", n, err)
		}
		if *got.ClusterID != id || got.ReplicaState.ReplicaID != 7 {
			t.Errorf("%d: %+v", n, got)
		}
	}
}

// What the protocol cannot say is written as the nearest it can.
func TestNullAndLengthThatTheVersionLacks(t *testing.T) {
	m := NewSaslHandshakeRequest()
	m.Mechanism = strings.Repeat("m", 40000)
	if b := AppendMessage(nil, m, 1); len(b) != 2+32767 || b[0] != 0x7f || b[1] != 0xff {
		t.Errorf("%d bytes that begin with %x", len(b), b[:2])
	}
	topics := NewMetadataRequest()
	topics.Topics = nil
	if got := hex.EncodeToString(AppendMessage(nil, topics, 0)); got != "00000000" {
		t.Errorf("no null in v0: %s", got)
	}
	if got := hex.EncodeToString(AppendMessage(nil, topics, 1)); got != "ffffffff" {
		t.Errorf("null in v1: %s", got)
	}
}
