package cli

import (
	"errors"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/perceptor/pipeline"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
)

func newSync() *cobra.Command {
	return family("sync", "Carry a database's changes into HBase and MySQL, where an older change never wins", newSyncRun(), newSyncCheck(), newSyncStatus(),
		newSyncServe(), newSyncList(), newSyncAdd(), newSyncRemove(), newSyncPause(), newSyncResume(), newSyncVerify(), newSyncAdopt(), newSyncExplain(), newSyncTail())
}

// loadPipeline reads a pipeline's file. What is wrong with it is told whole, and is a mistake of the command's user.
func loadPipeline(c *cobra.Command, path string) (*pipeline.Config, error) {
	loaded, err := pipeline.Load(path)
	if faults, ok := errors.AsType[spec.Faults](err); ok {
		p := page{w: c.ErrOrStderr()}
		for _, f := range faults {
			p.line("%s", printable(f.Error()))
		}
		return nil, usageError{errors.New(path + " has " + plural(len(faults), "fault"))}
	}
	return loaded, err
}

// partsFlag is --only.
type partsFlag struct{ only []string }

func (p *partsFlag) flag(c *cobra.Command, what string) {
	c.Flags().StringArrayVar(&p.only, "only", nil, what+" `PART` alone: source, or the name of a sink; may be repeated")
	completeFlag(c, "only", func(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) != 1 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		loaded, err := pipeline.Load(args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp // a shell has no place for it
		}
		var names []string
		for _, part := range pipeline.Parts(loaded) {
			if name := strings.TrimPrefix(part, "sink "); strings.HasPrefix(name, begun) {
				names = append(names, name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// parts are the pipeline's names of the parts that were asked for; none is all.
func (p *partsFlag) parts(c *cobra.Command, of *pipeline.Config) ([]string, error) {
	var parts []string
	all := pipeline.Parts(of)
	for _, name := range p.only {
		found := ""
		for _, part := range all {
			if name == part || strings.TrimPrefix(part, "sink ") == strings.TrimPrefix(name, "sink ") {
				found = part
			}
		}
		if found == "" {
			return nil, misused(c, "--only %q: %s has %s", name, of.File, strings.Join(all, ", "))
		}
		parts = append(parts, found)
	}
	return parts, nil
}

// pipelineFiles completes the name of one file.
func pipelineFiles(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// syncLog writes what pipelines tell.
func syncLog(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// fileAndTables wants a pipeline's file and one table or several.
func fileAndTables(c *cobra.Command, args []string) error {
	if len(args) < 2 {
		return misused(c, "%s is missing", [...]string{"FILE", "TABLE"}[len(args)])
	}
	return nil
}
