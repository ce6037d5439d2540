package disk

import (
	"path"
	"slices"
)

// Op is a kind of operation on a simulated disk.
type Op int

// The kinds of operations. OpAny stands for all of them in a Fault.
const (
	OpAny Op = iota
	OpOpen
	OpCreate
	OpRead
	OpWrite
	OpTruncate
	OpSync
	OpSyncDir
	OpSyncAll
	OpMkdir
	OpRename
	OpRemove
	OpRemoveAll
	OpList
	OpStat
	OpSpace
	OpLock
	OpUnlock
	OpClose
)

var opNames = [...]string{
	"any", "open", "create", "read", "write", "truncate", "sync", "syncdir", "syncall", "mkdir", "rename", "remove",
	"removeall", "list", "stat", "space", "lock", "unlock", "close",
}

// String is the word for the operation in a trace.
func (op Op) String() string { return opNames[op] }

// Changes tells whether the operation alters the disk or what of it is durable. Those are the ones in a trace.
func (op Op) Changes() bool {
	switch op {
	case OpCreate, OpWrite, OpTruncate, OpSync, OpSyncDir, OpSyncAll, OpMkdir, OpRename, OpRemove, OpRemoveAll:
		return true
	}
	return false
}

// Call is an operation that is about to happen.
type Call struct {
	Number uint64 // counts the operations of this disk from 1
	Op     Op
	Name   string
	To     string // of a rename
	At     int64  // offset of a read or write; new size of a truncation
	Bytes  int    // of a read or write
}

// Fault makes operations fail. A failed OpSync or OpSyncAll marks what it should have written clean, as kernels do.
type Fault struct {
	Op    Op
	Name  string // a name or a pattern as in path.Match; "" is every name
	Skip  int    // let this many matching operations pass first
	Count int    // fail this many after them; 0 is one, negative all
	Err   error  // such as syscall.EIO or syscall.ENOSPC
	Short int    // bytes of a failing read or write that still happen
}

// matches tells whether the fault is about a call.
func (f *Fault) matches(c Call) bool {
	if f.Op != OpAny && f.Op != c.Op {
		return false
	}
	if f.Name == "" || f.Name == c.Name {
		return true
	}
	ok, err := path.Match(f.Name, c.Name)
	return ok && err == nil
}

// faults are those of one disk, in the order they were injected.
type faults struct {
	list  []*Fault
	fired int
}

// next takes the failure of a call, if it has one. Every fault that matches counts the call; the first that is due
// decides.
func (f *faults) next(c Call) (failure, bool) {
	var due *Fault
	for _, x := range f.list {
		switch {
		case !x.matches(c):
		case x.Skip > 0:
			x.Skip--
		case due == nil:
			due = x
		}
	}
	if due == nil {
		return failure{}, false
	}
	f.fired++
	if due.Count--; due.Count == 0 {
		f.list = slices.DeleteFunc(f.list, func(x *Fault) bool { return x == due })
	}
	return failure{err: due.Err, short: due.Short}, true
}

// failure is how one call fails.
type failure struct {
	err   error
	short int
}
