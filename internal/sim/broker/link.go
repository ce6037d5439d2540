package broker

import (
	"net/netip"
	"slices"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim"
)

// Link is the broker's end of a connection. It keeps requests in order as package server does: a barrier starts when
// all before it are answered, answers leave in the order of requests.
type Link struct {
	process *Process
	conn    *sim.Conn
	client  api.Client
	queue   []*request // not answered, in order
	later   []func()   // wait for the next frame or the end
	ended   bool
}

// request is one request on its way, and the api.Sink of its call.
type request struct {
	link     *Link
	call     *api.Call
	id       int32
	stage    api.Stage
	started  bool
	ended    bool
	onEnding func()
	answer   []byte
	refusal  protocol.Code // of a produce request that was answered
}

// Accept takes a connection that came in by a listener.
func (p *Process) Accept(conn *sim.Conn, listener string) {
	k := &Link{process: p, conn: conn}
	k.client = api.Client{SoftwareName: "kgo", Address: netip.MustParseAddrPort("10.0.0.1:1000"), Listener: listener, Principal: "User:ANONYMOUS"}
	conn.OnFrame = k.frame
	conn.OnClose = func(error) { k.end() }
}

// end is that of the connection: who waits need not any more.
func (k *Link) end() {
	if k.ended {
		return
	}
	k.ended = true
	k.nudge()
	for _, r := range slices.Clone(k.queue) {
		if r.onEnding != nil && !r.ended {
			r.onEnding()
		}
	}
	if !k.process.Ended {
		k.process.API.Ended(&k.client)
	}
}

// nudge tells those who hold an answer back that something came after them.
func (k *Link) nudge() {
	later := k.later
	k.later = nil
	for _, f := range later {
		f()
	}
}

// frame takes a request.
func (k *Link) frame(frame []byte) {
	if k.process.Ended {
		return
	}
	if k.tooEarly(frame) {
		k.conn.Reset()
		k.end()
		return
	}
	reader := protocol.NewReader(frame, protocol.Limits{})
	r, err := k.decode(reader, frame)
	if err != nil {
		k.process.World.Wrong("protocol", k.process.Machine.Name(), "a client's frame cannot be read: %v", err)
		k.conn.Reset()
		return
	}
	k.nudge()
	k.queue = append(k.queue, r)
	k.advance()
}

// tooEarly says that the node does not answer this client yet. The server keeps the connection and lets the client wait; here
// it ends, and the client comes again.
func (k *Link) tooEarly(frame []byte) bool {
	ready := k.process.API.Ready(&k.client, protocol.Key(int16(frame[0])<<8|int16(frame[1])))
	if ready == nil {
		return false
	}
	select {
	case <-ready:
		return false
	default:
		return true
	}
}

func (k *Link) decode(reader *protocol.Reader, frame []byte) (*request, error) {
	key := protocol.Key(int16(frame[0])<<8 | int16(frame[1]))
	version := int16(frame[2])<<8 | int16(frame[3])
	stage, ok := k.process.API.Row(&k.client, key, version)
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
	if hello, ok := body.(*protocol.ApiVersionsRequest); ok {
		k.client.SoftwareName, k.client.SoftwareVersion = hello.ClientSoftwareName, hello.ClientSoftwareVersion
	}
	r := &request{link: k, id: header.CorrelationID, stage: stage}
	r.call = api.NewCall(r, key, version, &k.client, k.process.Clock(), body)
	return r, nil
}

// advance starts what may start.
func (k *Link) advance() {
	for i := 0; i < len(k.queue); i++ {
		r := k.queue[i]
		if r.started {
			continue
		}
		if r.stage == api.Barrier && i > 0 {
			return
		}
		r.started = true
		k.process.dispatch(r)
		i = -1 // the queue may be another now
	}
}

// Reply encodes the answer, with the bytes of the log in it, and sends what is due.
func (r *request) Reply(response protocol.Message) {
	if r.ended {
		panic("broker: a second end of a " + r.call.Key.String() + " request")
	}
	if p, ok := response.(*protocol.ProduceResponse); ok {
		r.refusal = p.Responses[0].PartitionResponses[0].ErrorCode
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

// OnEnding lets f run if the connection ends before the request does.
func (r *request) OnEnding(f func()) {
	if r.link.ended {
		f()
		return
	}
	r.onEnding = f
}

// ReleaseFrame does nothing: frames are not borrowed here.
func (r *request) ReleaseFrame() {}

func (r *request) end() {
	k := r.link
	r.ended = true
	for len(k.queue) > 0 && k.queue[0].ended {
		if answer := k.queue[0].answer; answer != nil && !k.process.Ended {
			k.conn.Send(answer)
		}
		k.queue = k.queue[1:]
	}
	if !k.process.Ended && slices.ContainsFunc(k.queue, func(r *request) bool { return !r.started }) {
		k.process.Machine.After(0, k.advance)
	}
}
