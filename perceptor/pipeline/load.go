package pipeline

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/skein-io/skein/perceptor/pipeline/spec"
)

// Config is a pipeline: what its file says.
type Config = spec.Config

// Load reads a pipeline's file. What is wrong with it is spec.Faults. No secret is read yet.
func Load(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return spec.Parse(path, text)
}

// in is a path of a file, as seen from the folder of the pipeline's own.
func in(c *Config, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.File), path)
}

// secretMax bounds a secret, in bytes.
const secretMax = 64 << 10

// Reveal reads a secret. An error names the place and never what is there. The zero Secret is empty.
func Reveal(c *Config, key string, s spec.Secret) (string, error) {
	switch {
	case s.Env != "":
		text, set := os.LookupEnv(s.Env)
		if !set || text == "" {
			return "", fmt.Errorf("%s: the environment variable %s is not set", key, s.Env)
		}
		return text, nil
	case s.File != "":
		text, err := os.ReadFile(in(c, s.File))
		if err != nil {
			return "", fmt.Errorf("%s: %w", key, err)
		}
		secret := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
		if secret == "" || len(secret) > secretMax {
			return "", fmt.Errorf("%s: the file %s has %d bytes; a secret has 1 to %d", key, s.File, len(secret), secretMax)
		}
		return secret, nil
	}
	return "", nil
}

// encryption is the TLS of connections to a server; nil if there is to be none.
func encryption(c *Config, key string, t *spec.TLS) (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	config := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		text, err := os.ReadFile(in(c, t.CA))
		if err != nil {
			return nil, fmt.Errorf("%s.ca: %w", key, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s.ca: there is no certificate in %s", key, t.CA)
		}
	}
	if (t.Certificate == "") != (t.Key == "") {
		return nil, fmt.Errorf("%s: certificate and key go together", key)
	}
	if t.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(in(c, t.Certificate), in(c, t.Key))
		if err != nil {
			return nil, fmt.Errorf("%s.certificate: %w", key, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Transport is how connections to the brokers are made: encrypted and logged in as the file says.
func Transport(c *Config) ([]kgo.Opt, error) {
	var options []kgo.Opt
	config, err := encryption(c, "brokers.tls", c.Brokers.TLS)
	if err != nil {
		return nil, err
	}
	if config != nil {
		options = append(options, kgo.DialTLSConfig(config))
	}
	login := c.Brokers.SASL
	if login == nil {
		return options, nil
	}
	password, err := Reveal(c, "brokers.sasl.password", login.Password)
	if err != nil {
		return nil, err
	}
	switch login.Mechanism {
	case "PLAIN":
		options = append(options, kgo.SASL(plain.Auth{User: login.User, Pass: password}.AsMechanism()))
	case "SCRAM-SHA-256":
		options = append(options, kgo.SASL(scram.Auth{User: login.User, Pass: password}.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		options = append(options, kgo.SASL(scram.Auth{User: login.User, Pass: password}.AsSha512Mechanism()))
	default:
		return nil, errors.New("brokers.sasl: there is no mechanism " + login.Mechanism)
	}
	return options, nil
}

// TopicOf is the topic of a table, DATABASE.TABLE.
func TopicOf(c *Config, table string) string { return cmp.Or(c.Topics.Prefix, "skein") + "." + table }

// tableOf is the table of a topic, if it is one of this pipeline's.
func tableOf(c *Config, topic string) (string, bool) {
	name, ok := strings.CutPrefix(topic, TopicOf(c, ""))
	if _, _, isTable := spec.SplitTable(name); !ok || !isTable {
		return "", false
	}
	return name, true
}
