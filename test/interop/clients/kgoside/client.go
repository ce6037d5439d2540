// Package kgoside is what franz-go does for the client programs that use it: producing, and the commands of an
// administrator.
package kgoside

import (
	"os"

	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Brokers are the addresses of the brokers under test.
var Brokers = line.Addresses(os.Args[1])

// ID is the program's client id.
var ID = "interop-franz-go"

// Client connects to the brokers under test.
func Client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(Brokers...), kgo.ClientID(ID)}, options...)...)
}
