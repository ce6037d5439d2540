package oldconsumer

// Op is what is asked of ZooKeeper.
type Op uint8

const (
	// Children lists the names below a znode.
	Children Op = iota
	// WatchChildren does that, and wants to be told once when the list changes.
	WatchChildren
	// Get reads a znode.
	Get
	// Set writes a znode that is there.
	Set
	// CreateEphemeral makes a znode that lives as long as the session.
	CreateEphemeral
	// Delete takes a znode away, whoever made it.
	Delete
)

func (o Op) String() string {
	return [...]string{"getChildren", "getChildren (watch)", "getData", "setData", "create (ephemeral)", "delete"}[o]
}

// Request is one request to ZooKeeper.
type Request struct {
	Op   Op
	Path string
	Data []byte // of Set and CreateEphemeral
}

// Outcome is how a request went.
type Outcome uint8

const (
	// OK: it was done.
	OK Outcome = iota
	// NoNode: the znode is not there.
	NoNode
	// NodeExists: the znode is there already.
	NodeExists
)

func (o Outcome) String() string { return [...]string{"OK", "NoNode", "NodeExists"}[o] }

// Answer is what a request led to.
type Answer struct {
	Outcome Outcome
	Names   []string // of Children and WatchChildren
	Data    []byte   // of Get
}
