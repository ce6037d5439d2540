package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	stded25519 "crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

const (
	user     = "repl"
	password = "it's a secret"
)

var salt = []byte("12345678abcdefghijkl")

// fake is a server that logs one client in, by MySQL's rules, written from the other side.
type fake struct {
	t       *testing.T
	conn    *Conn // the same packets
	plugin  string
	tls     *tls.Config
	version string
}

func (f *fake) greet() {
	b := append([]byte{10}, f.version...)
	b = append(b, 0, 1, 0, 0, 0)
	b = append(append(b, salt[:8]...), 0)
	capabilities := uint32(wanted)
	if f.tls != nil {
		capabilities |= useTLS
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(capabilities))
	b = append(b, utf8mb4, 2, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(capabilities>>16))
	b = append(b, saltSize+1)
	b = append(b, make([]byte, 10)...)
	b = append(append(append(b, salt[8:]...), 0), f.plugin...)
	f.send(append(b, 0))
}

// buffered is a connection of which something was read already.
type buffered struct {
	net.Conn
	in io.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.in.Read(p) }

func (f *fake) send(b []byte) {
	if err := f.conn.write(b); err != nil {
		f.t.Error(err)
	}
}

func (f *fake) receive() []byte {
	b, err := f.conn.read()
	if err != nil {
		f.t.Error(err)
		return nil
	}
	return bytes.Clone(b)
}

// answer reads the client's answer to the greeting: its user and proof.
func (f *fake) answer() (name string, proof []byte, plugin string) {
	b := f.receive()
	if len(b) == 32 && f.tls != nil {
		// The client's hello may have come with the packet, and be in the buffer.
		if _, err := f.conn.in.Discard(f.conn.taken); err != nil {
			f.t.Error(err)
		}
		inner := tls.Server(buffered{f.conn.net, f.conn.in}, f.tls)
		if err := inner.Handshake(); err != nil {
			f.t.Error(err)
			return "", nil, ""
		}
		f.conn.net, f.conn.taken, f.conn.secure = inner, 0, true
		f.conn.in = bufio.NewReader(inner)
		b = f.receive()
	}
	if len(b) < 33 {
		f.t.Errorf("an answer of %d bytes", len(b))
		return "", nil, ""
	}
	first, rest, _ := bytes.Cut(b[32:], []byte{0})
	n := int(rest[0])
	proof, rest = rest[1:1+n], rest[1+n:]
	last, _, _ := bytes.Cut(rest, []byte{0})
	return string(first), proof, string(last)
}

func sha2Proves(proof []byte) bool {
	// The server keeps SHA256(SHA256(password)), and finds SHA256(password) in the proof.
	once := sha256.Sum256([]byte(password))
	kept := sha256.Sum256(once[:])
	mask := sha256.Sum256(append(kept[:], salt...))
	if len(proof) != len(mask) {
		return false
	}
	for i := range mask {
		mask[i] ^= proof[i]
	}
	return sha256.Sum256(mask[:]) == kept
}

// serve logs one client in with f and returns what became of it there.
func serve(t *testing.T, o Options, f *fake, login func()) error {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := listener.Accept()
		if err != nil {
			return
		}
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		f.t, f.conn = t, newConn(c, 1<<20)
		defer func() { _ = f.conn.Close() }()
		f.greet()
		login()
	}()
	o.Addr, o.User, o.Password, o.PacketMax = listener.Addr().String(), user, password, 1<<20
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := Dial(ctx, o)
	if c != nil {
		_ = c.Close()
	}
	<-done
	return err
}

var ok = []byte{okPacket, 0, 0, 2, 0, 0, 0}

func TestCachingSHA2(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	proved := func(f *fake) {
		if name, proof, plugin := f.answer(); name != user || plugin != cachingSHA2 || !sha2Proves(proof) {
			t.Errorf("user %q, plugin %q, proof % x", name, plugin, proof)
		}
	}
	t.Run("known", func(t *testing.T) {
		f := &fake{plugin: cachingSHA2, version: "8.0.36"}
		if err := serve(t, Options{}, f, func() { proved(f); f.send([]byte{morePacket, 3}); f.send(ok) }); err != nil {
			t.Error(err)
		}
	})
	t.Run("with the server's RSA key", func(t *testing.T) {
		f := &fake{plugin: cachingSHA2, version: "8.0.36"}
		if err := serve(t, Options{}, f, func() {
			proved(f)
			f.send([]byte{morePacket, 4})
			if b := f.receive(); !bytes.Equal(b, []byte{2}) {
				t.Errorf("the key is asked for with % x", b)
			}
			f.send(append([]byte{morePacket}, public...))
			hidden, err := rsa.DecryptOAEP(sha1.New(), nil, key, f.receive(), nil)
			if err != nil {
				t.Error(err)
			}
			for i := range hidden {
				hidden[i] ^= salt[i%len(salt)]
			}
			if string(hidden) != password+"\x00" {
				t.Errorf("the password is %q", hidden)
			}
			f.send(ok)
		}); err != nil {
			t.Error(err)
		}
	})
	t.Run("over TLS", func(t *testing.T) {
		serverTLS, clientTLS := certificates(t)
		f := &fake{plugin: cachingSHA2, version: "8.4.0", tls: serverTLS}
		if err := serve(t, Options{TLS: clientTLS}, f, func() {
			proved(f)
			f.send([]byte{morePacket, 4})
			if b := f.receive(); string(b) != password+"\x00" {
				t.Errorf("the password is %q", b)
			}
			f.send(ok)
		}); err != nil {
			t.Error(err)
		}
	})
	t.Run("after a switch", func(t *testing.T) {
		f := &fake{plugin: "sha256_password", version: "8.0.36"}
		if err := serve(t, Options{}, f, func() {
			f.answer()
			f.send(append(append([]byte{eofPacket}, cachingSHA2+"\x00"...), append(salt, 0)...))
			if !sha2Proves(f.receive()) {
				t.Error("the password is not proved")
			}
			f.send([]byte{morePacket, 3})
			f.send(ok)
		}); err != nil {
			t.Error(err)
		}
	})
	t.Run("wrong", func(t *testing.T) {
		f := &fake{plugin: cachingSHA2, version: "8.0.36"}
		err := serve(t, Options{}, f, func() {
			f.answer()
			f.send(append([]byte{errorPacket, 0x15, 0x04}, "#28000Access denied"...))
		})
		var answer *Error
		if !errors.As(err, &answer) || answer.Number != 1045 || answer.State != "28000" || answer.Message != "Access denied" {
			t.Error(err)
		}
	})
}

func certificates(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}

// TLS that is demanded and not offered, or of a certificate that nobody signed, ends the login before the user's name is sent.
func TestTLSIsDemanded(t *testing.T) {
	_, clientTLS := certificates(t)
	f := &fake{plugin: nativePassword, version: "8.0.36"}
	if err := serve(t, Options{TLS: clientTLS}, f, func() {}); err == nil || !strings.Contains(err.Error(), "does not offer") {
		t.Error(err)
	}
}

func TestNativePassword(t *testing.T) {
	f := &fake{plugin: nativePassword, version: "5.5.5-10.11.6-MariaDB"}
	if err := serve(t, Options{}, f, func() {
		_, proof, plugin := f.answer()
		once := sha1.Sum([]byte(password))
		kept := sha1.Sum(once[:])
		mask := sha1.Sum(append(bytes.Clone(salt), kept[:]...))
		for i := range mask {
			mask[i] ^= proof[i]
		}
		if sha1.Sum(mask[:]) != kept || plugin != nativePassword {
			t.Errorf("plugin %q, proof % x", plugin, proof)
		}
		f.send(ok)
	}); err != nil {
		t.Error(err)
	}
}

// With a password as long as a seed, the signature is that of crypto/ed25519.
func TestEd25519(t *testing.T) {
	seed := []byte("a password of exactly 32 letters")
	nonce := []byte("a salt of exactly 32 bytes, too.")
	want := stded25519.Sign(stded25519.NewKeyFromSeed(seed), nonce)
	if got, err := signEd25519(nonce, string(seed)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s, not %s; %v", hex.EncodeToString(got), hex.EncodeToString(want), err)
	}
	f := &fake{plugin: nativePassword, version: "5.5.5-10.11.6-MariaDB"}
	if err := serve(t, Options{}, f, func() {
		f.answer()
		f.send(append(append([]byte{eofPacket}, ed25519+"\x00"...), append(nonce, 0)...))
		want, err := signEd25519(nonce, password)
		if got := f.receive(); !bytes.Equal(got, want) || err != nil {
			t.Errorf("% x, not % x; %v", got, want, err)
		}
		f.send(ok)
	}); err != nil {
		t.Error(err)
	}
}

func TestUnknownPlugin(t *testing.T) {
	f := &fake{plugin: nativePassword, version: "8.0.36"}
	err := serve(t, Options{}, f, func() {
		f.answer()
		f.send(append(append([]byte{eofPacket}, "dialog\x00"...), salt...))
	})
	if err == nil || !strings.Contains(err.Error(), "dialog") || !strings.Contains(err.Error(), cachingSHA2) {
		t.Error(err)
	}
}

// pipe gives a connection whose other side has sent some bytes and no more.
func pipe(sent []byte) *Conn {
	c, other := net.Pipe()
	go func() {
		_, _ = other.Write(sent)
		_ = other.Close()
	}()
	return newConn(c, 1<<20)
}

func packet(sequence byte, b []byte) []byte {
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(b)))
	head[3] = sequence
	return append(head, b...)
}

// A packet of 16 MiB is continued by the next; more than the bound is refused, and so is what is out of order.
func TestLargePackets(t *testing.T) {
	part := bytes.Repeat([]byte{7}, partMax)
	c := pipe(append(packet(0, part), packet(1, []byte("end"))...))
	c.packetMax = 1 << 25
	if b, err := c.read(); err != nil || len(b) != partMax+3 || string(b[partMax:]) != "end" {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	_ = c.Close()
	c = pipe(append(packet(0, part), packet(1, []byte("end"))...))
	if _, err := c.read(); err == nil || !strings.Contains(err.Error(), fmt.Sprint(1<<20)) {
		t.Error(err)
	}
	_ = c.Close()
	c = pipe(packet(1, []byte("x")))
	if _, err := c.read(); !errors.Is(err, errSequence) {
		t.Error(err)
	}
	_ = c.Close()
}

func FuzzAnswers(f *testing.F) {
	f.Add(packet(0, append([]byte{10}, "8.0.36\x00"...)), false)
	f.Add(append(packet(1, []byte{1}), append(packet(2, []byte("def")), append(packet(3, []byte{eofPacket, 0, 0, 0, 0}), packet(4, []byte{2, 'a', 'b'})...)...)...), true)
	f.Fuzz(func(t *testing.T, b []byte, query bool) {
		c := pipe(b)
		defer func() { _ = c.Close() }()
		if !query {
			if b, err := c.read(); err == nil {
				_, _ = parseGreeting(b)
			}
			return
		}
		c.sequence = 1
		head, err := c.read()
		if err != nil || len(head) == 0 {
			return
		}
		row := make([]string, int(head[0])%8)
		for range 10 {
			if end, err := c.readRow(row, len(row)); end || err != nil {
				return
			}
		}
	})
}
