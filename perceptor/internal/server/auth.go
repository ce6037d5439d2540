package server

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"filippo.io/edwards25519"
)

// Plugins by which a password is proved.
const (
	nativePassword = "mysql_native_password"
	cachingSHA2    = "caching_sha2_password"
	ed25519        = "client_ed25519"
)

// prove makes the first answer to a salt.
func (c *Conn) prove(plugin string, salt []byte, password string) ([]byte, error) {
	switch plugin {
	case nativePassword:
		return scrambleNative(salt, password), nil
	case cachingSHA2:
		return scrambleSHA2(salt, password), nil
	case ed25519:
		return signEd25519(salt, password)
	}
	return nil, fmt.Errorf("the server wants the password to be proved by %q; known are %s, %s and %s", plugin, nativePassword, cachingSHA2, ed25519)
}

// authenticate answers until the server is content or refuses.
func (c *Conn) authenticate(g greeting, o Options) error {
	const switchesMax = 4
	plugin, salt := g.plugin, g.salt
	for range switchesMax {
		b, err := c.read()
		if err != nil {
			return err
		}
		if len(b) == 0 {
			return errSequence
		}
		switch b[0] {
		case okPacket:
			return nil
		case errorPacket:
			return parseError(b)
		case eofPacket:
			name, rest, _ := bytes.Cut(b[1:], []byte{0})
			plugin, salt = string(name), bytes.Clone(rest[:min(len(rest), saltOf(string(name)))])
			proof, err := c.prove(plugin, salt, o.Password)
			if err != nil {
				return err
			}
			if err := c.write(proof); err != nil {
				return err
			}
		case morePacket:
			if plugin != cachingSHA2 {
				return errSequence
			}
			if err := c.moreSHA2(b[1:], salt, o.Password); err != nil {
				return err
			}
		default:
			return errSequence
		}
	}
	return errors.New("the server changes its mind about how a password is proved")
}

// saltOf is the length of a plugin's salt in bytes: a zero may follow.
func saltOf(plugin string) int {
	if plugin == ed25519 {
		return 32
	}
	return saltSize
}

// scrambleNative is SHA1(password) xor SHA1(salt, SHA1(SHA1(password))).
func scrambleNative(salt []byte, password string) []byte {
	if password == "" {
		return nil
	}
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	proof := sha1.Sum(append(bytes.Clone(salt), twice[:]...))
	subtle.XORBytes(proof[:], proof[:], once[:])
	return proof[:]
}

// scrambleSHA2 is SHA256(password) xor SHA256(SHA256(SHA256(password)), salt).
func scrambleSHA2(salt []byte, password string) []byte {
	if password == "" {
		return nil
	}
	once := sha256.Sum256([]byte(password))
	twice := sha256.Sum256(once[:])
	proof := sha256.Sum256(append(twice[:], salt...))
	subtle.XORBytes(proof[:], proof[:], once[:])
	return proof[:]
}

// moreSHA2 goes on when the server has answered a scramble: it knows the password, or it wants all of it, which it gets over TLS or
// encrypted with its RSA key.
func (c *Conn) moreSHA2(b, salt []byte, password string) error {
	const known, full, askForKey = 3, 4, 2
	if len(b) != 1 {
		return errSequence
	}
	switch b[0] {
	case known:
		return nil
	case full:
	default:
		return errSequence
	}
	terminated := append([]byte(password), 0)
	if c.secure {
		return c.write(terminated)
	}
	if err := c.write([]byte{askForKey}); err != nil {
		return err
	}
	answer, err := c.read()
	if err != nil {
		return err
	}
	if len(answer) == 0 || answer[0] != morePacket {
		if len(answer) > 0 && answer[0] == errorPacket {
			return parseError(answer)
		}
		return errSequence
	}
	secret, err := encryptPassword(answer[1:], salt, terminated)
	if err != nil {
		return err
	}
	return c.write(secret)
}

func encryptPassword(key, salt, terminated []byte) ([]byte, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, errors.New("the server's RSA key is not PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the server's RSA key: %w", err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok || len(salt) == 0 {
		return nil, fmt.Errorf("the server's key is a %T, not RSA", parsed)
	}
	hidden := bytes.Clone(terminated)
	for i := range hidden {
		hidden[i] ^= salt[i%len(salt)]
	}
	return rsa.EncryptOAEP(sha1.New(), rand.Reader, public, hidden, nil)
}

// signEd25519 signs the salt with a key that is made of the password: RFC 8032, but the hash that the key comes from is
// that of the password itself, so it may be of any length, and crypto/ed25519 does not serve.
func signEd25519(salt []byte, password string) ([]byte, error) {
	hashed := sha512.Sum512([]byte(password))
	secret, err := edwards25519.NewScalar().SetBytesWithClamping(hashed[:32])
	if err != nil {
		return nil, err
	}
	public := edwards25519.NewIdentityPoint().ScalarBaseMult(secret).Bytes()
	uniform := func(parts ...[]byte) (*edwards25519.Scalar, error) {
		h := sha512.New()
		for _, p := range parts {
			h.Write(p)
		}
		return edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
	}
	r, err := uniform(hashed[32:], salt)
	if err != nil {
		return nil, err
	}
	point := edwards25519.NewIdentityPoint().ScalarBaseMult(r).Bytes()
	k, err := uniform(point, public, salt)
	if err != nil {
		return nil, err
	}
	s := edwards25519.NewScalar().MultiplyAdd(k, secret, r)
	return append(point, s.Bytes()...), nil
}
