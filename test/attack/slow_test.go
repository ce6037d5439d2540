package attack

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/record"
)

// plain is a batch of one record of size bytes that do not compress.
func plain(t *testing.T, size int) []byte {
	t.Helper()
	b := record.NewBuilder()
	if err := b.Add(time.Now().UnixMilli(), nil, make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	made, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func fetchRequest(topic string, bytes int32) *kmsg.FetchRequest {
	request := kmsg.NewPtrFetchRequest()
	request.MaxWaitMillis, request.MinBytes, request.MaxBytes = 100, 1, bytes
	p := kmsg.NewFetchRequestTopicPartition()
	p.PartitionMaxBytes = bytes
	request.Topics = []kmsg.FetchRequestTopic{{Topic: topic, Partitions: []kmsg.FetchRequestTopicPartition{p}}}
	return request
}

// serves makes sure that somebody else is served now.
func (b *broker) serves() {
	b.t.Helper()
	w := b.dial()
	if code := w.produce("t", 0, plain(b.t, 10)); code != 0 {
		b.t.Errorf("somebody else's Produce: error %d", code)
	}
	w.Close()
}

// TestSlowReaders has a hundred connections ask for ten answers of many MiB each and read none of them.
func TestSlowReaders(t *testing.T) {
	b := serve(t)
	w := b.dial().hello()
	w.create("t", 1)
	w.create("wide", 1000)
	for range 20 {
		if code := w.produce("t", 0, plain(t, 1<<20-100)); code != 0 {
			t.Fatalf("Produce: error %d", code)
		}
	}
	topics := kmsg.NewPtrMetadataRequest()
	grown := b.grew(func() {
		for range often(100) {
			slow := b.dial()
			_ = slow.Conn.(*net.TCPConn).SetReadBuffer(4096)
			for i := range 10 {
				var err error
				if i%2 == 0 {
					err = slow.send(fetchRequest("t", 50<<20), 11)
				} else {
					err = slow.send(topics, 5)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		b.serves()
	})
	if grown > 64<<20 {
		t.Errorf("a hundred slow readers took %d MiB", grown>>20)
	}
}

// TestSlowWriters has a thousand connections send the beginning of a request, and nothing more: they are closed when the
// handshake's time is over, whether a few bytes came or a claim of a large frame.
func TestSlowWriters(t *testing.T) {
	b := serve(t, "connection.handshake.timeout.ms=5000", "connection.stall.timeout.ms=5000")
	b.dial().create("t", 1)
	grown := b.grew(func() {
		var slow []*wire
		for i := range often(1000) {
			w := b.dial()
			claim := [][]byte{{0}, {0, 0, 0xff, 0xff}, {0, 0, 0, 60, 0, 18, 0, 0, 0, 0}}[i%3]
			if i%4 == 0 { // known, and so trusted with a large frame: 90 MiB are to come
				w.hello()
				claim = []byte{5, 0xa0, 0, 0, 0, 0, 0, 9}
			}
			if _, err := w.Write(claim); err != nil {
				t.Fatal(err)
			}
			slow = append(slow, w)
		}
		b.serves()
		for _, w := range slow[:min(len(slow), 300)] {
			_ = w.SetReadDeadline(time.Now().Add(patience))
			if _, err := w.Read(make([]byte, 1)); err == nil || isTimeout(err) {
				t.Fatalf("a slow connection was not closed: %v", err)
			}
		}
	})
	if grown > 96<<20 {
		t.Errorf("a thousand slow writers took %d MiB", grown>>20)
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

// TestConnectionStorm opens ten thousand connections, a hundred at a time. Some ask, some say nothing, some say nonsense.
func TestConnectionStorm(t *testing.T) {
	b := serve(t)
	b.dial().create("t", 1)
	grown := b.grew(func() {
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				for j := range often(100) {
					conn, err := net.Dial("tcp", b.address)
					if err != nil {
						t.Error(err)
						return
					}
					w := &wire{t: t, Conn: conn}
					switch (i + j) % 4 {
					case 0:
						ask[*kmsg.ApiVersionsResponse](w, kmsg.NewPtrApiVersionsRequest(), 3)
					case 1:
						_, _ = w.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
					case 2:
						_, _ = w.Write([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3})
					}
					w.Close()
				}
			})
		}
		all.Wait()
		b.serves()
	})
	if grown > 64<<20 {
		t.Errorf("the storm took %d MiB", grown>>20)
	}
}

// TestCountlessRequests sends two hundred thousand requests on one connection before it reads the first answer.
func TestCountlessRequests(t *testing.T) {
	b := serve(t)
	const requests = 200_000
	grown := b.grew(func() {
		w := b.dial()
		written := make(chan error, 1)
		go func() {
			one := frame(kmsg.NewPtrApiVersionsRequest(), 0, 1)
			chunk := bytes.Repeat(one, 1000)
			for range requests / 1000 {
				if _, err := w.Write(chunk); err != nil {
					written <- err
					return
				}
			}
			written <- nil
		}()
		for range requests {
			if _, err := w.receive(kmsg.NewPtrApiVersionsRequest()); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
	})
	if grown > 32<<20 {
		t.Errorf("requests of one connection took %d MiB", grown>>20)
	}
}
