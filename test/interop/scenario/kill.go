package scenario

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/skein-io/skein/test/interop/check"
	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/line"
)

// life is what one family has running while the broker is killed: a producer
// for each setting of idempotence and a group of three on the first topic.
type life struct {
	f         *family.Family
	group     string
	producers []*producer
	seats     []*seat
	durable   map[int32]int64 // what the members knew to be committed at the kill
	notes     Notes
	err       error
}

type producer struct {
	topic  string
	client *line.Client
	run    *line.Run
	want   *check.Produced
}

// Kill runs some families at once, kills the broker with SIGKILL while they
// produce and consume, starts it again on its data, and demands that every
// acknowledged record is there, in order and (with idempotence) once, that the
// group went on and no commit was lost. The key of the answer is the family.
func Kill(ctx context.Context, env *Env, families []*family.Family) map[string]Outcome {
	return kill(ctx, env, families, "kill", kind{})
}

func kill(ctx context.Context, env *Env, families []*family.Family, name string, of kind) map[string]Outcome {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	lives := make([]*life, len(families))
	each(families, func(i int) { lives[i] = begin(ctx, env, families[i], name, of) })
	defer each(lives, func(i int) { lives[i].end() })
	err := env.crash(ctx, lives)
	each(lives, func(i int) {
		if err != nil {
			lives[i].fail(err)
		}
		lives[i].finish(ctx, env)
	})
	found := map[string]Outcome{}
	for _, l := range lives {
		found[l.f.Name] = Outcome{Notes: l.notes, Err: l.err}
	}
	return found
}

// Outcome is what a scenario found for one of several families.
type Outcome struct {
	Notes Notes
	Err   error
}

// each calls work for every index, all at once.
func each[T any](all []T, work func(i int)) {
	var wait sync.WaitGroup
	for i := range all {
		wait.Go(func() { work(i) })
	}
	wait.Wait()
}

// fail keeps the first error of a life, if it is one.
func (l *life) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// begin starts the group, waits until it is seated, then starts the producers
// and returns once they have written a while.
func begin(ctx context.Context, env *Env, f *family.Family, name string, of kind) *life {
	l := &life{f: f, group: named(f, name), notes: Notes{}, durable: map[int32]int64{}}
	for i := len(f.Idempotence) - 1; i >= 0; i-- { // the idempotent one first: the group reads it
		way := map[bool]string{true: "idempotent", false: "plain"}[f.Idempotence[i]]
		if err := l.prepare(ctx, env, named(f, name, way), f.Idempotence[i]); err != nil {
			l.fail(err)
			return l
		}
	}
	r := memberRequest(f, l.producers[0].topic, l.group, env.Records)
	r.RateMax, r.Assignor, r.Protocol = 0, of.assignor, of.protocol
	var err error
	if l.seats, err = startSeats(ctx, env, f, r); err != nil {
		l.fail(err)
		return l
	}
	if err := l.seated(ctx, env); err != nil {
		l.fail(err)
		return l
	}
	for i, p := range l.producers {
		l.produce(env, p, f.Idempotence[len(f.Idempotence)-1-i])
	}
	select {
	case <-time.After(2 * time.Second):
	case <-ctx.Done():
	}
	return l
}

func (l *life) prepare(ctx context.Context, env *Env, topic string, idempotent bool) error {
	if err := env.topic(ctx, topic, partitions); err != nil {
		return err
	}
	client, err := l.f.Start(ctx, env.Bootstrap)
	if err != nil {
		return err
	}
	l.producers = append(l.producers, &producer{topic: topic, client: client, want: &check.Produced{Tag: "k",
		Count: env.Records, Keys: keys, Size: valueSize, TellsOffsets: l.f.TellsOffsets, RecordHeaders: l.f.RecordHeaders,
		NoDuplicates: idempotent, Ordered: idempotent}})
	return nil
}

// produce takes about six seconds, so that the kill falls into it.
func (l *life) produce(env *Env, p *producer, idempotent bool) {
	p.run = p.client.Send(line.Request{Cmd: "produce", Topic: p.topic, Codec: "gzip", Idempotent: idempotent, Count: env.Records,
		Keys: keys, Size: valueSize, Tag: "k", Rate: max(100, env.Records/6)}, p.want.Take)
}

// seated waits until every partition has an owner.
func (l *life) seated(ctx context.Context, env *Env) error {
	err := env.until(ctx, "three members with partitions", 60*time.Second, func() (bool, error) {
		owned := 0
		for _, s := range l.seats {
			if err := s.ended(ctx); err != nil {
				return false, err
			}
			owned += len(s.Assigned())
			if len(s.Assigned()) == 0 {
				return false, nil
			}
		}
		return owned == partitions, nil
	})
	if err != nil {
		return fmt.Errorf("%w; %s", err, histories(l.seats))
	}
	return nil
}

// crash kills the broker and starts it again.
func (e *Env) crash(ctx context.Context, lives []*life) error {
	for _, l := range lives {
		l.remember()
	}
	if err := e.Broker.Kill(); err != nil {
		return fmt.Errorf("kill: %w", err)
	}
	start := time.Now()
	if err := e.Broker.Start(ctx); err != nil {
		return fmt.Errorf("restart: %w", err)
	}
	for _, l := range lives {
		l.notes["restart"] = fmt.Sprintf("%.2fs", time.Since(start).Seconds())
		if l.err == nil {
			l.fail(l.commitsKept(ctx, e))
		}
	}
	return nil
}

// remember keeps what the members know to be committed.
func (l *life) remember() {
	for _, s := range l.seats {
		for p, o := range s.Durable() {
			l.durable[p] = max(l.durable[p], o)
		}
	}
	acked := 0
	for _, p := range l.producers {
		acked += p.want.Acked()
	}
	l.notes["at the kill"] = fmt.Sprintf("%d records acknowledged, commits %v", acked, l.durable)
}

// commitsKept demands that no commit that was answered is gone.
func (l *life) commitsKept(ctx context.Context, env *Env) error {
	var committed map[int32]int64
	err := env.until(ctx, "offsets after the restart", 30*time.Second, func() (bool, error) {
		var err error
		committed, err = env.committed(ctx, l.group, l.producers[0].topic)
		return err == nil, nil
	})
	if err != nil {
		return err
	}
	for p, o := range l.durable {
		if committed[p] < o {
			return fmt.Errorf("partition %d was committed at %d before the kill, after it at %d", p, o, committed[p])
		}
	}
	return nil
}

// finish waits for producers and members and checks everything.
func (l *life) finish(ctx context.Context, env *Env) {
	if l.err != nil {
		return
	}
	for i, p := range l.producers {
		held, err := p.finish(ctx, env)
		if err != nil {
			l.fail(fmt.Errorf("%s: %w", p.topic, err))
			return
		}
		l.notes[p.topic] = fmt.Sprintf("%d records in the topic", held.Len())
		if i == 0 {
			l.fail(l.consumed(ctx, env, held))
		}
	}
}

func (p *producer) finish(ctx context.Context, env *Env) (check.Topic, error) {
	if _, err := p.run.Wait(ctx); err != nil {
		return nil, fmt.Errorf("produce: %w", err)
	}
	if p.want.Acked() != p.want.Count {
		return nil, fmt.Errorf("%d of %d records were acknowledged", p.want.Acked(), p.want.Count)
	}
	held, err := check.ReadTopic(ctx, env.Bootstrap, p.topic)
	if err != nil {
		return nil, err
	}
	return held, p.want.Compare(held)
}

// consumed waits until the group has seen everything and lets it leave.
func (l *life) consumed(ctx context.Context, env *Env, held check.Topic) error {
	var members []*check.Member
	for _, s := range l.seats {
		members = append(members, s.Member)
	}
	if err := waitAll(ctx, env, held, l.seats, members); err != nil {
		return fmt.Errorf("%w; %s", err, histories(l.seats))
	}
	for _, m := range members {
		if err := m.Steps(); err != nil {
			return err
		}
	}
	return leaveGroup(ctx, env, l.seats, held, l.producers[0].topic, l.group)
}

func (l *life) end() {
	closeSeats(l.seats)
	for _, p := range l.producers {
		p.client.Kill()
	}
}
