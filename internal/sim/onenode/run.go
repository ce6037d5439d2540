package onenode

import (
	"time"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/check"
	"github.com/skein-io/skein/internal/sim/clients"
	"github.com/skein-io/skein/internal/sim/scene"
)

// Run runs one history and judges it.
func Run(o Options) *scene.Result {
	w := newWorld(o)
	w.begin()
	w.Run(sim.Instant(o.Attack))
	w.nemesis.end()
	w.demandProgress()
	w.readAll()
	return w.Result(o.Seed, o.String())
}

// begin starts the broker, has the topic created, and lets everybody work.
func (w *world) begin() {
	o := w.options
	w.crowd = clients.NewCrowd(w.World, clients.Counts{Idempotent: o.Idempotent, Plain: o.Plain, Readers: o.Readers, Members: o.Members,
		Committers: o.Committers, DeleteRecords: o.DeleteRecords})
	if o.FailAt > 0 {
		w.nemesis.failAt(o.FailOp, o.FailAt)
	}
	w.nemesis.firstStart()
	w.node.start()
	w.crowd.Start(w.nemesis.begin)
}

func (w *world) demandProgress() {
	w.crowd.DemandProgress(w.options.Settle, w.options.Heal, nil)
	if w.node.life == nil {
		w.Wrong("liveness", brokerName, "the broker does not run %v after the faults", w.options.Settle+w.options.Heal)
	}
}

// readAll cuts the power a last time and reads every partition from its start to its end: what was served after the last
// recovery must survive it.
func (w *world) readAll() {
	if len(w.Findings()) > 0 {
		return
	}
	ends := w.ends()
	w.node.end(true, 0)
	w.Run(w.Now().Add(time.Second))
	w.crowd.ReadAll(ends, 30*time.Second)
}

// ends is the high watermark of each partition, which at rest is the log's end.
func (w *world) ends() map[check.Partition]record.Offset {
	ends := map[check.Partition]record.Offset{}
	l := w.node.life
	for index := range int32(w.options.Partitions) {
		p := check.Partition{Topic: topicName, Index: index}
		hosted := l.Host.Find(topicName, index)
		if hosted == nil {
			w.Wrong("liveness", p.String(), "the partition is not served")
			continue
		}
		if hosted.HighWatermark() != hosted.LogEnd() {
			w.Wrong("liveness", p.String(), "at rest the high watermark is %d and the log's end %d", hosted.HighWatermark(), hosted.LogEnd())
		}
		ends[p] = hosted.HighWatermark()
	}
	return ends
}
