package check

import (
	"time"

	"github.com/skein-io/skein/test/bench/wire"
	"github.com/skein-io/skein/test/conformance/report"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// answerMax is how long the answer to a request may take that waits for nothing.
const answerMax = 20 * time.Second

// clientID is what the suite calls itself.
const clientID = "conformance"

// pending is a request whose answer may take its time.
type pending struct {
	p      *probe
	what   string
	sent   time.Time
	done   chan struct{}
	answer kmsg.Response
	err    error
	at     time.Time
}

// send puts a request on a connection that nothing else waits on. A version that the broker does not offer ends the row.
func (p *probe) send(addr string, version int16, req kmsg.Request) *pending {
	p.goOn()
	p.needs(req.Key(), version)
	req.SetVersion(version)
	q := &pending{p: p, what: kmsg.NameForKey(req.Key()), sent: time.Now(), done: make(chan struct{})}
	p.asking.Go(func() {
		defer close(q.done)
		conn, err := p.conn(addr)
		if err == nil {
			q.answer, err = p.suite.options.plant.roundTrip(conn, req)
		}
		q.err, q.at = err, time.Now()
		if err == nil {
			p.mu.Lock()
			p.idle[addr] = append(p.idle[addr], conn)
			p.mu.Unlock()
		} else if conn != nil {
			conn.Close()
		}
	})
	return q
}

func (l *plant) roundTrip(conn *wire.Conn, req kmsg.Request) (kmsg.Response, error) {
	if l.request != nil {
		l.request(req)
	}
	ask := func() (kmsg.Response, error) {
		answer, err := conn.RoundTrip(req)
		conn.Keep() // the connection may be used again before the answer is looked at
		return answer, err
	}
	answer, err := l.answer(req, ask)
	if err == nil && l.response != nil {
		l.response(req, answer)
	}
	return answer, err
}

func (l *plant) answer(req kmsg.Request, ask func() (kmsg.Response, error)) (kmsg.Response, error) {
	if l.standIn == nil {
		return ask()
	}
	return l.standIn(req, ask)
}

func (p *probe) conn(addr string) (*wire.Conn, error) {
	p.mu.Lock()
	if free := p.idle[addr]; len(free) > 0 {
		conn := free[len(free)-1]
		p.idle[addr] = free[:len(free)-1]
		p.mu.Unlock()
		return conn, nil
	}
	p.mu.Unlock()
	return wire.DialWith(p.ctx, p.suite.options.Dial, addr, clientID)
}

// waits says whether there is no answer yet.
func (q *pending) waits() bool {
	select {
	case <-q.done:
		return false
	default:
		return true
	}
}

// stillWaits expects that no answer comes for some time.
func (q *pending) stillWaits(d time.Duration) {
	q.p.pause(d)
	q.p.holds(q.waits(), "%s: expected to wait, was answered: %s", q.what, q.told())
}

// told is the answer in a word.
func (q *pending) told() string {
	if q.waits() {
		return "no answer"
	}
	if q.err != nil {
		return why(q.err)
	}
	switch r := q.answer.(type) {
	case *kmsg.JoinGroupResponse:
		return codeName(r.ErrorCode)
	case *kmsg.SyncGroupResponse:
		return codeName(r.ErrorCode)
	default:
		return kmsg.NameForKey(q.answer.Key())
	}
}

// took is how long the answer took; it must be there.
func (q *pending) took() time.Duration { return q.at.Sub(q.sent) }

// within returns the answer, which must come in some time.
func within[R kmsg.Response](q *pending, limit time.Duration) R {
	select {
	case <-q.done:
	case <-time.After(limit):
		q.p.miss("%s: no answer within %v", q.what, limit)
	case <-q.p.ctx.Done():
		q.p.miss("%s: no answer before the row's time was over", q.what)
	}
	q.p.goOn()
	if q.err != nil {
		q.p.miss("%s: %s", q.what, why(q.err))
	}
	return q.answer.(R)
}

// ask is send and within, for a request that waits for nothing.
func ask[R kmsg.Response](p *probe, addr string, version int16, req kmsg.Request) R {
	return within[R](p.send(addr, version, req), answerMax)
}

// has says whether the broker offers an API in a version.
func (p *probe) has(key, version int16) bool {
	k, ok := p.suite.offered[key]
	return key == 18 || ok && version >= k.MinVersion && version <= k.MaxVersion
}

// needs ends the row if the broker does not offer an API in a version.
func (p *probe) needs(key, version int16) {
	if !p.has(key, version) {
		p.stop(report.NotOffered, "the broker does not offer %s version %d", kmsg.NameForKey(key), version)
	}
}

// upTo is the newest version of an API that the broker offers, at most the one that is asked for.
func (p *probe) upTo(key, version int16) int16 {
	if k, ok := p.suite.offered[key]; ok && k.MaxVersion < version {
		return k.MaxVersion
	}
	return version
}

// each calls f for every version of an API between two that the broker offers; there must be one.
func (p *probe) each(key, from, to int16, f func(version int16)) {
	n := 0
	for v := from; v <= to; v++ {
		if p.has(key, v) {
			f(v)
			n++
		}
	}
	if n == 0 {
		p.needs(key, to)
	}
}
