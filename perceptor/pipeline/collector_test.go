package pipeline

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestCollectAt(t *testing.T) {
	for live, percent := range map[uint64]int{0: 400, 1 << 10: 400, 1 << 20: 400, 8 << 20: 300, 16 << 20: 100, 24 << 20: 50, 32 << 20: 50, 1 << 30: 50} {
		if got := collectAt(live); got != percent {
			t.Errorf("%d bytes in use: %d percent, want %d", live, got, percent)
		}
	}
}

// The setting follows what is in use, with the collections that come by themselves, and is what it was before at the end.
func TestCollect(t *testing.T) {
	before := debug.SetGCPercent(123)
	defer debug.SetGCPercent(before)
	stop := Collect()
	percent := func() uint64 {
		s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	until := func(want func(uint64) bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !want(percent()); runtime.GC() {
			if time.Now().After(deadline) {
				t.Fatalf("it stays at %d percent", percent())
			}
			time.Sleep(time.Millisecond)
		}
	}
	until(func(p uint64) bool { return p > collectPercent })
	much := make([]byte, 2*collectMin)
	until(func(p uint64) bool { return p == collectPercent })
	runtime.KeepAlive(much)
	much = nil
	until(func(p uint64) bool { return p > collectPercent })
	stop()
	if p := percent(); p != 123 {
		t.Errorf("%d percent are set at the end", p)
	}
	runtime.GC()
	if p := percent(); p != 123 {
		t.Errorf("%d percent are set behind the end", p)
	}
}
