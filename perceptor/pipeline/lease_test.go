package pipeline

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// A process that was stopped sends nothing when it wakes up, though nobody has told it that its time is over.
func TestLeaseOfOneThatSlept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLease(time.Now().Add(10 * time.Second))
		here, there := net.Pipe()
		defer there.Close()
		dial := l.dial(func(context.Context, string, string) (net.Conn, error) { return here, nil })
		c, err := dial(t.Context(), "tcp", "x:1")
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan string, 1)
		go func() {
			b := make([]byte, 10)
			n, _ := there.Read(b)
			got <- string(b[:n])
			n, _ = there.Read(b)
			got <- string(b[:n])
		}()
		if _, err := c.Write([]byte("in time")); err != nil || <-got != "in time" {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		l.extend(time.Now().Add(10 * time.Second))
		time.Sleep(9 * time.Second)
		if !l.holds() {
			t.Error("it was moved on, and has not")
		}
		time.Sleep(2 * time.Second)
		l.extend(time.Now().Add(time.Hour)) // too late: another one may have had its turn
		if _, err := c.Write([]byte("late")); !errors.Is(err, errLeaseOver) {
			t.Errorf("after the end: %v", err)
		}
		if late := <-got; late != "" {
			t.Errorf("it has sent %q", late)
		}
		if _, err := dial(t.Context(), "tcp", "x:1"); !errors.Is(err, errLeaseOver) {
			t.Errorf("after the end it connects: %v", err)
		}
	})
}

// The end of a lease ends connections that wait.
func TestLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLease(time.Now().Add(time.Hour))
		here, there := net.Pipe()
		defer there.Close()
		c, err := l.dial(func(context.Context, string, string) (net.Conn, error) { return here, nil })(t.Context(), "tcp", "x:1")
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			read <- err
		}()
		time.Sleep(time.Second)
		if l.end(); <-read == nil || l.holds() {
			t.Error("it goes on")
		}
		_ = c.Close()
	})
}
