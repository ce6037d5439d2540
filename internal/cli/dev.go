package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein"
)

// devBrokersMax is how many brokers one process starts for a trial.
const devBrokersMax = 9

type devOptions struct {
	brokers int
	port    int
	dataDir string
	set     []string
	verbose bool
}

func newDev() *cobra.Command {
	var o devOptions
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run a cluster of several brokers in one process, for a trial",
		Long: "Run a cluster of several brokers in one process, on successive ports of 127.0.0.1. Each has its data in a folder of its\n" +
			"own below --data-dir, and finds it again at the next start. SIGTERM ends it cleanly.",
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return dev(c, o) },
	}
	c.Flags().IntVar(&o.brokers, "brokers", 3, "how many")
	c.Flags().IntVar(&o.port, "port", 9092, "of the first; the others follow")
	c.Flags().StringVar(&o.dataDir, "data-dir", "skein-dev", "folder of the brokers' folders")
	c.Flags().StringArrayVar(&o.set, "set", nil, "name=value, for each broker")
	c.Flags().BoolVar(&o.verbose, "verbose", false, "log what happens to groups and partitions too")
	return c
}

// configs are the brokers' configurations.
func (o *devOptions) configs(logger *slog.Logger) ([]skein.Config, error) {
	switch {
	case o.brokers < 1 || o.brokers > devBrokersMax:
		return nil, fmt.Errorf("--brokers is %d; it is 1 to %d", o.brokers, devBrokersMax)
	case o.port < 1 || o.port+o.brokers-1 > 65535:
		return nil, fmt.Errorf("--port is %d; the ports of %d brokers from it on must be 1 to 65535", o.port, o.brokers)
	}
	var voters []string
	address := func(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(o.port+i)) }
	for i := range o.brokers {
		voters = append(voters, fmt.Sprintf("%d@%s", i+1, address(i)))
	}
	configs := make([]skein.Config, o.brokers)
	for i := range configs {
		id := strconv.Itoa(i + 1)
		configs[i] = skein.Config{
			DataDir: filepath.Join(o.dataDir, "broker-"+id),
			Listen:  address(i),
			Properties: map[string]string{
				"node.id":                    id,
				"controller.quorum.voters":   strings.Join(voters, ","),
				"default.replication.factor": strconv.Itoa(min(o.brokers, 3)),
				"min.insync.replicas":        strconv.Itoa(min(max(o.brokers-1, 1), 2)),
			},
			Set:    o.set,
			Logger: logger.With("broker", i+1),
		}
	}
	return configs, nil
}

func dev(c *cobra.Command, o devOptions) error {
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelDebug
	}
	configs, err := o.configs(slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: level})))
	if err != nil {
		return err
	}
	nodes := make([]*skein.Node, len(configs))
	failed := make([]error, len(configs))
	var wait sync.WaitGroup
	for i, config := range configs { // together: none is ready before most of them are there
		wait.Go(func() { nodes[i], failed[i] = skein.Open(config) })
	}
	wait.Wait()
	err = errors.Join(failed...)
	for i, node := range nodes {
		if err == nil {
			_, err = fmt.Fprintf(c.OutOrStdout(), "broker %d listens on %s, data in %s\n", i+1, node.Bootstrap(), node.DataDir())
		}
	}
	if err == nil {
		err = firstEnd(c, nodes)
	}
	for i := range nodes {
		if nodes[i] != nil {
			wait.Go(func() { failed[i] = nodes[i].Close() })
		}
	}
	wait.Wait()
	return errors.Join(append(failed, err)...)
}

// firstEnd waits until the command is told to end, or until a broker cannot go on, and why.
func firstEnd(c *cobra.Command, nodes []*skein.Node) error {
	ended := make(chan error, len(nodes))
	for _, node := range nodes {
		go func() {
			<-node.Done() // at the latest by its Close
			ended <- node.Err()
		}()
	}
	select {
	case <-c.Context().Done():
		return nil
	case err := <-ended:
		return err
	}
}
