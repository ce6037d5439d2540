package memnet

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func connected(t *testing.T) (network *Network, client, server *Conn) {
	t.Helper()
	network = &Network{}
	l, err := network.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := network.DialContext(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return network, c.(*Conn), s.(*Conn)
}

func TestBytesArriveAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client, server := connected(t)
		sent := make([]byte, 3*streamBytesMax)
		for i := range sent {
			sent[i] = byte(i * 7)
		}
		go func() {
			if n, err := client.Write(sent); n != len(sent) || err != nil {
				t.Errorf("wrote %d bytes: %v", n, err)
			}
			_ = client.Close()
		}()
		got, err := io.ReadAll(server)
		if err != nil || string(got) != string(sent) {
			t.Errorf("read %d bytes: %v", len(got), err)
		}
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("reading a closed end gives %v", err)
		}
		if _, err := server.Write([]byte("x")); err == nil {
			t.Error("writing to a closed end succeeds")
		}
	})
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client, server := connected(t)
		begun := time.Now()
		_ = client.SetReadDeadline(begun.Add(time.Second))
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		_ = client.SetReadDeadline(time.Time{})
		_ = server.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := server.Write(make([]byte, 2*streamBytesMax)); n != streamBytesMax || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d: %v", n, err)
		}
		if n, err := client.Read(make([]byte, 10)); n != 10 || err != nil {
			t.Errorf("read %d: %v", n, err)
		}
	})
}

func TestFreezeAndCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, client, server := connected(t)
		client.Freeze()
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		_ = server.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a frozen connection gives %v", err)
		}
		_ = server.SetReadDeadline(time.Time{})
		client.Thaw()
		if n, err := server.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("a thawed connection gives %v", err)
		}
		go func() {
			time.Sleep(time.Second) // virtual
			network.CutAll()
		}()
		if _, err := server.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("a cut connection gives %v", err)
		}
	})
}

// TestHold: what is held back stands still in its direction, for connections that are open and new ones, and arrives
// later, an end of it too.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &Network{}
		l, err := network.Listen("tcp", "127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		connect := func() (*Conn, *Conn) {
			c, err := network.DialFrom(context.Background(), "127.0.0.1:2", "tcp", "127.0.0.1:1")
			if err != nil {
				t.Fatal(err)
			}
			s, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			return c.(*Conn), s.(*Conn)
		}
		arrives := func(from, to *Conn) bool {
			t.Helper()
			if _, err := from.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			_ = to.SetReadDeadline(time.Now().Add(time.Minute))
			n, err := to.Read(make([]byte, 10))
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			return n > 0
		}
		open, openServer := connect()
		network.Hold(func(from, to string) bool { return from == "127.0.0.1:2" && to == "127.0.0.1:1" })
		fresh, freshServer := connect()
		for name, pair := range map[string][2]*Conn{"open": {open, openServer}, "new": {fresh, freshServer}} {
			if arrives(pair[0], pair[1]) {
				t.Errorf("the %s connection carries what is held back", name)
			}
			if !arrives(pair[1], pair[0]) {
				t.Errorf("the %s connection does not carry the other direction", name)
			}
		}
		_ = fresh.Close()
		_ = freshServer.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := freshServer.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the end of a connection that is held back arrives: %v", err)
		}
		network.Hold(nil)
		_ = freshServer.SetReadDeadline(time.Time{})
		if got, err := io.ReadAll(freshServer); string(got) != "x" || err != nil {
			t.Errorf("when nothing is held the new connection brings %q, %v", got, err)
		}
		if !arrives(open, openServer) {
			t.Error("when nothing is held the open connection carries nothing")
		}
		network.CutFrom("127.0.0.1:2")
		if _, err := open.Write([]byte("x")); err == nil {
			t.Error("a connection that was cut by who made it is written to")
		}
		if n := len(network.pairs); n != 0 {
			t.Errorf("%d connections are remembered", n)
		}
	})
}

func TestNobodyListens(t *testing.T) {
	network := &Network{}
	if _, err := network.DialContext(context.Background(), "tcp", "127.0.0.1:1"); err == nil {
		t.Error("connected to nobody")
	}
	l, err := network.Listen("tcp", "127.0.0.1:5")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := network.Listen("tcp", "127.0.0.1:5"); err == nil {
		t.Error("an address was given twice")
	}
	_ = l.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener gives %v", err)
	}
	if _, err := network.DialContext(context.Background(), "tcp", "localhost:5"); err == nil {
		t.Error("connected to a closed listener")
	}
}

// TestListenerClosesWhileSomebodyConnects: who is not refused is accepted or reset, and not left to wait for ever.
func TestListenerClosesWhileSomebodyConnects(t *testing.T) {
	const dialers = 4
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			network := &Network{}
			l, err := network.Listen("tcp", "127.0.0.1:1")
			if err != nil {
				t.Fatal(err)
			}
			for range dialers {
				go func() {
					for range backlog / dialers {
						c, err := network.DialContext(context.Background(), "tcp", "127.0.0.1:1")
						if err != nil {
							return
						}
						go func() {
							_ = c.SetReadDeadline(time.Now().Add(time.Minute))
							if _, err := c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
								t.Error("a connection was neither accepted nor reset")
							}
							_ = c.Close()
						}()
					}
				}()
			}
			runtime.Gosched()
			_ = l.Close()
			time.Sleep(time.Hour) // virtual
			synctest.Wait()
			if n := len(network.pairs); n != 0 {
				t.Errorf("%d connections are remembered", n)
			}
		})
	}
}
