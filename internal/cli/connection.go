package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// connection is what every client command is told of the cluster.
type connection struct {
	bootstrap []string
	timeout   time.Duration

	mu       sync.Mutex
	last     error              // the last connection that failed
	failures map[int32]int      // of connections to a broker, in a row
	giveUp   context.CancelFunc // ends what cannot succeed; nil where it is to wait
	notice   func(text string)  // is told when the connections begin to fail, and when they are back; under mu
}

// timeoutDefault is --timeout where nobody sets it. It is a variable for tests, whose machine may have much else to do.
var timeoutDefault = 10 * time.Second

// failuresMax is how often in a row a broker's address may fail before an admin command gives up.
const failuresMax = 4

func (n *connection) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVar(&n.bootstrap, "bootstrap-server", []string{"127.0.0.1:9092"}, "find the cluster at `HOST:PORT,...`")
	f.DurationVar(&n.timeout, "timeout", timeoutDefault, "give up after this `TIME` without an answer")
}

// addresses are the bootstrap servers, each with a port.
func (n *connection) addresses(c *cobra.Command) ([]string, error) {
	var addresses []string
	for _, text := range n.bootstrap {
		address := strings.TrimSpace(text)
		if !strings.Contains(address, ":") {
			address += ":9092"
		}
		if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
			return nil, misused(c, "--bootstrap-server %q: it is HOST:PORT", text)
		}
		addresses = append(addresses, address)
	}
	switch {
	case len(addresses) == 0:
		return nil, misused(c, "--bootstrap-server is empty: it is HOST:PORT")
	case n.timeout <= 0:
		return nil, misused(c, "--timeout %v: it must be more than 0", n.timeout)
	}
	return addresses, nil
}

// reach connects to the first bootstrap server that answers.
func (n *connection) reach(ctx context.Context, c *cobra.Command) (*wire, error) {
	addresses, err := n.addresses(c)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, address := range addresses {
		w, err := dialWire(ctx, address, n.timeout)
		if err == nil {
			return w, nil
		}
		failed = append(failed, err)
	}
	return nil, errors.Join(failed...)
}

// open makes a client once one of the bootstrap servers has answered, so that the commonest mistake is told at once.
func (n *connection) open(ctx context.Context, c *cobra.Command, opts ...kgo.Opt) (*kgo.Client, error) {
	all, err := n.options(ctx, c)
	if err != nil {
		return nil, err
	}
	return kgo.NewClient(append(all, opts...)...)
}

// options are those of a client, once one of the bootstrap servers has answered.
func (n *connection) options(ctx context.Context, c *cobra.Command) ([]kgo.Opt, error) {
	w, err := n.reach(ctx, c)
	if err != nil {
		return nil, err
	}
	_ = w.close()
	addresses, _ := n.addresses(c)
	return []kgo.Opt{
		kgo.SeedBrokers(addresses...),
		kgo.ClientID(clientName),
		kgo.SoftwareNameAndVersion(clientName, softwareVersion()),
		kgo.DialTimeout(n.timeout),
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.WithHooks(n),
		kgo.DisableClientMetrics(),
	}, nil
}

// admin does something with an admin client, within the timeout.
func (n *connection) admin(c *cobra.Command, do func(context.Context, *kadm.Client) error) error {
	ctx, cancel := context.WithTimeout(c.Context(), n.timeout)
	defer cancel()
	n.mu.Lock()
	n.giveUp = cancel
	n.mu.Unlock()
	client, err := n.open(ctx, c, kgo.RetryTimeout(n.timeout), kgo.RetryBackoffFn(retryAfter))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	admin.SetTimeoutMillis(int32(min(n.timeout, time.Minute).Milliseconds()))
	return n.blame(do(ctx, admin))
}

// retryAfter is how long to wait before a request is sent again. A coordinator that is being made is there in a moment.
func retryAfter(failures int) time.Duration {
	return min(50*time.Millisecond<<min(failures, 8), time.Second)
}

// OnBrokerConnect keeps why a connection failed (kgo.HookBrokerConnect).
func (n *connection) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.last
	n.last = err
	if err != nil && meta.NodeID >= 0 {
		n.last = fmt.Errorf("broker %d gives clients the address %s:%d, which failed: %w", meta.NodeID, meta.Host, meta.Port, err)
	}
	n.count(meta.NodeID, err)
	switch {
	case n.notice == nil:
	case err != nil && before == nil:
		n.notice(err.Error() + "; trying again")
	case err == nil && before != nil:
		n.notice("connected again")
	}
}

// notify lets f be told of connections that fail and come back; after notify(nil) nobody is.
func (n *connection) notify(f func(text string)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notice = f
}

// count notes a failure of a broker or the end of them, and gives up if that is wanted. mu is held.
func (n *connection) count(node int32, err error) {
	if err == nil || node < 0 {
		delete(n.failures, node)
		return
	}
	if n.failures == nil {
		n.failures = map[int32]int{}
	}
	n.failures[node]++
	if n.failures[node] >= failuresMax && n.giveUp != nil {
		n.giveUp()
	}
}

// blame turns an error of waiting too long into one that says what was waited for.
func (n *connection) blame(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := codeOf(err); ok {
		return err
	}
	n.mu.Lock()
	last := n.last
	n.mu.Unlock()
	switch {
	case last != nil:
		return fmt.Errorf("%w; is advertised.listeners right? skein doctor --as-client", last)
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s did not answer within %v; skein doctor --as-client says which step hangs, --timeout waits longer", strings.Join(n.bootstrap, ","), n.timeout)
	}
	return err
}
