package consumer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/skein-io/skein/consumer"
)

// unwelcome polls until the consumer was told three times, which takes as long as the pauses between.
func (b *bed) unwelcome(c *consumer.Consumer) error {
	b.Helper()
	began := time.Now()
	var last error
	for range 3 {
		err := b.take(c, map[int]int{}, time.Minute)
		if _, ok := errors.AsType[*consumer.ConnectionError](err); !ok {
			b.Fatalf("%v\n%v", err, c.Explain())
		}
		last = err
	}
	if took := time.Since(began); took < 2*time.Second || took > 10*time.Second {
		b.Errorf("three errors in %v", took)
	}
	if text := c.Explain().String(); !strings.Contains(text, "no broker tells about topics") {
		b.Error(text)
	}
	return last
}

// Wrong credentials are an error of Poll, again and again; when they are right the consumer goes on.
func TestWrongPassword(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 2)
		b.produce("orders", 2, 0, hostileRecords)
		broker := &hostile{node: b.node, password: "right"}
		broker.turn(changing(offersSASL))
		var log notes
		var password atomic.Value
		password.Store("wrong")
		login := plain.Plain(func(context.Context) (plain.Auth, error) {
			return plain.Auth{User: "u", Pass: password.Load().(string)}, nil
		})
		c := b.through(broker, &log, consumer.Transport(kgo.SASL(login)))
		b.must(c.Subscribe("orders"))
		if err := b.unwelcome(c); !errors.Is(err, kerr.SaslAuthenticationFailed) || !strings.Contains(err.Error(), "invalid name or password") {
			b.Error(err)
		}
		password.Store("right")
		seen := map[int]int{}
		for began := time.Now(); len(seen) < hostileRecords && time.Since(began) < time.Minute; {
			_ = b.take(c, seen, time.Second)
		}
		if len(seen) != hostileRecords {
			b.Errorf("%d records; %v", len(seen), c.Explain())
		}
		b.must(b.take(c, seen, time.Second))
		b.closes(c)
	})
}

// A certificate that nobody whom the consumer trusts has signed is an error of Poll.
func TestUntrustedCertificate(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		b.must(err)
		template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"broker"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
		certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		b.must(err)
		server := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}
		client := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "broker"}
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				_ = tls.Server(far, server).HandshakeContext(ctx)
				_ = far.Close()
			}()
			conn := tls.Client(near, client)
			if err := conn.HandshakeContext(ctx); err != nil {
				_ = near.Close()
				return nil, err
			}
			return conn, nil
		}
		c, err := consumer.New(b.Context(), consumer.Brokers("broker:9093"), consumer.Group("g"), consumer.Transport(kgo.Dialer(dial)))
		b.must(err)
		b.must(c.Subscribe("orders"))
		if err := b.unwelcome(c); !strings.Contains(err.Error(), "certificate signed by unknown authority") {
			b.Error(err)
		}
		b.closes(c)
	})
}
