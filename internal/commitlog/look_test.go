package commitlog

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/disk"
)

// TestRoundsAreMeasuredWhileSomebodyLooks: nothing is measured before the first look, and nothing when the last is long ago.
func TestRoundsAreMeasuredWhileSomebodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := simulatedDir(t, disk.NewSimulated(disk.SimulatedOptions{}), DirConfig{})
		l, err := d.OpenLog(TopicPartition{"t", 0}, testID, DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		write := func() {
			t.Helper()
			appendTo(t, l, batch(t, testNow, "v"))
			synctest.Wait()
		}
		write()
		if w := &d.syncer.watch; w.rounds.Load() != 0 || w.until.Load() != 0 {
			t.Errorf("%d rounds were measured before anybody looked", w.rounds.Load())
		}
		if v := d.View(); v.Rounds != 0 || v.Last != -1 || v.Running != -1 || v.Dirty != 0 || v.Offline != nil {
			t.Errorf("the first look: %+v", v)
		}
		write()
		if v := d.View(); v.Rounds != 1 || v.Files == 0 || v.Last < 0 {
			t.Errorf("after a round: %+v", v)
		}
		time.Sleep(watchFor + time.Second)
		write() // finds that nobody looks any more
		write()
		if w := &d.syncer.watch; w.rounds.Load() != 1 || w.until.Load() != 0 {
			t.Errorf("%d rounds were measured when nobody looked any more", w.rounds.Load())
		}
		if v := d.View(); v.Last != -1 {
			t.Errorf("a look after a while: %+v", v)
		}
		_ = d.goOffline(errors.New("the disk is gone"))
		if v := d.View(); v.Offline == nil {
			t.Error("an offline directory says nothing of it")
		}
		_ = d.Close()
	})
}
