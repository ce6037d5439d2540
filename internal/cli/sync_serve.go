package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/perceptor/pipeline"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
)

func newSyncServe() *cobra.Command {
	var (
		workers int
		verbose bool
	)
	c := &cobra.Command{
		Use:   "serve DIR",
		Short: "Run every pipeline of a folder as one service",
		Long: "Run every *.yaml of a folder until SIGTERM. The folder is looked at each second: a file that appears is run, one that goes or is\n" +
			"paused is ended cleanly, one that changes is begun anew. A broken file stops no other: skein sync list says what is wrong with it.\n" +
			"list, pause, resume, add and remove work on the folder, and need no port.",
		Example: "  skein sync serve /etc/skein/pipelines\n  skein sync add /etc/skein/pipelines shop.yaml\n  skein sync pause /etc/skein/pipelines shop",
		Args:    exactly("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			if workers < 1 {
				return misused(c, "--workers %d: it must be at least 1", workers)
			}
			collect()
			return pipeline.Serve(c.Context(), args[0], pipeline.ServeOptions{Workers: workers, Log: syncLog(c.ErrOrStderr(), verbose)})
		},
		ValidArgsFunction: pipelineFolder,
	}
	c.Flags().IntVar(&workers, "workers", 16, "let so many batches of all pipelines be on their way to targets at once")
	c.Flags().BoolVar(&verbose, "verbose", false, "log what happens to groups and partitions too")
	return c
}

func newSyncList() *cobra.Command {
	var o output
	c := &cobra.Command{
		Use:   "list DIR",
		Short: "List the pipelines of a folder, how they are doing and what is wrong with those that do not run",
		Args:  exactly("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			files, served, err := pipeline.Listed(args[0])
			if err != nil {
				return err
			}
			return o.print(c, files, func(p *page) {
				var rows [][]string
				for _, f := range files {
					since := ""
					if !f.Since.IsZero() {
						since = f.Since.Format(time.RFC3339)
					}
					rows = append(rows, []string{f.File, f.Pipeline, f.State, since, strings.ReplaceAll(f.Problem, "\n", "; ")})
				}
				if !served {
					p.line("no service runs in %s: skein sync serve", args[0])
				}
				p.table([]string{"FILE", "PIPELINE", "STATE", "SINCE", "PROBLEM"}, rows)
			})
		},
		ValidArgsFunction: pipelineFolder,
	}
	o.flag(c)
	return c
}

func newSyncPause() *cobra.Command {
	return folderCommand("pause DIR NAME", "End a pipeline of a service until it is resumed", "paused", pipeline.Pause, pipelinesIn)
}

func newSyncResume() *cobra.Command {
	return folderCommand("resume DIR NAME", "Run a pipeline of a service that is paused or has failed", "resumed", pipeline.Resume, pipelinesIn)
}

func newSyncRemove() *cobra.Command {
	return folderCommand("remove DIR NAME", "End a pipeline of a service and take its file out of the folder", "removed", pipeline.Remove, pipelinesIn)
}

func newSyncAdd() *cobra.Command {
	return folderCommand("add DIR FILE", "Put a pipeline's file into the folder of a service, which runs it", "added", pipeline.Add,
		func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
			return pipelineFiles(nil, args[1:], "")
		})
}

// folderCommand does something with one pipeline of a folder, and says so.
func folderCommand(use, short, done string, do func(dir, name string) (string, error), complete cobra.CompletionFunc) *cobra.Command {
	names := strings.Fields(use)[1:]
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  exactly(names...),
		RunE: func(c *cobra.Command, args []string) error {
			file, err := do(args[0], args[1])
			if faults, ok := errors.AsType[spec.Faults](err); ok {
				return usageError{faults}
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is %s\n", file, done)
			return err
		},
		ValidArgsFunction: complete,
	}
}

func pipelineFolder(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// pipelinesIn completes a folder, and then the name of a pipeline in it.
func pipelinesIn(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	files, _, err := pipeline.Listed(args[0])
	if err != nil || len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, f := range files {
		if f.Pipeline != "" && strings.HasPrefix(f.Pipeline, begun) {
			names = append(names, f.Pipeline)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
