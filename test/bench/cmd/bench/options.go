package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/skein-io/skein/test/bench/figure"
	"github.com/skein-io/skein/test/bench/machine"
	"github.com/skein-io/skein/test/bench/report"
	"github.com/skein-io/skein/test/services"
)

// define declares the flags. It returns the amount to touch in MiB, which
// overrules the sizes when it is not negative.
func (o *options) define(flags *flag.FlagSet) *int64 {
	flags.StringVar(&o.size, "size", "full", "full, quick (one repetition of less), or tiny (only whether it runs)")
	flags.BoolFunc("quick", "the same as --size quick", func(string) error { o.size = "quick"; return nil })
	flags.IntVar(&o.Repetitions, "repetitions", 0, "of each measurement; 0 is 3, or 1 for quick and tiny")
	touch := flags.Int64("touch", -1, "MiB to write and delete before each measurement; -1 is that of the size")
	flags.StringVar(&o.Skein, "skein", "bin/skein", "the binary to measure")
	flags.StringVar(&o.Tools, "tools", "out/bench/tools", "folder of the built programs")
	flags.IntVar(&o.HeapMiB, "heap", 1024, "MiB of heap of Kafka's JVM")
	flags.StringVar(&o.out, "out", "out/bench", "folder for data, while it runs, and samples")
	flags.BoolVar(&o.markdown, "markdown", false, "write the result section of the page")
	flags.StringVar(&o.page, "page", "docs/benchmarks.md", "the page")
	flags.StringVar(&o.from, "from", "", "report an earlier run.json instead of measuring")
	return touch
}

func sizes(name string) (figure.Sizes, error) {
	switch name {
	case "full":
		return figure.Full(), nil
	case "quick":
		return figure.Quick(), nil
	case "tiny":
		return figure.Tiny(), nil
	}
	return figure.Sizes{}, fmt.Errorf("no size %q; there are full, quick and tiny", name)
}

// begin notes what a reader of the result needs to know.
func begin(o *options) *report.Run {
	return &report.Run{
		Started: time.Now(),
		Machine: machine.Description(o.out),
		Versions: map[string]string{
			"skein":        firstLine(o.Skein, "version"),
			"Apache Kafka": services.KafkaVersion,
			"Java":         firstLine("java", "-version"),
			"Go":           runtime.Version(),
		},
		Settings: map[string]string{
			"Size":        fmt.Sprintf("%s, %d repetitions, %d MiB touched before each measurement", o.size, o.Repetitions, o.Sizes.Touch>>20),
			"Kafka's JVM": fmt.Sprintf("%d MiB heap, G1, warmed up by an uncounted run", o.HeapMiB),
		},
		Commands: []string{strings.Join(append([]string{"test/bench/run"}, os.Args[1:]...), " ")},
	}
}

// firstLine is the first line that a command prints, on either output.
func firstLine(name string, args ...string) string {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return "unknown: " + err.Error()
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
