package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progressEvery is how often a line of progress is drawn.
const progressEvery = 500 * time.Millisecond

// isTerminal says whether a person watches w.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// drawProgress shows the present state in one line of a terminal until the returned function is called. It does nothing
// where w is no terminal.
func drawProgress(w io.Writer, state func() string) (end func()) {
	if !isTerminal(w) {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintf(w, "\r\x1b[K%s", state())
			case <-stop:
				fmt.Fprint(w, "\r\x1b[K")
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// pace is "1200 records, 3.4 MB in 2 s, 1.7 MB/s".
func pace(records, bytes int64, took time.Duration) string {
	text := fmt.Sprintf("%s, %s in %s", plural(records, "record"), size(bytes), spent(took))
	if seconds := took.Seconds(); seconds >= 0.1 && bytes > 0 {
		text += fmt.Sprintf(", %s/s", size(int64(float64(bytes)/seconds)))
	}
	return text
}

// spent is a time as a person says it: three digits are enough.
func spent(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// size is a number of bytes in decimal units.
func size(bytes int64) string {
	const units = "kMGTPE"
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	value, unit := float64(bytes)/1000, 0
	for value >= 999.95 && unit < len(units)-1 {
		value /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %cB", value, units[unit])
}
