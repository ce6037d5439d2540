package tour

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/internal/tour/lane"
	"github.com/skein-io/skein/internal/tour/text"
)

// Broker is what a scene is played on.
type Broker struct {
	Bootstrap string
	Dial      Dial
	// Record writes the flight recorder of a partition of __consumer_offsets. Nil is a broker that has none: its scenes
	// have the facts of the wire only.
	Record func(partition int32, w io.Writer) error
	// Lag is how long what a consumer sends is under way, by its client id; nil is no longer than the network takes. On a
	// clock that moves by itself it puts everything in one order.
	Lag func(client string) time.Duration
	// Faults is what may be done to the nodes of a cluster; nil for a broker that is alone or that runs already.
	Faults Faults
	// Watch gives what happens in the nodes of a cluster to a function, until it is given nil; nil as Faults is.
	Watch func(take func(Happening))
	// Session and Heartbeat are what the consumers of a scene are set to whose sessions end.
	Session, Heartbeat time.Duration
	// Keeps says that the broker goes on when the scene is over: what the scene made there is deleted then.
	Keeps bool
	Close func()
}

// Act is a scene that is being played. It belongs to one goroutine.
type Act struct {
	ctx    context.Context
	broker *Broker
	words  text.Language
	scene  string
	step   string
	begun  time.Time

	follower *follower
	lanes    []string
	marks    []mark   // that were not shown yet
	shown    int      // rows of the recorder's story
	micro    bool     // rows are told in microseconds since something the scene names
	ended    []string // lanes that ended in earlier steps
	group    string
	topic    string
	topicID  [16]byte
	facts    []Fact
	tables   []Table
	client   *kgo.Client // who asks and produces
	closing  []func()
}

func (a *Act) close() {
	for _, c := range slices.Backward(a.closing) {
		c()
	}
	if a.client == nil {
		return
	}
	if a.broker.Keeps {
		a.tidy()
	}
	a.client.Close()
}

// observer is the client that asks, and fills the topic.
func (a *Act) observer() (*kgo.Client, error) {
	if a.client != nil {
		return a.client, nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(a.broker.Bootstrap), kgo.Dialer(a.broker.Dial), kgo.ClientID("tour"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.RetryBackoffFn(retryAfter),
		kgo.MetadataMinAge(askEvery), kgo.DisableClientMetrics())
	if err != nil {
		return nil, err
	}
	a.client = client
	return client, nil
}

// retryAfter has no chance in it: a run is the same each time.
func retryAfter(failures int) time.Duration {
	return min(20*time.Millisecond<<min(failures, 6), time.Second)
}

func (a *Act) admin() (*kadm.Client, error) {
	client, err := a.observer()
	if err != nil {
		return nil, err
	}
	return kadm.NewClient(client), nil
}

// askEvery is how often something is asked that is waited for.
const askEvery = 20 * time.Millisecond

// askMax is how long a cluster is given to become what a scene waits for; none needs it.
const askMax = 30 * time.Second

// errNotYet says that what is waited for is not so yet.
var errNotYet = errors.New("not yet")

// await asks until the answer is no error. The last is told when the time is over.
func (a *Act) await(what string, limit time.Duration, ask func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %v for %s: %w", limit, what, err)
		}
		select {
		case <-a.ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, context.Cause(a.ctx))
		case <-time.After(askEvery):
		}
	}
}

// mark is what the scene itself did to a lane, after so many rows of the recorder's story.
type mark struct {
	row   lane.Row
	after int
}

// mark notes what the scene does to a lane.
func (a *Act) mark(laneName string, kind lane.Mark, key string, args ...any) {
	m := mark{}
	if a.follower != nil {
		told, _ := a.told() // what broke it, the sheet tells
		m.after = len(told.rows)
	}
	i := a.laneOf(laneName)
	m.row = lane.Row{At: a.elapsed(), From: i, To: i, Mark: kind, Text: a.words.Say("lane."+key, args...)}
	a.marks = append(a.marks, m)
}

// laneOf is where an actor is drawn. The follower of the recorder, once there is one, has the lanes.
func (a *Act) laneOf(name string) int {
	if a.follower == nil {
		return laneIn(&a.lanes, name)
	}
	a.follower.mu.Lock()
	defer a.follower.mu.Unlock()
	return laneIn(&a.follower.story.lanes, name)
}

func laneIn(lanes *[]string, name string) int {
	i := slices.Index(*lanes, name)
	if i < 0 {
		i = len(*lanes)
		*lanes = append(*lanes, name)
	}
	return i
}

// elapsed is the time since the scene began, in whole milliseconds as the recorder has it.
func (a *Act) elapsed() time.Duration {
	return time.Duration(time.Now().UnixMilli()-a.begun.UnixMilli()) * time.Millisecond
}

// sheet is what happened since the last one.
func (a *Act) sheet() (lane.Sheet, error) {
	told, err := story{lanes: a.lanes}, error(nil)
	if a.follower != nil {
		told, err = a.told()
	}
	var rows []lane.Row
	for i := a.shown; i <= len(told.rows); i++ {
		for len(a.marks) > 0 && (a.marks[0].after <= i || i == len(told.rows)) {
			rows = append(rows, a.marks[0].row)
			a.marks = a.marks[1:]
		}
		if i < len(told.rows) {
			rows = append(rows, told.rows[i])
		}
	}
	a.shown = len(told.rows)
	s := lane.Sheet{Lanes: told.lanes, Rows: rows, Micro: a.micro}
	s.Drop(a.ended)
	for _, r := range s.Rows {
		if r.Mark == lane.End {
			a.ended = append(a.ended, s.Lanes[r.From])
		}
	}
	return s, err
}

// tidy deletes the topic and the group of the scene, once its consumers are gone. What cannot be deleted stays.
func (a *Act) tidy() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	admin := kadm.NewClient(a.client)
	_, _ = admin.DeleteTopics(ctx, a.topic)
	if a.group == "" {
		return
	}
	for ctx.Err() == nil { // those who were killed are in it until their sessions end
		if deleted, err := admin.DeleteGroups(ctx, a.group); err == nil && !errors.Is(deleted.Error(), kerr.NonEmptyGroup) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}
