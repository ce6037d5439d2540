package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// serve says where it listens when it is ready, and ends with exit code 0 when it is told to.
func TestServeUntilToldToEnd(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	read, written := io.Pipe()
	ended := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"serve", "--data-dir", dir, "--listen", "127.0.0.1:0"}, strings.NewReader(""), written, &errs)
		_ = written.Close()
	}()
	line, err := bufio.NewReader(read).ReadString('\n')
	said := regexp.MustCompile(`^skein \S+ listens on (127\.0\.0\.1:\d+), data in (\S+), acknowledged records are on disk`).FindStringSubmatch(line)
	if err != nil || said == nil || said[2] != dir {
		t.Fatalf("%q, %v\n%s", line, err, errs.String())
	}
	command(t, "", "topic", "create", "t", "--bootstrap-server", said[1])
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d\n%s", code, errs.String())
	}
}

func TestServeRefusesABadConfiguration(t *testing.T) {
	var errs bytes.Buffer
	code := run(context.Background(), []string{"serve", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0", "--set", "num.partitions=0"}, strings.NewReader(""), io.Discard, &errs)
	if code != exitFailed || !strings.HasPrefix(errs.String(), `skein: --set: num.partitions = "0": `) {
		t.Errorf("exit code %d\n%s", code, errs.String())
	}
}
