package cli

import (
	"cmp"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/protocol"
)

func newClient() *cobra.Command {
	return family("client", "Explain what happens to a client", newClientWhy())
}

// answeredError is one error that a client was answered.
type answeredError struct {
	Client  string    `json:"client"`
	At      time.Time `json:"at"`
	Broker  int32     `json:"broker"`
	API     string    `json:"api"`
	Version int16     `json:"version"`
	Error   string    `json:"error"`
	Code    int16     `json:"code"`
	Reason  string    `json:"reason"`
	Times   int32     `json:"times"`
	Remedy  string    `json:"remedy"`
}

func newClientWhy() *cobra.Command {
	var (
		n connection
		o output
	)
	c := &cobra.Command{
		Use:   "why [CLIENT]",
		Short: "Tell which errors the brokers answered to a client, why, and what to do",
		Long: "Tell which errors the brokers answered to a client lately, why, and what to do. CLIENT is its client.id. Without it, the latest\n" +
			"error of every client that had one is listed. Errors are kept in the brokers' memory, 64 for a client.",
		Args: atMostOne,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			request := protocol.NewDescribeClientErrorsRequest()
			if len(args) > 0 {
				request.ClientID = &args[0]
			}
			found, err := answeredErrors(c, &n, request)
			if err != nil {
				return err
			}
			if len(args) > 0 && len(found) == 0 && o.format == "text" {
				p := page{w: c.OutOrStdout()}
				p.line("client %s: no error was answered to it since the brokers started", printable(args[0]))
				return p.err
			}
			return o.print(c, found, func(p *page) {
				if len(args) > 0 {
					printStories(p, found)
				} else {
					printClients(p, found)
				}
			})
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	n.flags(c)
	o.flag(c)
	return c
}

// answeredErrors asks every broker, for each keeps what it has answered itself. The newest error comes first.
func answeredErrors(c *cobra.Command, n *connection, request *protocol.DescribeClientErrorsRequest) ([]answeredError, error) {
	found := []answeredError{}
	err := n.eachBroker(c, func(broker int32, w *wire) error {
		response := protocol.NewDescribeClientErrorsResponse()
		if err := w.ask(request, response); err != nil {
			return err
		}
		if response.ErrorCode != protocol.None {
			return errors.New(describeCode(response.ErrorCode, response.ErrorMessage))
		}
		for _, client := range response.Clients {
			for _, e := range client.Errors {
				found = append(found, answeredError{Client: client.ClientID, At: time.UnixMilli(e.TimestampMs).UTC(), Broker: broker,
					API: protocol.Key(e.ApiKey).String(), Version: e.ApiVersion, Error: e.AnsweredErrorCode.String(), Code: int16(e.AnsweredErrorCode),
					Reason: e.Reason, Times: e.Times, Remedy: remedyOf(e.AnsweredErrorCode)})
			}
		}
		return nil
	})
	slices.SortStableFunc(found, func(a, b answeredError) int { return cmp.Compare(b.At.UnixMilli(), a.At.UnixMilli()) })
	return found, err
}

// eachBroker calls f with a connection to each broker of the cluster, one after the other.
func (n *connection) eachBroker(c *cobra.Command, f func(int32, *wire) error) error {
	first, err := n.reach(c.Context(), c)
	if err != nil {
		return err
	}
	metadata := protocol.NewMetadataResponse()
	request := protocol.NewMetadataRequest()
	request.Topics = []protocol.MetadataRequestTopic{}
	err = first.ask(request, metadata)
	_ = first.close()
	if err != nil {
		return err
	}
	for _, b := range metadata.Brokers {
		w, err := dialWire(c.Context(), net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))), n.timeout)
		if err != nil {
			return errors.Join(err, errors.New("that is the address broker "+number(b.NodeID)+" gives to clients: is advertised.listeners right? skein doctor --as-client"))
		}
		err = f(b.NodeID, w)
		_ = w.close()
		if err != nil {
			return err
		}
	}
	return nil
}

func describeCode(code protocol.Code, message *string) string {
	if message == nil || *message == "" {
		return code.String()
	}
	return code.String() + ": " + printable(*message)
}

// printStories tells each error in a few lines.
func printStories(p *page, found []answeredError) {
	for _, e := range found {
		times := ""
		if e.Times > 1 {
			times = ", " + number(e.Times) + " times"
		}
		p.line("%s  %s v%d  %s%s, by broker %d", e.At.Format(time.RFC3339), e.API, e.Version, e.Error, times, e.Broker)
		p.line("  why:  %s", printable(e.Reason))
		if e.Remedy != "" {
			p.line("  what: %s", e.Remedy)
		}
	}
}

func printClients(p *page, found []answeredError) {
	var rows [][]string
	for _, e := range found {
		reason := e.Reason
		if first, _, more := strings.Cut(reason, "\n"); more {
			reason = first + " ..."
		}
		rows = append(rows, []string{e.Client, e.At.Format(time.RFC3339), e.API, e.Error, number(e.Times), reason})
	}
	p.table([]string{"CLIENT", "LATEST", "API", "ERROR", "TIMES", "WHY"}, rows)
}
