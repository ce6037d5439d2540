package client

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// cluster answers calls as a test says, on connections in memory. The regions are given; ZooKeeper is not needed.
type cluster struct {
	mu    sync.Mutex
	calls []string
	// answer returns the message for a call of a server, or an exception. Any bytes may be sent by the connection itself.
	answer func(addr, method string, request []byte) ([]byte, *ServerError)
	// raw, if it is set, is what servers send for each call instead, all but hbase:meta's.
	raw []byte
}

func (k *cluster) dial(_ context.Context, _, addr string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go k.serve(addr, theirs)
	return ours, nil
}

func (k *cluster) serve(addr string, c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	if _, err := io.ReadFull(in, make([]byte, 6)); err != nil {
		return
	}
	if _, err := readFrame(in, 1<<20); err != nil {
		return
	}
	for {
		frame, err := readFrame(in, 1<<20)
		if err != nil {
			return
		}
		head, rest, err := delimited(frame)
		if err != nil {
			return
		}
		request, _, err := delimited(rest)
		if err != nil {
			return
		}
		var id uint32
		var method string
		_ = eachField(head, func(f field) error {
			switch f.number {
			case 1:
				id = uint32(f.num)
			case 3:
				method = string(f.bytes)
			}
			return nil
		})
		k.mu.Lock()
		k.calls = append(k.calls, addr+" "+method)
		k.mu.Unlock()
		if k.raw != nil && addr != "meta" {
			_, _ = c.Write(k.raw)
			continue
		}
		message, failed := k.answer(addr, method, request)
		if message == nil && failed == nil {
			continue // it says nothing
		}
		var b []byte
		if failed != nil {
			h, at := beginDelimited(nil)
			h = appendUint(h, 1, uint64(id))
			h, e := begin(h, 2)
			h = appendBool(appendString(appendString(h, 1, failed.Class), 2, failed.Class+": "+failed.Message+"\n\tat"), 5, failed.final)
			b = end(end(h, e), at)
		} else {
			b = answerOf(id, message)
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)); err != nil {
			return
		}
	}
}

func (k *cluster) open(t *testing.T, o Options) *Client {
	t.Helper()
	o.ZooKeeper, o.Dial = []string{"127.0.0.1:1"}, k.dial
	c, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	c.regions.learn(metaRegion("meta"))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// metaAnswer is hbase:meta's row of a region.
func metaAnswer(r *region) []byte {
	info := append([]byte("PBUF"), appendRegionInfo(nil, r)...)
	cells := []Cell{{Family: []byte("info"), Qualifier: []byte("regioninfo"), Value: info}, {Family: []byte("info"), Qualifier: []byte("server"), Value: []byte(r.addr)}}
	return appendBool(appendBytes(appendUint(nil, 2, 1), 5, resultOf(string(r.name), cells...)), 3, false)
}

// multiAnswer is an answer of Multi to guarded steps: done, or an exception.
func multiAnswer(results ...any) (b []byte) {
	for _, r := range results {
		var at, e int
		b, at = begin(b, 1)
		if class, failed := r.(string); failed {
			b, e = begin(b, 2)
			b = end(appendString(appendString(b, 1, class), 2, class+": of this action\n\tat"), e)
		} else {
			b = appendBool(b, 3, r.(bool))
		}
		b = end(b, at)
	}
	return b
}

func guarded(rows ...string) (ops []Op) {
	for _, row := range rows {
		put := Mutation{Cells: []Cell{{Family: []byte("d"), Qualifier: []byte("q"), Value: []byte("v")}}}
		ops = append(ops, Op{Row: []byte(row), Steps: []Step{{Condition: Absent([]byte("d"), []byte("q")), Mutations: []Mutation{put}}}})
	}
	return ops
}

const hadoop = "org.apache.hadoop.hbase."

// A region that moved is told inside the answer, for its actions alone: those are sent again, to where the region is now, and
// the others are not. Busy servers are asked again at the same place.
func TestMovedAndBusyRegions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := &region{table: "t", name: []byte("t,,1.aaa."), end: []byte("m"), id: 1, addr: "one"}
		right := &region{table: "t", name: []byte("t,m,1.bbb."), start: []byte("m"), id: 1, addr: "one"}
		tries := map[string]int{}
		k := &cluster{}
		k.answer = func(addr, method string, request []byte) ([]byte, *ServerError) {
			if method == "Scan" {
				if strings.Contains(string(request), "t,z,") {
					moved := *right
					moved.addr = "two"
					if tries["meta"]++; tries["meta"] == 1 {
						moved.addr = "" // it is on its way
					}
					return metaAnswer(&moved), nil
				}
				return metaAnswer(left), nil
			}
			tries[addr]++
			switch {
			case addr == "one" && tries[addr] == 1: // both regions are thought to be here
				return multiAnswer(true, hadoop+"NotServingRegionException"), nil
			case addr == "two" && tries[addr] == 1:
				return nil, &ServerError{Class: hadoop + "CallQueueTooBigException"}
			case addr == "two" && tries[addr] == 2:
				return multiAnswer(hadoop + "RegionTooBusyException"), nil
			case addr == "two":
				return multiAnswer(false), nil
			}
			return nil, &ServerError{Class: "unexpected", final: true}
		}
		c := k.open(t, Options{})
		c.regions.learn(left)
		c.regions.learn(right)
		ops := guarded("a", "z")
		if err := c.Batch(t.Context(), "t", ops); err != nil {
			t.Fatal(err)
		}
		if !ops[0].Done[0] || ops[1].Done[0] || ops[0].Err != nil || ops[1].Err != nil {
			t.Errorf("%+v", ops)
		}
		want := "one Multi, meta Scan, meta Scan, two Multi, two Multi, two Multi"
		if got := strings.Join(k.calls, ", "); got != want {
			t.Errorf("calls: %s\nnot:   %s", got, want)
		}
		synctest.Wait()
	})
}

// What does not pass is the op's error; what the server calls final, or nobody knows, is not tried again.
func TestFinalErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &region{table: "t", name: []byte("t,,1.aaa."), id: 1, addr: "one"}
		k := &cluster{answer: func(_, method string, _ []byte) ([]byte, *ServerError) {
			if method == "Multi" {
				return multiAnswer(hadoop+"regionserver.NoSuchColumnFamilyException", "some.New"), nil
			}
			return nil, &ServerError{Class: "some.Other", Message: "no", final: false}
		}}
		c := k.open(t, Options{})
		c.regions.learn(r)
		ops := guarded("a", "b")
		if err := c.Batch(t.Context(), "t", ops); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(ops[0].Err, ErrNoFamily) || ops[1].Err == nil || !strings.Contains(ops[1].Err.Error(), "New: of this action") {
			t.Errorf("%v, %v", ops[0].Err, ops[1].Err)
		}
		for _, err := range c.Rows(t.Context(), "t", Scan{}) {
			if err == nil || !strings.Contains(err.Error(), "Other: no") {
				t.Errorf("scan: %v", err)
			}
		}
		if len(k.calls) != 2 {
			t.Errorf("calls: %v", k.calls)
		}
	})
}

// Servers that lie, say nothing, or close: the caller gets an error in time, and no more memory goes than what was sent.
func TestHostileServers(t *testing.T) {
	two := []byte{0, 0, 0, 2, 1, 1}
	for name, raw := range map[string][]byte{
		"a frame that is too large":       {0xff, 0xff, 0xff, 0xff},
		"a frame that never ends":         {0x03, 0xff, 0xff, 0xff, 'x'},
		"no message":                      {0, 0, 0, 0},
		"a broken header":                 two,
		"an answer to nobody":             append([]byte{0, 0, 0, 4}, answerOf(999, nil)...),
		"too few results":                 append([]byte{0, 0, 0, 4}, answerOf(1, nil)...),
		"cells beside the message":        {0, 0, 0, 4, 3, 0x1a, 0, 0},
		"a result of an action not asked": append([]byte{0, 0, 0, 16}, answerOf(1, append(multiAnswer(true, true), multiAnswer(true)...))...),
		"silence":                         {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &region{table: "t", name: []byte("t,,1.aaa."), id: 1, addr: "one"}
				k := &cluster{raw: raw, answer: func(addr, _ string, _ []byte) ([]byte, *ServerError) {
					if addr == "meta" {
						return metaAnswer(r), nil
					}
					return nil, nil
				}}
				if len(raw) == 0 {
					k.raw = nil
				}
				c := k.open(t, Options{CallTimeout: time.Second, RetryTimeout: 3 * time.Second})
				c.regions.learn(r)
				from := time.Now()
				err := c.Batch(t.Context(), "t", guarded("a"))
				if !errors.Is(err, ErrUnavailable) {
					t.Errorf("%v", err)
				}
				if took := time.Since(from); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				_ = c.Close()
			})
		})
	}
}

// One waits to connect to a server while another tries, and in vain: the connection that the one then makes is the client's, and ends
// with it.
func TestConnectAfterAnotherFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		c, err := Open(Options{ZooKeeper: []string{"127.0.0.1:1"}, Dial: func(context.Context, string, string) (net.Conn, error) {
			if dials.Add(1) == 1 {
				time.Sleep(time.Second)
				return nil, errors.New("nobody listens")
			}
			ours, theirs := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			return ours, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		var failed error
		var wait sync.WaitGroup
		wait.Go(func() { _, failed = c.connect(t.Context(), "one", regionService) })
		synctest.Wait()
		made, err := c.connect(t.Context(), "one", regionService)
		if err != nil {
			t.Fatal(err)
		}
		wait.Wait()
		if failed == nil {
			t.Error("the first one has connected")
		}
		if again, err := c.connect(t.Context(), "one", regionService); err != nil || again != made {
			t.Errorf("it is connected anew: %v", err)
		}
		if _ = c.Close(); made.alive() {
			t.Error("the connection does not end with the client")
			made.fail(ErrClosed)
		}
		if _, err := c.connect(t.Context(), "one", regionService); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// Answers that overtake each other find their calls, and a call that is given up does not disturb others.
func TestPipelinedCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		o := Options{CallTimeout: time.Minute, AnswerMax: 1 << 20, User: "u", Dial: func(context.Context, string, string) (net.Conn, error) { return ours, nil }}
		go func() {
			in := bufio.NewReader(theirs)
			_, _ = io.ReadFull(in, make([]byte, 6))
			_, _ = readFrame(in, 1<<20)
			for range 3 {
				_, _ = readFrame(in, 1<<20)
			}
			for _, id := range []uint32{3, 2, 1} {
				b := answerOf(id, fmt.Append(nil, id))
				_, _ = theirs.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
			}
		}()
		k, err := dialConn(t.Context(), &o, "one", regionService)
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for n := range 3 {
			synctest.Wait()
			wait.Add(1)
			go func() {
				defer wait.Done()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if n == 1 {
					cancel()
				}
				message, err := k.call(ctx, "Get", time.Minute, func(b []byte) []byte { return b })
				if n == 1 {
					if !errors.Is(err, context.Canceled) && string(message) != "2" {
						t.Errorf("call 2: %v", err)
					}
				} else if err != nil || string(message) != fmt.Sprint(n+1) {
					t.Errorf("call %d: %q, %v", n+1, message, err)
				}
			}()
		}
		wait.Wait()
		k.fail(ErrClosed)
		if _, err := k.call(t.Context(), "Get", time.Minute, nil); !errors.Is(err, ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}
