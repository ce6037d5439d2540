package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/skein-io/skein/test/bench/wire"
	"github.com/skein-io/skein/test/conformance/report"
	"github.com/twmb/franz-go/pkg/kerr"
)

// probe is one row being asked. An expectation that is not met ends the row, wherever it is said, as t.Fatal ends a
// test. A row may go on in several goroutines of its own, by together.
type probe struct {
	suite  *Suite
	row    string
	ctx    context.Context
	cancel context.CancelFunc
	asking sync.WaitGroup // requests under way

	mu      sync.Mutex
	outcome *outcome // set once, by the first that ends the row
	notes   string
	idle    map[string][]*wire.Conn
	groups  []string
	topics  []string
	kept    bool // what it made outlives it
}

type outcome struct {
	Verdict report.Verdict
	Detail  string
}

func (o outcome) parts() (report.Verdict, string) { return o.Verdict, o.Detail }

func newProbe(ctx context.Context, s *Suite, row string, limit time.Duration) *probe {
	ctx, cancel := context.WithTimeout(ctx, limit)
	return &probe{suite: s, row: row, ctx: ctx, cancel: cancel, idle: map[string][]*wire.Conn{}}
}

// do runs the row to its end.
func (p *probe) do(run func(*probe)) outcome {
	p.all(run)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outcome != nil {
		return *p.outcome
	}
	return outcome{report.Pass, p.notes}
}

// together runs parts of a row side by side. It returns when all are done; if one ended the row, so does together.
func (p *probe) together(parts ...func(*probe)) {
	p.all(parts...)
	p.goOn()
}

func (p *probe) all(parts ...func(*probe)) {
	var running sync.WaitGroup
	for _, part := range parts {
		running.Go(func() { part(p) })
	}
	running.Wait()
}

// stop ends the row. The first reason counts.
func (p *probe) stop(v report.Verdict, format string, args ...any) {
	p.mu.Lock()
	if p.outcome == nil {
		p.outcome = &outcome{v, fmt.Sprintf(format, args...)}
	}
	p.mu.Unlock()
	runtime.Goexit()
}

// goOn ends this goroutine if another one of the row has ended it.
func (p *probe) goOn() {
	p.mu.Lock()
	over := p.outcome != nil
	p.mu.Unlock()
	if over {
		runtime.Goexit()
	}
}

func (p *probe) miss(format string, args ...any) { p.stop(report.Miss, format, args...) }
func (p *probe) skip(format string, args ...any) { p.stop(report.Skipped, format, args...) }

// note goes with a pass.
func (p *probe) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notes = join(p.notes, fmt.Sprintf(format, args...))
}

// code expects one of some errors, or none where none is named.
func (p *probe) code(what string, got int16, want ...*kerr.Error) {
	if len(want) == 0 && got == 0 {
		return
	}
	names := make([]string, 0, len(want))
	for _, w := range want {
		if got == w.Code {
			return
		}
		names = append(names, w.Message)
	}
	if len(names) == 0 {
		names = append(names, "NONE")
	}
	p.miss("%s: expected %s, got %s", what, strings.Join(names, " or "), codeName(got))
}

func codeName(code int16) string {
	if code == 0 {
		return "NONE"
	}
	if e := kerr.TypedErrorForCode(code); e != nil && e.Code == code {
		return e.Message
	}
	return fmt.Sprintf("error %d", code)
}

// equal expects a value.
func (p *probe) equal(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		p.miss("%s: expected %s, got %s", what, show(want), show(got))
	}
}

func show(v any) string {
	switch v := v.(type) {
	case string, []byte, []string:
		return fmt.Sprintf("%q", v)
	case *string:
		if v == nil {
			return "null"
		}
		return fmt.Sprintf("%q", *v)
	default:
		return fmt.Sprintf("%v", v)
	}
}

// holds expects something that is said in words.
func (p *probe) holds(ok bool, format string, args ...any) {
	if !ok {
		p.miss(format, args...)
	}
}

// tolerance is how far a time may be off: clocks tick, and machines are busy.
const (
	earlyMax = 150 * time.Millisecond
	lateMax  = 2500 * time.Millisecond
)

// took expects that something came after a time, and not much later.
func (p *probe) took(what string, got, want time.Duration) {
	if got < want-earlyMax || got > want+lateMax {
		p.miss("%s: expected after %v, came after %v", what, want, got.Round(10*time.Millisecond))
	}
}

// await asks until it is so, for half a minute at most.
func (p *probe) await(what string, so func() bool) { p.awaitFor(what, 30*time.Second, so) }

func (p *probe) awaitFor(what string, limit time.Duration, so func() bool) {
	began := time.Now()
	for pause := 5 * time.Millisecond; !so(); pause = min(2*pause, 200*time.Millisecond) {
		if time.Since(began) > limit {
			p.miss("%s: not within %v", what, limit)
		}
		p.pause(pause)
	}
}

// pause lets time pass.
func (p *probe) pause(d time.Duration) {
	p.goOn()
	select {
	case <-p.ctx.Done():
		p.miss("the row took longer than it may")
	case <-time.After(d):
	}
}

// name makes a name that nobody else has.
func (p *probe) name() string {
	return fmt.Sprintf("%s-%s-%d", p.suite.prefix, p.row, p.suite.made.Add(1))
}

// end takes away what the row made and closes its connections. It may fail: then it stays.
func (p *probe) end() {
	p.cancel()
	p.asking.Wait()
	if p.kept {
		return
	}
	var sweeping sync.WaitGroup
	sweep := func(what func(*probe)) {
		sweeping.Go(func() {
			s := newProbe(context.WithoutCancel(p.ctx), p.suite, p.row, 15*time.Second)
			s.do(what)
			s.cancel()
			s.asking.Wait()
		})
	}
	for _, group := range p.groups {
		sweep(func(s *probe) { s.dropGroup(group) })
	}
	for _, topic := range p.topics {
		sweep(func(s *probe) { s.askToDropTopic(topic) })
	}
	sweeping.Wait()
}

func dialTCP(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// why puts what became of a connection in the words of the report.
func why(err error) string {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		return "no answer in time"
	}
	return err.Error()
}
