package api_test

// Every request costs a bounded amount of memory, whatever it says.

import "runtime"

// heapInUse is the memory that is reachable now.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
