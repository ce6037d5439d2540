package protocol

import (
	"errors"
	"io"
	"testing"
)

func TestFailWrapsEveryError(t *testing.T) {
	other := errors.New("other")
	one := Fail(NetworkException, "reading: %w", io.EOF)
	two := Fail(NetworkException, "reading: %w: %w", io.EOF, other)
	for _, c := range []struct {
		err, is error
		want    bool
	}{{one, io.EOF, true}, {one, other, false}, {two, io.EOF, true}, {two, other, true}, {two, io.ErrClosedPipe, false}, {Fail(NetworkException, "%v", io.EOF), io.EOF, false}} {
		if got := errors.Is(c.err, c.is); got != c.want {
			t.Errorf("%v is %v: %v, want %v", c.err, c.is, got, c.want)
		}
	}
	if CodeOf(two) != NetworkException || two.Error() != "NETWORK_EXCEPTION: reading: EOF: other" {
		t.Errorf("%v has the code %v", two, CodeOf(two))
	}
}
