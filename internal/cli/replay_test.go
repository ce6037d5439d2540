package cli

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/tour/lane"
	"github.com/skein-io/skein/skeintest"
)

// replayedFile is the recording of a real node's: -update records it again.
const replayedFile = "rebalance.jsonl"

// TestRecordingTellsTheSameDiary: what a node recorded while members joined, expired and left is replayed to the diary
// that the node itself told then, byte for byte: from the load on, and when the recorder has long forgotten that.
func TestRecordingTellsTheSameDiary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Set("offsets.topic.num.partitions", "1"), skeintest.Set("num.partitions", "6"))
		live := replayedMembers{t: t, node: node}
		live.join("app-1")
		time.Sleep(2 * time.Second)
		live.join("app-2")
		silent := live.join("app-3")
		time.Sleep(3500 * time.Millisecond)
		silent.freeze()
		time.Sleep(10 * time.Second)
		live.clients["app-2"].Close() // it leaves
		time.Sleep(2 * time.Second)

		recording := live.compare()
		if !bytes.Contains(recording, []byte(`"kind":"loaded"`)) || bytes.Contains(recording, []byte(`"kind":"restored"`)) {
			t.Error("the recording does not begin with the load")
		}
		if *update {
			if err := os.WriteFile(filepath.Join("testdata", "replay", replayedFile), recording, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(20 * time.Minute)
		if recording := live.compare(); bytes.Contains(recording, []byte(`"kind":"loaded"`)) || !bytes.Contains(recording, []byte(`"kind":"restored"`)) {
			t.Error("the recorder has not forgotten the load")
		}
		for _, c := range live.clients {
			c.Close()
		}
	})
}

// replayedMembers are consumers of a group.
type replayedMembers struct {
	t       *testing.T
	node    *skeintest.Node
	clients map[string]*kgo.Client
}

// replayedMachine is where one consumer runs.
type replayedMachine struct {
	node *skeintest.Node

	mu     sync.Mutex
	conns  []net.Conn
	frozen bool
}

func (m *replayedMachine) dial(ctx context.Context, network, address string) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.frozen {
		return nil, net.ErrClosed
	}
	conn, err := m.node.Dial(ctx, network, address)
	if err == nil {
		m.conns = append(m.conns, conn)
	}
	return conn, err
}

// freeze lets nothing of it arrive any more, while its connections stand.
func (m *replayedMachine) freeze() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.frozen = true
	for _, c := range m.conns {
		c.(interface{ Freeze() }).Freeze()
	}
}

func (l *replayedMembers) join(name string) *replayedMachine {
	l.t.Helper()
	m := &replayedMachine{node: l.node}
	client, err := kgo.NewClient(kgo.SeedBrokers(l.node.Bootstrap()), kgo.Dialer(m.dial), kgo.ClientID(name), kgo.ConsumerGroup("readers"),
		kgo.ConsumeTopics("orders"), kgo.AllowAutoTopicCreation(), kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(time.Second),
		kgo.RequestTimeoutOverhead(3*time.Second), kgo.DisableAutoCommit(), kgo.FetchMaxWait(500*time.Millisecond), kgo.Balancers(kgo.RangeBalancer()))
	if err != nil {
		l.t.Fatal(err)
	}
	if l.clients == nil {
		l.clients = map[string]*kgo.Client{}
	}
	l.clients[name] = client
	return m
}

// compare asks the node for the diary and for its recorder, replays that, and compares. It returns the recording.
func (l *replayedMembers) compare() []byte {
	l.t.Helper()
	conn, err := l.node.Dial(context.Background(), "tcp", l.node.Bootstrap())
	if err != nil {
		l.t.Fatal(err)
	}
	w := &wire{conn: conn, over: context.Background().Err, address: l.node.Bootstrap(), deadline: time.Now().Add(time.Minute)}
	defer w.close()
	if err := w.negotiate(); err != nil {
		l.t.Fatal(err)
	}
	why := protocol.NewDescribeGroupDiaryRequest()
	why.GroupID, why.IncludeOffsets = "readers", true
	told, err := w.exchange(why, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	recorded := protocol.NewDescribeFlightRecorderResponse()
	if err := w.ask(protocol.NewDescribeFlightRecorderRequest(), recorded); err != nil {
		l.t.Fatal(err)
	}
	header, err := marshalPlain(newRecordingHeader(0, w.address, recorded))
	if err != nil {
		l.t.Fatal(err)
	}
	recording := append(append(header, '\n'), recorded.Events...)

	var replayed []byte
	r := &replay{only: "readers", tell: func(*replayedStep) error { return nil }, warn: func(format string, args ...any) { l.t.Errorf(format, args...) }}
	r.end = func() error {
		response, err := r.diary("readers", true)
		if err == nil {
			replayed = protocol.AppendMessage(nil, response, 0)
		}
		return err
	}
	if err := r.run(bytes.NewReader(recording)); err != nil {
		l.t.Fatal(err)
	}
	if !bytes.Equal(told, replayed) {
		l.t.Errorf("the node told the diary\n%q\nreplayed it is\n%q", told, replayed)
	}
	if len(told) < 500 {
		l.t.Errorf("the diary is only %d bytes", len(told))
	}
	return recording
}

// TestReplayOfARebalance: the steps, the diagram and the diary of a recording that a real node made.
func TestReplayOfARebalance(t *testing.T) {
	for _, form := range []string{"steps", "diagram", "diary", "json"} {
		t.Run(form, func(t *testing.T) {
			args := map[string][]string{"steps": nil, "diagram": {"--diagram"}, "diary": {"--diary"}, "json": {"--diary", "-o", "json"}}[form]
			got := replayedText(t, filepath.Join("testdata", "replay", replayedFile), args...)
			golden := filepath.Join("testdata", "replay", "rebalance."+form)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// replayedText runs the command and wants no error.
func replayedText(t *testing.T, file string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(context.Background(), append([]string{"group", "replay", file}, args...), strings.NewReader(""), &out, &errs)
	if code != 0 || errs.Len() > 0 {
		t.Fatalf("exit code %d, stderr %q", code, errs.String())
	}
	return out.String()
}

// TestDiagramOfManyMembers: in 80 columns some members have a lane, those that matter first, and the others share one.
func TestDiagramOfManyMembers(t *testing.T) {
	lines := []string{`{"recording":"skein-groups","version":1,"settings":{"group.initial.rebalance.delay.ms":"3000"}}`, `{"at":0,"kind":"loaded","event":{}}`}
	for i := range 17 {
		lines = append(lines, fmt.Sprintf(`{"at":%d,"kind":"join","event":{"Token":%d,"FreshID":"00000000-0000-0000-0000-0000000000%02d","GroupID":"g","ClientID":"app",`+
			`"ClientHost":"/10.0.0.%d","SessionTimeout":10000000000,"RebalanceTimeout":60000000000,"ProtocolType":"consumer","Protocols":[{"Name":"range"}]}}`, i, i+1, i, i))
	}
	lines = append(lines, `{"at":1000,"kind":"leave","event":{"Token":50,"GroupID":"g","Members":[{"MemberID":"app-00000000-0000-0000-0000-000000000015","Reason":"it is tired"}]}}`,
		`{"at":3000,"kind":"timer","event":{"Key":{"Kind":2,"Group":"g"}}}`, `{"at":6000,"kind":"timer","event":{"Key":{"Kind":2,"Group":"g"}}}`,
		`{"at":6000,"kind":"drained","event":{"GroupID":"g"}}`)
	file := filepath.Join(t.TempDir(), "many.jsonl")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	want := `
group g, in seconds since 1970-01-01T00:00:00.000Z
  1     app-00000000-0000-0000-0000-000000000000, 10.0.0.0
  2     app-00000000-0000-0000-0000-000000000001, 10.0.0.1
  3     app-00000000-0000-0000-0000-000000000002, 10.0.0.2
  4     app-00000000-0000-0000-0000-000000000015, 10.0.0.15
  rest  ... and 13 more
`
	got := replayedText(t, file, "--diagram")
	if !strings.HasPrefix("\n"+got, want) {
		t.Errorf("got\n%s", got)
	}
	for _, line := range []string{"rest", "(13 times)", "✕", "'it is tired'", "generation 1: it leads 16", "●     │     │     │           │    CompletingRebalance, generation 1,", "├─────┼─────┼─────┼────►│     │    JoinGroup: UNKNOWN_MEMBER_ID"} {
		if !strings.Contains(got, line) {
			t.Errorf("%q is missing in\n%s", line, got)
		}
	}
	for _, line := range strings.Split(got, "\n") {
		if lane.Width(line) > 80 {
			t.Errorf("%q is wider than 80 columns", line)
		}
	}
}
