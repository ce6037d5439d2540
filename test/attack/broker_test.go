package attack

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// binary under test, which TestMain builds.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "skein-attack-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "skein")
	build := exec.Command("go", "build", "-o", program, "github.com/skein-io/skein/cmd/skein")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	code := 1
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// patience is how long a test waits for what must happen at last; only a test that fails gets near it.
const patience = 3 * time.Minute

// often is n, times what the environment has as ATTACK.
func often(n int) int {
	if times, err := strconv.Atoi(os.Getenv("ATTACK")); err == nil && times > 0 {
		return n * times
	}
	return n
}

// decompressors is how many processors the broker has, and so how many batches it decompresses at a time.
const decompressors = 2

// broker is a process of the binary.
type broker struct {
	t       *testing.T
	address string
	dir     string
	pid     int
}

// serve starts the binary with these properties, and ends it with the test.
func serve(t *testing.T, set ...string) *broker {
	t.Helper()
	dir := t.TempDir()
	args := []string{"serve", "--listen", "127.0.0.1:0", "--data-dir", dir}
	for _, s := range set {
		args = append(args, "--set", s)
	}
	cmd := exec.Command(program, args...)
	// As for a container of 512 MiB with two processors, however many the machine has.
	cmd.Env = []string{"GOMEMLIMIT=400MiB", fmt.Sprintf("GOMAXPROCS=%d", decompressors)}
	cmd.Stderr = testWriter{t}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the broker ended badly: %v", err)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		for _, word := range strings.Fields(lines.Text()) {
			if host, port, err := net.SplitHostPort(strings.Trim(word, ",.;")); err == nil && host == "127.0.0.1" && port != "0" {
				go func() { _, _ = io.Copy(io.Discard, out) }()
				return &broker{t: t, dir: dir, address: net.JoinHostPort(host, port), pid: cmd.Process.Pid}
			}
		}
	}
	t.Fatal("the broker did not say where it listens")
	return nil
}

// testWriter shows what the broker says, of a test that fails.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(string(b))
	return len(b), nil
}

// status reads a value in KiB of the kernel's account of the process, in bytes.
func (b *broker) status(name string) int64 {
	b.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.pid))
	if err != nil {
		b.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				b.t.Fatal(err)
			}
			return kib << 10
		}
	}
	b.t.Fatalf("no %s in the status of the process", name)
	return 0
}

// peak is the most memory that the process has had. It begins anew with forgetPeak.
func (b *broker) peak() int64 { return b.status("VmHWM") }

func (b *broker) forgetPeak() {
	b.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", b.pid), []byte("5"), 0); err != nil {
		b.t.Fatal(err)
	}
}

// grew says how much more memory the process had at most while f ran than before.
func (b *broker) grew(f func()) int64 {
	b.t.Helper()
	b.forgetPeak()
	before := b.status("VmRSS")
	f()
	grown := b.peak() - before
	b.t.Logf("memory: %d MiB before, %d MiB more at most", before>>20, grown>>20)
	return grown
}

// wire is a connection that sends what a test wants.
type wire struct {
	t *testing.T
	net.Conn
	next int32
}

func (b *broker) dial() *wire {
	b.t.Helper()
	conn, err := net.Dial("tcp", b.address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	return &wire{t: b.t, Conn: conn}
}

// frame is a request as it goes over the wire.
func frame(request kmsg.Request, version int16, correlation int32) []byte {
	request.SetVersion(version)
	b := make([]byte, 4, 256)
	b = binary.BigEndian.AppendUint16(b, uint16(request.Key()))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, uint32(correlation))
	b = append(b, 0, 6, 'a', 't', 't', 'a', 'c', 'k')
	if request.IsFlexible() {
		b = append(b, 0)
	}
	b = request.AppendTo(b)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func (w *wire) send(request kmsg.Request, version int16) error {
	w.next++
	_, err := w.Write(frame(request, version, w.next))
	return err
}

// receive reads the next answer, which is the request's.
func (w *wire) receive(request kmsg.Request) (kmsg.Response, error) {
	_ = w.SetReadDeadline(time.Now().Add(patience))
	var head [8]byte
	if _, err := io.ReadFull(w, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:])-4)
	if _, err := io.ReadFull(w, body); err != nil {
		return nil, err
	}
	response := request.ResponseKind()
	if response.IsFlexible() && request.Key() != 18 {
		body = body[1:] // no tags in the header
	}
	return response, response.ReadFrom(body)
}

func ask[R kmsg.Response](w *wire, request kmsg.Request, version int16) R {
	w.t.Helper()
	err := w.send(request, version)
	var response kmsg.Response
	if err == nil {
		response, err = w.receive(request)
	}
	if err != nil {
		w.t.Fatalf("%s: %v", kmsg.NameForKey(request.Key()), err)
	}
	return response.(R)
}

// hello lets what follows on the connection be as large as any request.
func (w *wire) hello() *wire {
	w.t.Helper()
	ask[*kmsg.ApiVersionsResponse](w, kmsg.NewPtrApiVersionsRequest(), 0)
	return w
}

func (w *wire) create(topic string, partitions int32, configs ...string) {
	w.t.Helper()
	request := kmsg.NewPtrCreateTopicsRequest()
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, partitions, 1
	for i := 0; i < len(configs); i += 2 {
		t.Configs = append(t.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: configs[i], Value: &configs[i+1]})
	}
	request.Topics = append(request.Topics, t)
	if code := ask[*kmsg.CreateTopicsResponse](w, request, 5).Topics[0].ErrorCode; code != 0 {
		w.t.Fatalf("creating %s: error %d", topic, code)
	}
}

func produceRequest(topic string, partition int32, records []byte) *kmsg.ProduceRequest {
	request := kmsg.NewPtrProduceRequest()
	request.Acks, request.TimeoutMillis = -1, 30_000
	request.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: partition, Records: records}}}}
	return request
}

func (w *wire) produce(topic string, partition int32, records []byte) int16 {
	w.t.Helper()
	return ask[*kmsg.ProduceResponse](w, produceRequest(topic, partition, records), 7).Topics[0].Partitions[0].ErrorCode
}
