package onenode

import (
	"log/slog"
	"net/netip"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim"
)

var discard = slog.New(slog.DiscardHandler)

// link is the broker's end of a connection. It keeps requests in order as package server does: a barrier starts when
// all before it are answered, answers leave in the order of requests.
type link struct {
	life   *life
	conn   *sim.Conn
	client api.Client
	queue  []*request // not answered, in order
	later  []func()   // wait for the next frame or the end
}

// request is one request on its way, and the api.Sink of its call.
type request struct {
	link    *link
	call    *api.Call
	id      int32
	stage   api.Stage
	started bool
	ended   bool
	answer  []byte
}

func (l *life) accept(conn *sim.Conn) {
	k := &link{life: l, conn: conn}
	k.client = api.Client{SoftwareName: "kgo", Address: netip.MustParseAddrPort("10.0.0.1:1000"), Listener: "PLAINTEXT", Principal: "User:ANONYMOUS"}
	conn.OnFrame = k.frame
	conn.OnClose = func(error) { k.nudge() }
}

// nudge tells those who hold an answer back that something came after them.
func (k *link) nudge() {
	later := k.later
	k.later = nil
	for _, f := range later {
		f()
	}
}

// frame takes a request.
func (k *link) frame(frame []byte) {
	if k.life.ended {
		return
	}
	reader := protocol.NewReader(frame, protocol.Limits{})
	r, err := k.decode(reader, frame)
	if err != nil {
		k.life.world.wrong("protocol", brokerName, "a client's frame cannot be read: %v", err)
		k.conn.Reset()
		return
	}
	k.nudge()
	k.queue = append(k.queue, r)
	k.advance()
}

func (k *link) decode(reader *protocol.Reader, frame []byte) (*request, error) {
	key := protocol.Key(int16(frame[0])<<8 | int16(frame[1]))
	version := int16(frame[2])<<8 | int16(frame[3])
	stage, ok := k.life.api.Row(&k.client, key, version)
	if !ok {
		return nil, protocol.Fail(protocol.UnsupportedVersion, "%v version %d", key, version)
	}
	var header protocol.RequestHeader
	if err := header.Decode(reader, protocol.HeaderVersion(key, version)); err != nil {
		return nil, err
	}
	if header.ClientID != nil {
		k.client.ID = *header.ClientID
	}
	body := protocol.NewRequest(key)
	if err := body.Decode(reader, version); err != nil {
		return nil, err
	}
	r := &request{link: k, id: header.CorrelationID, stage: stage}
	r.call = api.NewCall(r, key, version, &k.client, k.life.now(), body)
	return r, nil
}

// advance starts what may start.
func (k *link) advance() {
	for i := 0; i < len(k.queue); i++ {
		r := k.queue[i]
		if r.started {
			continue
		}
		if r.stage == api.Barrier && i > 0 {
			return
		}
		r.started = true
		k.life.dispatch(r.call)
		i = -1 // the queue may be another now
	}
}

// dispatch gives a call to the groups or to the table of APIs.
func (l *life) dispatch(c *api.Call) {
	if l.ended || l.world.options.Bug.intercept(l, c) {
		return
	}
	if !l.groups.take(c) {
		l.api.Start(c)
	}
	l.roundSoon()
}

// Reply encodes the answer, with the bytes of the log in it, and sends what is due.
func (r *request) Reply(response protocol.Message) {
	if r.ended {
		panic("onenode: a second end of a " + r.call.Key.String() + " request")
	}
	var w protocol.Writer
	header := protocol.ResponseHeader{CorrelationID: r.id}
	header.Encode(&w, protocol.ResponseHeaderVersion(r.call.Key, r.call.Version))
	response.Encode(&w, r.call.Version)
	for _, s := range w.Segments() {
		r.answer = append(r.answer, s.Bytes...)
		if p, ok := s.Payload.(payload); ok {
			b, err := p.ReadAll()
			p.Release()
			if err != nil {
				r.link.conn.Reset() // as the server does when a file cannot be sent
			}
			r.answer = append(r.answer, b...)
		}
	}
	r.end()
}

// payload is a part of a log.
type payload interface {
	ReadAll() ([]byte, error)
	Release()
}

// Silent ends a request that gets no answer.
func (r *request) Silent() { r.end() }

// Close ends a request together with its connection.
func (r *request) Close(string) {
	r.end()
	r.link.conn.Close()
}

// OnLater lets f run when something comes behind the request.
func (r *request) OnLater(f func()) {
	if n := len(r.link.queue); n > 0 && r.link.queue[n-1] != r {
		f()
		return
	}
	r.link.later = append(r.link.later, f)
}

// ReleaseFrame does nothing: frames are not borrowed here.
func (r *request) ReleaseFrame() {}

func (r *request) end() {
	k := r.link
	r.ended = true
	for len(k.queue) > 0 && k.queue[0].ended {
		if answer := k.queue[0].answer; answer != nil && !k.life.ended {
			k.conn.Send(answer)
		}
		k.queue = k.queue[1:]
	}
	if !k.life.ended {
		k.life.node.machine.After(0, k.advance)
	}
}
