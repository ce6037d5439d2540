package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
)

// osFile is a file of the operating system as a disk.File; sendfile finds its descriptor.
type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	return info.Size(), err
}

// noDescriptor hides the descriptor.
type noDescriptor struct{ disk.File }

// filePayload is ranges of files, and counts its releases.
type filePayload struct {
	ranges   []commitlog.Range
	released *atomic.Int32
}

func oneRange(released *atomic.Int32, file disk.File, position, length int64) filePayload {
	return filePayload{[]commitlog.Range{{File: file, Position: position, Length: length}}, released}
}

func (p filePayload) Len() (n int) {
	for _, r := range p.ranges {
		n += int(r.Length)
	}
	return n
}

func (p filePayload) Ranges() []commitlog.Range { return p.ranges }
func (p filePayload) Release()                  { p.released.Add(1) }

// tcpStand is a server on a loopback socket.
type tcpStand struct {
	t       testing.TB
	server  *Server
	handler *fakeHandler
	address string
	log     *logLines
}

func newTCPStand(t testing.TB, config Config) *tcpStand {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &tcpStand{t: t, handler: newFakeHandler(), address: listener.Addr().String(), log: &logLines{}}
	s.server = New(config, s.handler, slog.New(slog.NewTextHandler(s.log, nil)))
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(listener, "PLAINTEXT") }()
	t.Cleanup(func() {
		if err := s.server.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-served; !errors.Is(err, ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
		if n := s.server.buffers.borrowed; n != 0 {
			t.Errorf("%d bytes are borrowed after the end", n)
		}
	})
	return s
}

func (s *tcpStand) dial() *peer {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	t, _ := s.t.(*testing.T)
	return &peer{t: t, Conn: conn}
}

// testFile makes a file of n random bytes.
func testFile(t testing.TB, n int) (osFile, []byte) {
	t.Helper()
	content := make([]byte, n)
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	name := filepath.Join(t.TempDir(), "0.log")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return osFile{f}, content
}

// fetchResponse is a Fetch answer with one partition for each payload.
func fetchResponse(payloads ...protocol.Payload) *protocol.FetchResponse {
	response := protocol.NewFetchResponse()
	topic := protocol.FetchResponseFetchableTopicResponse{Topic: "t"}
	for i, p := range payloads {
		topic.Partitions = append(topic.Partitions, protocol.FetchResponsePartitionData{PartitionIndex: int32(i), Records: p})
	}
	response.Responses = []protocol.FetchResponseFetchableTopicResponse{topic}
	return response
}

// readFetch reads a Fetch answer of version 4 and returns the records of its partitions.
func readFetch(t *testing.T, p *peer, id int32) [][]byte {
	t.Helper()
	got, body, err := p.read()
	if err != nil || got != id {
		t.Fatalf("answer %d: %v, want %d", got, err, id)
	}
	response := protocol.NewFetchResponse()
	if err := response.Decode(protocol.NewReader(body, protocol.Limits{}), 4); err != nil {
		t.Fatal(err)
	}
	var records [][]byte
	for _, partition := range response.Responses[0].Partitions {
		b, _ := partition.Records.(protocol.Bytes)
		records = append(records, b)
	}
	return records
}

func sendFetch(p *peer) {
	p.last++
	p.write(frame(protocol.KeyFetch, 4, p.last, "tester", protocol.NewFetchRequest()))
}

func TestFileRangesGoOut(t *testing.T) {
	file, content := testFile(t, 6<<20)
	for _, c := range []struct {
		name string
		file disk.File
	}{{"sendfile", file}, {"without a descriptor", noDescriptor{file}}} {
		t.Run(c.name, func(t *testing.T) {
			s := newTCPStand(t, roomy())
			var released atomic.Int32
			ranges := func(at ...int64) filePayload {
				p := filePayload{released: &released}
				for i := 0; i < len(at); i += 2 {
					p.ranges = append(p.ranges, commitlog.Range{File: c.file, Position: at[i], Length: at[i+1]})
				}
				return p
			}
			s.handler.on(func(call *api.Call) {
				call.Reply(fetchResponse(ranges(0, 100, 5000, 1), ranges(1<<20, 4<<20), protocol.Bytes("in memory"), ranges(), ranges(100, 100_000)))
			})
			p := s.dial()
			for id := int32(1); id <= 5; id++ {
				sendFetch(p)
				records := readFetch(t, p, id)
				want := [][]byte{append(bytes.Clone(content[:100]), content[5000]), content[1<<20 : 5<<20], []byte("in memory"), {}, content[100:100_100]}
				for i := range want {
					if !bytes.Equal(records[i], want[i]) {
						t.Fatalf("answer %d: partition %d has %d other bytes, want %d", id, i, len(records[i]), len(want[i]))
					}
				}
			}
			if err := s.server.Close(context.Background()); err != nil {
				t.Error(err)
			}
			if n := released.Load(); n != 20 {
				t.Errorf("%d payloads were released, want 20", n)
			}
			if n := s.server.Counters.SentFromFiles.Load(); n != 5*(101+4<<20+100_000) {
				t.Errorf("%d bytes were sent from files", n)
			}
		})
	}
}

// Many connections read one open file at once: each has its own position.
func TestOneFileForManyConnections(t *testing.T) {
	file, content := testFile(t, 8<<20)
	s := newTCPStand(t, roomy())
	var released atomic.Int32
	s.handler.on(func(call *api.Call) {
		request := call.Request.(*protocol.FetchRequest)
		from := int64(request.MinBytes)
		call.Reply(fetchResponse(oneRange(&released, file, from, 3<<20)))
	})
	var clients sync.WaitGroup
	for i := range 8 {
		p := s.dial()
		clients.Go(func() {
			for round := range 4 {
				from := (i*4 + round) * 100_000
				p.last++
				p.write(frame(protocol.KeyFetch, 4, p.last, "tester", &protocol.FetchRequest{MinBytes: int32(from)}))
				got := readFetch(t, p, p.last)[0]
				if sha256.Sum256(got) != sha256.Sum256(content[from:from+3<<20]) {
					t.Errorf("connection %d round %d: wrong bytes", i, round)
				}
			}
		})
	}
	clients.Wait()
}

// A file that is shorter than was promised ends the connection: what follows would be taken for something else.
func TestAShortFileEndsTheConnection(t *testing.T) {
	file, _ := testFile(t, 1000)
	for _, f := range []disk.File{file, noDescriptor{file}} {
		s := newTCPStand(t, roomy())
		var released atomic.Int32
		s.handler.on(func(call *api.Call) {
			call.Reply(fetchResponse(oneRange(&released, f, 900, 200)))
		})
		p := s.dial()
		sendFetch(p)
		if _, _, err := p.read(); err == nil {
			t.Error("an answer came")
		}
		_, _ = io.Copy(io.Discard, p)
		if err := s.server.Close(context.Background()); err != nil || released.Load() != 1 {
			t.Errorf("%v, %d releases", err, released.Load())
		}
	}
}

// Payloads are released once, wherever the connection breaks.
func TestReleasesWhenThePeerGoes(t *testing.T) {
	file, _ := testFile(t, 8<<20)
	s := newTCPStand(t, roomy())
	var released, made atomic.Int32
	heartbeats := make(chan *api.Call, 1)
	s.handler.on(func(call *api.Call) {
		if call.Key == protocol.KeyHeartbeat {
			heartbeats <- call
		} else {
			made.Add(2)
			call.Reply(fetchResponse(oneRange(&released, file, 0, 8<<20), oneRange(&released, file, 0, 10)))
		}
	})
	for i := range 30 {
		p := s.dial()
		p.send(protocol.KeyHeartbeat) // is not answered before the others
		held := <-heartbeats
		sendFetch(p)
		if i%3 > 0 {
			reply(held)
			_, _ = io.ReadFull(p, make([]byte, 1+i*200_000))
		}
		if i%2 == 0 {
			_ = p.Conn.(*net.TCPConn).SetLinger(0)
		}
		_ = p.Close()
		if i%3 == 0 {
			reply(held)
		}
	}
	if err := s.server.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if released.Load() != made.Load() {
		t.Errorf("%d payloads were released of %d", released.Load(), made.Load())
	}
}

// Requests of every size arrive whole over a socket, in pieces of every size.
func TestFramesOverASocket(t *testing.T) {
	s := newTCPStand(t, roomy())
	var sizes []int
	var mu sync.Mutex
	s.handler.on(func(call *api.Call) {
		if request, ok := call.Request.(*protocol.ProduceRequest); ok {
			records := request.TopicData[0].PartitionData[0].Records
			mu.Lock()
			sizes = append(sizes, len(records))
			mu.Unlock()
			for i, b := range records {
				if b != byte(i*31) {
					t.Errorf("byte %d of %d is wrong", i, len(records))
					break
				}
			}
		}
		reply(call)
	})
	p := s.dial()
	var stream []byte
	want := []int{10, 4000, 4096, 5000, 20_000, 60, 300_000, 1, 2 << 20, 100}
	for i, n := range want {
		request := protocol.NewProduceRequest()
		records := make([]byte, n)
		for j := range records {
			records[j] = byte(j * 31)
		}
		request.TopicData = []protocol.ProduceRequestTopicProduceData{{Name: "t", PartitionData: []protocol.ProduceRequestPartitionProduceData{{Records: records}}}}
		stream = append(stream, frame(protocol.KeyProduce, testVersion, int32(i+1), "tester", request)...)
	}
	random := rand.New(rand.NewPCG(3, 4))
	go func() {
		for len(stream) > 0 {
			n := min(len(stream), 1+random.IntN(1<<(1+random.IntN(18))))
			p.write(stream[:n])
			stream = stream[n:]
		}
	}()
	for i := range want {
		p.expect(int32(i + 1))
	}
	mu.Lock()
	defer mu.Unlock()
	if len(sizes) != len(want) {
		t.Errorf("%v arrived", sizes)
	}
	if log := s.log.String(); strings.Contains(log, "closed") {
		t.Error(log)
	}
}
