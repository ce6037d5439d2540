package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/internal/protocol"
)

// answered makes an error of the error code that a broker answered about a thing: the thing, the code, the broker's
// reason if it gave one, and what to do.
func answered(what string, err error, reason string) error {
	code, ok := codeOf(err)
	if !ok {
		return fmt.Errorf("%s: %w", what, err)
	}
	reason = strings.TrimSuffix(strings.TrimSpace(printable(reason)), ".")
	text := what + ": " + code.String()
	if reason != "" && reason != code.String() {
		text += ": " + reason
	}
	if remedy := remedyOf(code); remedy != "" {
		text += "; " + remedy
	}
	return &answer{text: text, err: err}
}

// answer is an error with the sentence that a person reads.
type answer struct {
	text string
	err  error
}

func (a *answer) Error() string { return a.text }

func (a *answer) Unwrap() error { return a.err }

// codeOf finds Kafka's error code in an error of franz-go's or of our own codec.
func codeOf(err error) (protocol.Code, bool) {
	if k, ok := errors.AsType[*kerr.Error](err); ok {
		return protocol.Code(k.Code), true
	}
	if e, ok := errors.AsType[*protocol.Error](err); ok && e != nil {
		return e.Code, true
	}
	return 0, false
}

// unreachable says why an address could not be reached, and what to do.
func unreachable(address string, err error, within time.Duration) error {
	what := fmt.Sprintf("cannot reach %s: ", address)
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return &answer{what + "the name " + hostOf(address) + " is not known; is --bootstrap-server right?", err}
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return &answer{what + "connection refused; is a broker running? skein serve", err}
	case errors.Is(err, context.Canceled):
		return &answer{what + "interrupted", err}
	case isTimeout(err):
		return &answer{what + fmt.Sprintf("no answer within %v; is it a broker's address, and does a firewall let it through?", within), err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return &answer{what + "the connection was closed at once; is it a Kafka listener, and does it want TLS?", err}
	}
	return fmt.Errorf("%s%w", what, err)
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}
