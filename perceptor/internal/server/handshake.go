package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
)

// Options are how to reach and enter a server.
type Options struct {
	Addr, User, Password string
	// TLS, if it is not nil, is demanded. ServerName may be empty: it is Addr's host then.
	TLS *tls.Config
	// PacketMax bounds what the server sends at once, in bytes.
	PacketMax int
	// Dial, if it is not nil, makes connections.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Capabilities of both sides.
const (
	longPassword  = 1 << 0
	longFlag      = 1 << 2
	protocol41    = 1 << 9
	useTLS        = 1 << 11
	transactions  = 1 << 13
	secureAuth    = 1 << 15
	pluginAuth    = 1 << 19
	pluginLengths = 1 << 21

	wanted   = longPassword | longFlag | protocol41 | transactions | secureAuth | pluginAuth
	utf8mb4  = 45
	saltSize = 20
)

// Dial connects and logs in.
func Dial(ctx context.Context, o Options) (*Conn, error) {
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	raw, err := dial(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	c := newConn(raw, o.PacketMax)
	stop := c.during(ctx, 0)
	if err := stop(c.login(o)); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// greeting is what a server says first.
//
//	10 | version 0 | thread 4 | salt 8 | 0 | capabilities 2 | charset 1 | status 2 | capabilities 2 | salt length 1 | 10 zeros |
//	salt, at least 13 with a zero | plugin 0
type greeting struct {
	version      string
	capabilities uint32
	salt         []byte
	plugin       string
}

func parseGreeting(b []byte) (greeting, error) {
	var g greeting
	broken := errors.New("the server's greeting is none of MySQL or MariaDB")
	if len(b) > 0 && b[0] == errorPacket {
		return g, parseError(b)
	}
	if len(b) == 0 || b[0] != 10 {
		return g, broken
	}
	version, rest, ok := bytes.Cut(b[1:], []byte{0})
	if !ok || len(rest) < 31+13 {
		return g, broken
	}
	g.version = string(version)
	g.salt = append(g.salt, rest[4:12]...)
	g.capabilities = uint32(binary.LittleEndian.Uint16(rest[13:])) | uint32(binary.LittleEndian.Uint16(rest[18:]))<<16
	more := max(13, int(rest[20])-8)
	if len(rest) < 31+more {
		return g, broken
	}
	g.salt = append(g.salt, rest[31:31+more]...)[:saltSize]
	plugin, _, _ := bytes.Cut(rest[31+more:], []byte{0})
	g.plugin = string(plugin)
	return g, nil
}

func (c *Conn) login(o Options) error {
	b, err := c.read()
	if err != nil {
		return err
	}
	g, err := parseGreeting(b)
	if err != nil {
		return err
	}
	c.Server = g.version
	if missing := uint32(wanted) &^ longPassword &^ g.capabilities; missing != 0 {
		return fmt.Errorf("the server %s is too old: it lacks capabilities %#x", g.version, missing)
	}
	capabilities := uint32(wanted) | g.capabilities&pluginLengths
	if o.TLS != nil {
		capabilities |= useTLS
		if err := c.encrypt(o, g, capabilities); err != nil {
			return err
		}
	}
	proof, err := c.prove(g.plugin, g.salt, o.Password)
	if err != nil { // a plugin that the server has as its default need not be the user's: let it say which one is
		g.plugin, proof = nativePassword, scrambleNative(g.salt, o.Password)
	}
	answer := append(c.hello(capabilities), o.User...)
	answer = append(answer, 0)
	if len(proof) > 250 {
		return errors.New("the proof of the password is too long")
	}
	answer = append(answer, byte(len(proof)))
	answer = append(append(answer, proof...), g.plugin...)
	if err := c.write(append(answer, 0)); err != nil {
		return err
	}
	return c.authenticate(g, o)
}

func (c *Conn) hello(capabilities uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, capabilities)
	b = binary.LittleEndian.AppendUint32(b, partMax)
	return append(append(b, utf8mb4), make([]byte, 23)...)
}

func (c *Conn) encrypt(o Options, g greeting, capabilities uint32) error {
	if g.capabilities&useTLS == 0 {
		return fmt.Errorf("TLS is demanded, and the server %s does not offer it", g.version)
	}
	if err := c.write(c.hello(capabilities)); err != nil {
		return err
	}
	// What came with the greeting would be read as if it had been encrypted.
	if c.in.Buffered() > c.taken {
		return errSequence
	}
	config := o.TLS.Clone()
	if config.ServerName == "" && !config.InsecureSkipVerify {
		host, _, err := net.SplitHostPort(o.Addr)
		if err != nil {
			return err
		}
		config.ServerName = host
	}
	inner := tls.Client(c.net, config)
	if err := inner.Handshake(); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	c.net, c.secure, c.taken = inner, true, 0
	c.in.Reset(inner)
	return nil
}
