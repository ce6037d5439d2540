package oldgroups

import (
	"context"
	"errors"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"zk":                      {Servers: []string{"zk:2181"}},
		"a:1, b:2 ,c/kafka/one/":  {Servers: []string{"a:1", "b:2", "c:2181"}, Root: "/kafka/one"},
		"[::1]:2181/":             {Servers: []string{"[::1]:2181"}},
		" 127.0.0.1:2181/kafka\n": {Servers: []string{"127.0.0.1:2181"}, Root: "/kafka"},
	} {
		if got, err := ParseAddress(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "/kafka", "a:b", "a:0", "a:70000", "a:1,", ":1", "a:1/b//c", "a:1/..", "a:1/b\x00", "a:1/b/./c"} {
		if got, err := ParseAddress(bad); err == nil {
			t.Errorf("%q is %+v", bad, got)
		}
	}
}

func TestParseAuth(t *testing.T) {
	if a, err := ParseAuth("digest:user:pass:word\n"); err != nil || a.Scheme != "digest" || string(a.Credentials) != "user:pass:word" {
		t.Error(a, err)
	}
	for _, bad := range []string{"", "digest", "digest:", ":x"} {
		if a, err := ParseAuth(bad); err == nil {
			t.Errorf("%q is %v, %v", bad, a, err)
		}
	}
}

// TestOpenFails: whatever is at the address, Open ends and says what it found.
func TestOpenFails(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refuses := nobody.Addr().String()
	_ = nobody.Close()
	if _, err := Open(t.Context(), Address{Servers: []string{refuses}}, nil, time.Hour); err == nil || !strings.Contains(err.Error(), "connection refused; is ZooKeeper running there?") {
		t.Error(err)
	}
	if _, err := Open(t.Context(), Address{Servers: []string{deaf.Addr().String()}}, nil, 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "gave no session within 50ms") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Address{Servers: []string{deaf.Addr().String()}}, nil, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
