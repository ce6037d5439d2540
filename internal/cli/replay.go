package cli

import (
	"bufio"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// newReplay is `skein group replay`, and `skein debug replay` too: who makes a recording with debug record finds it there.
func newReplay() *cobra.Command {
	var (
		o              output
		only           string
		diagram, diary bool
	)
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Decide a recorded history of groups again, and tell each step",
		Long: "Give the events of a recording, which skein debug record makes, to the group coordinator's own code, one after the other, and\n" +
			"tell each step: when it was, what came, and what was decided: states, records, answers, timers. Nothing is sent to anybody.\n" +
			"--diagram draws each group as a sequence of requests and answers, --diary tells what skein group why would have told at the\n" +
			"end of the recording. Where the replay comes to a state that must not be, or to another than was recorded, it says which, and\n" +
			"the exit code is 1. FILE - is stdin.",
		Example: "  skein debug record --group billing --file billing.jsonl\n  skein group replay billing.jsonl --group billing\n" +
			"  skein group replay billing.jsonl --group billing --diagram\n  skein group replay billing.jsonl --group billing --diary",
		Args: exactly("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			if diagram && (diary || o.format == "json") {
				return misused(c, "--diagram is text, and alone: leave out --diary and -o json")
			}
			in := c.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("recording: %w", err)
				}
				defer f.Close()
				in = f
			}
			out := bufio.NewWriterSize(c.OutOrStdout(), 64<<10)
			r := &replay{only: only}
			r.warn = func(format string, args ...any) { fmt.Fprintf(c.ErrOrStderr(), format+"\n", args...) }
			switch {
			case diagram:
				columns, _ := terminalSize(c.OutOrStdout())
				showDiagrams(r, &page{w: out}, columns)
			case diary:
				showDiaries(r, out, o.format == "json")
			default:
				showSteps(r, out, o.format == "json")
			}
			err := r.run(in)
			if bad := out.Flush(); err == nil {
				err = bad
			}
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return nil
		},
	}
	o.flag(c)
	f := c.Flags()
	f.StringVarP(&only, "group", "g", "", "tell only of `GROUP`")
	f.BoolVar(&diagram, "diagram", false, "draw requests and answers between the members and the coordinator")
	f.BoolVar(&diary, "diary", false, "tell only each group's diary, as skein group why does")
	return c
}
