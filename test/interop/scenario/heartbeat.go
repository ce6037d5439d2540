package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/test/interop/check"
	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Heartbeat measures what held heartbeats promise, with a member that has its
// library's own intervals (a beat each 3 s): how long until it learns that
// another member joins, that no session is lost in 20 quiet seconds, and that
// no commit waits behind a held beat.
var Heartbeat = Scenario{
	Name:    "heartbeat",
	Applies: func(f *family.Family) bool { return f.RevokesInCallback },
	Run:     heartbeat,
}

const (
	joins       = 5
	beat        = 3 * time.Second // every library's default interval
	quiet       = 20 * time.Second
	commits     = 60
	fresh       = 60
	learnMax    = 500 * time.Millisecond // a member polls each 50 ms and the machine is busy
	commitMaxMs = 100.0
	// A library that sends one request at a time commits behind its own fetch,
	// which waits 500 ms, with any broker.
	commitMaxBehindMs = 1200.0
)

func heartbeat(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	topic, group := named(f, "heartbeat"), named(f, "heartbeat")
	if err := env.topic(ctx, topic, partitions); err != nil {
		return nil, err
	}
	if err := env.seed(ctx, f, topic, "h", 600, time.Now().Add(-24*time.Hour)); err != nil {
		return nil, err
	}
	client, err := f.Start(ctx, env.Bootstrap)
	if err != nil {
		return nil, err
	}
	m := check.NewMember("the member")
	s := &seat{Member: m, client: client}
	defer client.Kill()
	s.run = client.Send(line.Request{Cmd: "group", Topic: topic, Group: group, Commit: "sync", Every: 100}, m.Take)
	if err := s.settled(ctx, env, 0); err != nil {
		return nil, err
	}
	return s.heartbeatNotes(ctx, env, f, topic, group)
}

// heartbeatNotes runs the three measurements. The quiet time comes first: the
// broker needs a few beats to learn a member's habits.
func (s *seat) heartbeatNotes(ctx context.Context, env *Env, f *family.Family, topic, group string) (Notes, error) {
	idle := s.idle(ctx)
	learned, err := s.learnJoins(ctx, env, topic, group)
	if err != nil {
		return nil, errors.Join(idle, err)
	}
	p50, p99, commit := s.burst(ctx, env, topic)
	notes := Notes{
		"learns of a join after": fmt.Sprintf("%v", learned),
		"commit":                 fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", p50, p99),
	}
	if !env.Strict {
		return notes, errors.Join(idle, commit)
	}
	return notes, errors.Join(idle, commit, tooSlow(f, learned, p99))
}

// tooSlow compares with what held heartbeats promise. A library that sends one
// request at a time is not to be held up, so it learns with its next beat.
func tooSlow(f *family.Family, learned []time.Duration, p99 float64) error {
	learn, commitMs := learnMax, commitMaxMs
	if f.OneAtATime {
		learn, commitMs = beat+learnMax, commitMaxBehindMs
	}
	slices.Sort(learned)
	var problem error
	if median := learned[len(learned)/2]; median > learn {
		problem = fmt.Errorf("the member learned of joins after %v, want at most %v", learned, learn)
	}
	if p99 > commitMs {
		problem = errors.Join(problem, fmt.Errorf("commit p99 is %.1f ms, want at most %.0f", p99, commitMs))
	}
	return problem
}

// settled waits until the member owns every partition after more than n
// changes, and has read all.
func (s *seat) settled(ctx context.Context, env *Env, n int) error {
	return env.until(ctx, "a stable group of one", 60*time.Second, func() (bool, error) {
		if err := s.ended(ctx); err != nil {
			return false, err
		}
		return len(s.Changes()) > n && len(s.Assigned()) == partitions && len(s.Records()) >= 600, nil
	})
}

// learnJoins lets a second member join, sync and leave a few times, and
// returns the times until the first one was told.
func (s *seat) learnJoins(ctx context.Context, env *Env, topic, group string) ([]time.Duration, error) {
	var all []time.Duration
	for i := range joins {
		// The library sends its first beat one interval after it joined, and
		// then one an interval: before the first there is nothing to hold. Each
		// join comes at another phase of the beats after it.
		time.Sleep(beat + time.Duration(i+1)*beat/(joins+1))
		before := len(s.Changes())
		joined, err := env.joinAndLeave(ctx, topic, group)
		if err != nil {
			return nil, fmt.Errorf("join %d: %w", i, err)
		}
		if err := s.settled(ctx, env, before); err != nil {
			return nil, fmt.Errorf("after join %d: %w", i, err)
		}
		told, ok := firstRevocation(s.Changes()[before:])
		if !ok {
			return nil, fmt.Errorf("join %d: the member was not told of a revocation", i)
		}
		all = append(all, told.Sub(joined).Round(time.Millisecond))
	}
	return all, nil
}

func firstRevocation(changes []check.Change) (time.Time, bool) {
	for _, c := range changes {
		if c.Kind == line.Revoked || c.Kind == line.Lost {
			return c.At, true
		}
	}
	return time.Time{}, false
}

// idle waits and demands that nothing happened meanwhile.
func (s *seat) idle(ctx context.Context) error {
	before := len(s.Changes())
	select {
	case <-time.After(quiet):
	case <-ctx.Done():
		return ctx.Err()
	}
	if after := s.Changes(); len(after) != before {
		return fmt.Errorf("in %v without work the member saw %v", quiet, after[before:])
	}
	return s.ended(ctx)
}

// burst gives the member something to commit, asks for many synchronous
// commits and returns p50 and p99.
func (s *seat) burst(ctx context.Context, env *Env, topic string) (p50, p99 float64, err error) {
	had := len(s.Records())
	if err := env.seedCodec(ctx, "none", topic, "h", 600, 600+fresh, time.Now().Add(-24*time.Hour)); err != nil {
		return 0, 0, err
	}
	err = env.until(ctx, "fresh records", 20*time.Second, func() (bool, error) { return len(s.Records()) >= had+fresh, s.ended(ctx) })
	if err != nil {
		return 0, 0, err
	}
	before := len(s.Commits())
	s.client.Commit(commits)
	err = env.until(ctx, "commits answered", 60*time.Second, func() (bool, error) {
		return len(s.Commits()) >= before+commits, s.ended(ctx)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %d of %d", err, len(s.Commits())-before, commits)
	}
	var ms []float64
	for _, c := range s.Commits()[before:] {
		if c.Error != "" {
			return 0, 0, fmt.Errorf("a commit failed: %s", c.Error)
		}
		ms = append(ms, c.Ms)
	}
	slices.Sort(ms)
	return ms[len(ms)/2], ms[len(ms)*99/100], nil
}

// joinAndLeave is a whole life of a second member, in raw requests. It returns
// the moment its JoinGroup was sent.
func (e *Env) joinAndLeave(ctx context.Context, topic, group string) (time.Time, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(line.Addresses(e.Bootstrap)...), kgo.ClientID("interop-second"))
	if err != nil {
		return time.Time{}, err
	}
	defer cl.Close()
	m := &rawMember{cl: cl, topic: topic, group: group}
	if err := m.askID(ctx); err != nil {
		return time.Time{}, err
	}
	sent := time.Now()
	if err := m.join(ctx); err != nil {
		return sent, err
	}
	if err := m.sync(ctx); err != nil {
		return sent, err
	}
	return sent, m.leave(ctx)
}
