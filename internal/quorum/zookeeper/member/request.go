package member

// Kind is what a request asks.
type Kind uint8

// The kinds of requests.
const (
	Get      Kind = iota // data and stat of a znode; with Watch, it fires when the znode changes or goes
	Children             // names of a znode's children; with Watch, it fires when they change, or the znode goes
	Sync                 // goes to the ensemble's leader and back, and changes nothing
	Multi                // all of Ops or none
)

// OpKind is what one operation of a Multi does.
type OpKind uint8

// The kinds of operations.
const (
	Create OpKind = iota
	Delete
	SetData
	Check // refuses the whole with BadVersion unless the znode has this version
)

// AnyVersion as Op.Version means whatever version there is.
const AnyVersion int32 = -1

// Op is one operation of a Multi.
type Op struct {
	Kind      OpKind
	Path      string
	Data      []byte
	Ephemeral bool
	Version   int32 // of Delete, SetData and Check
}

// Request is a question to the ensemble. Each is answered with one Answer.
type Request struct {
	ID    uint64
	Kind  Kind
	Path  string
	Watch bool
	Ops   []Op
}

// Code is how a request went.
type Code uint8

// The codes. Lost says that the answer will never be known: the request may have been carried out, or may be yet.
const (
	OK Code = iota
	NoNode
	NodeExists
	BadVersion
	NoAuth
	Lost
	Refused // for another reason, which Answer.Text says
)

// Answer is what came of a request.
type Answer struct {
	ID       uint64
	Code     Code
	Text     string // what the client says of an error
	Data     []byte
	Version  int32 // of the znode's data
	Owner    int64 // the session that an ephemeral znode belongs to; 0 for any other
	Children []string
	Versions []int32 // of a Multi: the version after each SetData, 0 for other operations
}
