package cli

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein"
)

type serveOptions struct {
	properties
	verbose bool
}

func newServe() *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run a broker",
		Long: "Run a broker, which is its own controller. Without options it listens on 127.0.0.1:9092 and keeps its data in\n" +
			"./skein-data. One line on stdout says where it listens when it is ready; SIGTERM ends it cleanly.\n\n" +
			"A value may come from --set, from the environment (SKEIN_NUM_PARTITIONS), or from the file; the first of these wins.",
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return serve(c, o) },
	}
	o.flags(c)
	c.Flags().BoolVar(&o.verbose, "verbose", false, "log what happens to groups and partitions too")
	return c
}

func serve(c *cobra.Command, o serveOptions) error {
	level := slog.LevelInfo
	if o.verbose {
		level = slog.LevelDebug
	}
	set, err := o.pairs()
	if err != nil {
		return err
	}
	node, err := skein.Open(skein.Config{
		ConfigFile:  o.file,
		Environment: os.Environ(),
		Set:         set,
		Logger:      slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.OutOrStdout(), "skein %s listens on %s, data in %s, %s\n", Version(), node.Bootstrap(), node.DataDir(), node.Durability()); err != nil {
		_ = node.Close()
		return err
	}
	select {
	case <-c.Context().Done():
		return node.Close()
	case <-node.Done():
		if err := node.Close(); err != nil {
			return err
		}
		return node.Err()
	}
}
