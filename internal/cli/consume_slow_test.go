package cli

import (
	"net"
	"testing"
	"time"

	"github.com/skein-io/skein"
)

// slowListener is of a broker whose answers are under way for longer than the pause between two looks for the end.
type slowListener struct{ net.Listener }

func (l slowListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return slowConn{conn}, nil
}

type slowConn struct{ net.Conn }

func (c slowConn) Write(b []byte) (int, error) {
	time.Sleep(2 * endInterval)
	return c.Conn.Write(b)
}

// TestConsumeToTheEndWaitsForTheEnd: a member of a group that reads to the end asks where that is when it is given partitions. It
// does not take a broker that answers slowly for one that has nothing.
func TestConsumeToTheEndWaitsForTheEnd(t *testing.T) {
	t.Parallel() // it waits
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	node, err := skein.Open(skein.Config{DataDir: t.TempDir(), Listener: slowListener{socket}, Set: []string{
		"offsets.topic.num.partitions=3", "group.initial.rebalance.delay.ms=0"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Close() })
	at := "--bootstrap-server=" + node.Bootstrap()
	command(t, "", "topic", "create", "t", at, "--partitions", "1")
	command(t, "a\nb\n", "produce", "t", at, "-q")
	if got := command(t, "", "consume", "t", at, "-q", "-e", "--group", "g"); got != "a\nb\n" {
		t.Errorf("read %q", got)
	}
}
