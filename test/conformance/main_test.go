package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/skein-io/skein/skeintest"
	"github.com/skein-io/skein/test/conformance/check"
)

// The suite is proved in package check; here are the command's words and its exit status, over real sockets.
func TestCommand(t *testing.T) {
	node := skeintest.Start(t)
	o := check.Options{Bootstrap: node.Bootstrap(), Only: []string{"L2", "O10", "A6", "F8"}}
	var text strings.Builder
	code, err := run(context.Background(), o, false, &text)
	if code != 0 || err != nil || !strings.Contains(text.String(), "3 of 3 rows pass, 1 not black-box") {
		t.Errorf("status %d, %v\n%s", code, err, text.String())
	}
	o.Only = []string{"J99"}
	if code, err := run(context.Background(), o, false, io.Discard); code != 2 || err == nil || !strings.Contains(err.Error(), `no row "J99"`) {
		t.Errorf("unknown row: status %d, %v", code, err)
	}
	node.Stop()
	o.Only = nil
	if code, err := run(context.Background(), o, false, io.Discard); code != 2 || err == nil {
		t.Errorf("no broker: status %d, %v", code, err)
	}
}

func TestFailingOutput(t *testing.T) {
	node := skeintest.Start(t)
	o := check.Options{Bootstrap: node.Bootstrap(), Only: []string{"F8"}}
	if code, err := run(context.Background(), o, true, broken{}); code != 2 || err == nil {
		t.Errorf("status %d, %v", code, err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left") }
