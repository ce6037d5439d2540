package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
)

func TestTransient(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{refused, true}, {io.ErrUnexpectedEOF, true}, {context.DeadlineExceeded, true}, {client.ErrUnavailable, true},
		{&net.DNSError{Err: "no such host", Name: "db", IsNotFound: true}, true},
		{&mysqldriver.MySQLError{Number: 1040}, true}, {&mysqldriver.MySQLError{Number: 1045}, false},
		{kerr.NotEnoughReplicas, true}, {kerr.TopicAuthorizationFailed, false},
		{fmt.Errorf("%w: %w", binlog.ErrPurged, io.EOF), false}, {binlog.ErrSettings, false}, {mysql.ErrNoTable, false},
		{&consumer.HandlerError{Err: refused}, false}, {errors.New("something new"), false},
	} {
		if got := transient(fmt.Errorf("in the middle: %w", c.err)); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}

// fake is a part that does as its script says, one step for each run.
func fake(name string, script ...error) (*part, *atomic.Int64) {
	runs := new(atomic.Int64)
	p := &part{name: name, log: slog.New(slog.DiscardHandler), now: time.Now}
	p.run = func(ctx context.Context) error {
		if n := int(runs.Add(1)); n <= len(script) {
			return script[n-1]
		}
		p.set(Running, "")
		<-ctx.Done()
		return nil
	}
	return p, runs
}

// What passes is tried again, later each time, and told meanwhile.
func TestPartTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := fmt.Errorf("the server: %w", syscall.ECONNREFUSED)
		p, runs := fake("source", away, away, away, away)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		begin := time.Now()
		go func() { ended <- p.supervise(ctx) }()
		synctest.Wait()
		if r := p.report(); r.State != Waiting || !strings.Contains(r.Problem, "refused") || !r.Since.Equal(begin) {
			t.Errorf("after the first failure %+v", r)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if r := p.report(); runs.Load() != 3 || !r.Since.Equal(begin) { // at 0, 0.5 and 1.5 s
			t.Errorf("%d runs in 2 s, since %v", runs.Load(), r.Since)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if r := p.report(); runs.Load() != 5 || r.State != Running || r.Problem != "" || r.Since != nil {
			t.Errorf("%d runs, and it is %+v", runs.Load(), r)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// What goes wrong because it is to end is nothing to tell; a record that cannot be written is.
func TestPartEnds(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		told bool
	}{
		"cancelled": {fmt.Errorf("the target: %w", context.Canceled), false}, "away": {syscall.ECONNREFUSED, false},
		"refused": {&consumer.HandlerError{Err: errors.New("it does not fit")}, true},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		p := &part{name: "sink x", log: slog.New(slog.DiscardHandler), now: time.Now, run: func(context.Context) error { cancel(); return c.err }}
		if err := p.supervise(ctx); (err != nil) != c.told {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One that needs somebody ends with its error, and the others as on-failure says.
func TestPartNeedsSomebody(t *testing.T) {
	for on, others := range map[spec.OnFailure]bool{spec.FailureStop: false, spec.FailureContinue: true} {
		synctest.Test(t, func(t *testing.T) {
			purged := fmt.Errorf("read: %w: take a new snapshot", binlog.ErrPurged)
			bad, _ := fake("source", purged)
			good, _ := fake("sink hbase")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			to, err := openCluster(&Config{Brokers: spec.Brokers{Addresses: []string{"127.0.0.1:1"}}})
			if err != nil {
				t.Fatal(err)
			}
			defer to.close()
			silent := &board{to: to, every: time.Hour, log: slog.New(slog.DiscardHandler)}
			silent.failing = true
			go func() { ended <- runParts(ctx, &Config{OnFailure: on}, []*part{bad, good}, silent) }()
			time.Sleep(time.Minute)
			if running := len(ended) == 0; running != others {
				t.Errorf("%s: the others go on: %v", on, running)
			}
			cancel()
			if err := <-ended; !errors.Is(err, binlog.ErrPurged) || !strings.Contains(err.Error(), "source: read: ") {
				t.Errorf("%s: it ended with %v", on, err)
			}
			if r := bad.report(); r.State != Failed || !strings.Contains(r.Problem, "new snapshot") {
				t.Errorf("%s: it tells %+v", on, r)
			}
		})
	}
}

// The rate is of what was done between two reports.
func TestReportRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := uint64(100)
		p, _ := fake("source")
		p.tell = func(r *Report) { r.Source = &SourceReport{Changes: done} }
		p.report()
		time.Sleep(2 * time.Second)
		done += 500
		if r := p.report(); r.PerSecond != 250 {
			t.Errorf("%v per second", r.PerSecond)
		}
	})
}
