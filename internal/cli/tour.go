package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/tour"
	"github.com/skein-io/skein/internal/tour/text"
)

// tourColumns is the width of the tour's lines, where no terminal is wider.
const tourColumns = 80

type tourOptions struct {
	language  string
	step      bool
	html      string
	check     bool
	bootstrap string
}

func newTour() *cobra.Command {
	var o tourOptions
	var names []string
	for i, s := range tour.Scenes() {
		names = append(names, number(i+1)+" "+s.Name)
	}
	c := &cobra.Command{
		Use:   "tour [SCENE]",
		Short: "Show how the system works, live",
		Long: "Start a broker and consumers for each scene, let something happen to them, and show what they did. What is shown is taken from\n" +
			"the coordinator's flight recorder and from what clients were answered; nothing is made up. The scenes are " + strings.Join(names, ", ") + ":\n" +
			"one is chosen by its number or its name. On a terminal the faults of a scene are chosen by a key.",
		Example: "  skein tour\n  skein tour members --step\n  skein tour 2 --lang zh\n  skein tour --lang zh --html tour.html\n  skein tour --check",
		Args:    atMostOne,
		RunE: func(c *cobra.Command, args []string) error {
			scenes := tour.Scenes()
			if len(args) == 1 {
				scene, ok := tour.Find(args[0])
				if !ok {
					return misused(c, "there is no scene %q; the scenes are %s", args[0], strings.Join(names, ", "))
				}
				scenes = []tour.Scene{scene}
			}
			return o.run(c, scenes)
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			return o.scenes(args, begun), cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := c.Flags()
	f.StringVar(&o.language, "lang", "en", "speak `en` or zh")
	f.BoolVar(&o.step, "step", false, "wait for a key before each step, on a terminal")
	f.StringVar(&o.html, "html", "", "write everything to `FILE` too, as one page that needs no network")
	f.BoolVar(&o.check, "check", false, "show nothing, print the facts as JSON, and fail if one does not hold")
	f.StringVar(&o.bootstrap, "bootstrap-server", "", "with --check, play on the cluster at `HOST:PORT`, which need not be skein and must be for trying things out")
	complete(c, "lang", "en", "zh")
	return c
}

// scenes are what completion offers for the scene: names and numbers, each with what it shows, in the tour's language.
func (o *tourOptions) scenes(given []string, begun string) (offered []string) {
	words, ok := text.Find(o.language)
	if !ok || len(given) > 0 {
		return nil
	}
	for i, s := range tour.Scenes() {
		for _, name := range []string{s.Name, number(i + 1)} {
			if strings.HasPrefix(name, begun) {
				offered = append(offered, cobra.CompletionWithDesc(name, words.Say(s.Name+".title")))
			}
		}
	}
	return offered
}

func (o *tourOptions) run(c *cobra.Command, scenes []tour.Scene) error {
	words, ok := text.Find(o.language)
	switch {
	case !ok:
		return misused(c, "--lang %q: it is en or zh", o.language)
	case o.bootstrap != "" && !o.check:
		return misused(c, "--bootstrap-server is for --check only")
	case o.check && o.step:
		return misused(c, "--check shows nothing: it has no --step")
	}
	open := tour.Open
	if o.bootstrap != "" {
		open = func(tour.Scene) (*tour.Broker, error) { return tour.Remote(o.bootstrap), nil }
		scenes = slices.DeleteFunc(scenes, func(s tour.Scene) bool { return s.Cluster })
		if len(scenes) == 0 {
			return misused(c, "the scene cuts links between nodes or kills them, which it cannot do to a cluster that runs already: leave --bootstrap-server out")
		}
	}
	signal.Ignore(syscall.SIGPIPE) // a pipe that nobody reads is an error of writing, after which the broker is ended
	view := tour.Viewer(tour.Quiet{})
	if !o.check {
		view = textViewer(c, words, o.step)
	}
	page := &tour.HTML{Viewer: view, Words: words}
	results, err := tour.Run(c.Context(), scenes, open, words, page)
	if errors.Is(err, tour.ErrEnded) && c.Context().Err() == nil {
		err = nil // somebody has seen enough
	}
	if err != nil {
		return err
	}
	if o.html != "" {
		if err := writePage(o.html, page); err != nil {
			return err
		}
	}
	if o.check {
		if err := printJSON(c.OutOrStdout(), results); err != nil {
			return err
		}
	}
	return failedScenes(results)
}

// failedScenes is an error that names the scenes that did not go as they must.
func failedScenes(results []tour.Result) error {
	var failed []string
	for _, r := range results {
		if r.OK {
			continue
		}
		reason := r.Error
		for _, f := range r.Facts {
			if !f.OK && reason == "" {
				reason = fmt.Sprintf("step %s: fact %s does not hold", f.Step, f.Name)
			}
		}
		failed = append(failed, fmt.Sprintf("scene %s: %s", r.Scene, reason))
	}
	if failed == nil {
		return nil
	}
	return errors.New(strings.Join(failed, "; "))
}

func writePage(file string, page *tour.HTML) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return page.Write(f)
}

// textViewer shows the tour on a terminal, or writes it to what is none.
func textViewer(c *cobra.Command, words text.Language, step bool) *tour.Text {
	view := &tour.Text{W: c.OutOrStdout(), Words: words, Columns: tourColumns, Step: step}
	if !isTerminal(c.OutOrStdout()) {
		return view
	}
	view.Columns, view.Lines = terminalSize(c.OutOrStdout())
	view.Colour = os.Getenv("NO_COLOR") == ""
	if isTerminal(c.InOrStdin()) {
		in := c.InOrStdin()
		view.Key = func() (rune, error) { return readKey(c.Context(), in) }
	}
	return view
}

// endOfText is what a terminal sends for ctrl-C when nobody makes a signal of it.
const endOfText = 3

// readKey waits for one key of a terminal.
func readKey(ctx context.Context, in io.Reader) (rune, error) {
	restore, err := singleKeys(in)
	if err != nil {
		return 0, err
	}
	type pressed struct {
		key byte
		err error
	}
	keys := make(chan pressed, 1)
	go func() { // it ends with the next key, or with the process
		var b [1]byte
		_, err := in.Read(b[:])
		keys <- pressed{b[0], err}
	}()
	var p pressed
	select {
	case p = <-keys:
	case <-ctx.Done():
		p.err = tour.ErrEnded
	}
	if err := restore(); err != nil {
		return 0, err
	}
	switch {
	case errors.Is(p.err, io.EOF), p.key == endOfText:
		return 0, tour.ErrEnded
	case p.key == '\r':
		return '\n', p.err
	}
	return rune(p.key), p.err
}
