//go:build linux

package faults

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Whatever comes on the port, the broker closes the connection and goes on.
func TestForeignBytesOnThePort(t *testing.T) {
	b := newBroker(t)
	b.start()
	for _, c := range []struct {
		name  string
		bytes []byte
	}{
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")},
		{"a negative length", []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}},
		{"a length of 2 GiB", []byte{0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0}},
		{"an empty frame", []byte{0, 0, 0, 0}},
		{"a frame shorter than a header", []byte{0, 0, 0, 2, 0, 3}},
		{"an unknown API", []byte{0, 0, 0, 10, 0x7e, 0x7e, 0, 0, 0, 0, 0, 1, 0xff, 0xff}},
		{"zeros", make([]byte, 4096)},
		{"text", bytes.Repeat([]byte("SSH-2.0-OpenSSH_9.6\r\n"), 100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dial(t, b.address)
			_, _ = conn.Write(c.bytes) // it may be closed already
			closed(t, conn)
			b.alive()
		})
	}
	t.Run("a TLS client", func(t *testing.T) {
		conn := tls.Client(dial(t, b.address), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // nobody is there to verify
		if err := conn.Handshake(); err == nil {
			t.Error("a TLS handshake succeeds on a plaintext port")
		}
	})
	t.Run("an HTTP client", func(t *testing.T) {
		web := http.Client{Timeout: patience}
		r, err := web.Get(fmt.Sprintf("http://%s/", b.address))
		if err == nil {
			_ = r.Body.Close()
			t.Errorf("an HTTP client is answered with %s", r.Status)
		}
	})
	serves(t, b.address, "orders")
	for _, word := range []string{"panic", "goroutine "} {
		if strings.Contains(b.stderr.String(), word) {
			t.Errorf("%q is said in\n%s", word, b.stderr)
		}
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// closed fails the test unless the other end closes the connection.
func closed(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, conn)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Error("the broker keeps the connection open")
	}
}
