package binlog

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
)

// Over TLS all is the same; a certificate that nobody vouches for is refused, and so is a server without TLS.
func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, b := range map[string][]byte{"cert.pem": certificate, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := own(t, map[string]string{"ssl-cert": filepath.Join(dir, "cert.pem"), "ssl-key": filepath.Join(dir, "key.pem")})
	start := d.now(t)
	write(t, d, "encrypted", 200)
	d.exec(t, "CREATE USER safe@'%' IDENTIFIED BY 'safe' REQUIRE SSL", "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO safe@'%'")
	config := d.config()
	config.Start, config.User, config.Password = start, "safe", "safe"
	_, err = failure(t, config)
	expect(t, err, binlog.ErrRights)
	config.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	if _, err := binlog.Open(t.Context(), config); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
	config.TLS.RootCAs.AppendCertsFromPEM(certificate)
	order := inOrder{}
	for _, e := range rows(t, open(t, config), 200) {
		order.take(t, e.Change)
	}
	plain := shared.config()
	plain.TLS = config.TLS
	if _, err := binlog.Open(t.Context(), plain); err == nil || !strings.Contains(err.Error(), "does not offer") {
		t.Error(err)
	}
}
