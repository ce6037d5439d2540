package figure

import (
	"slices"
	"strings"
)

// noteCommand keeps the command of a client for the report, once for each
// kind: what differs from run to run is replaced by its name.
func (b *Bench) noteCommand(name string, args []string) {
	words := []string{name}
	for _, arg := range args {
		switch {
		case strings.HasPrefix(arg, "127.0.0.1:"):
			arg = "BROKER"
		case strings.HasPrefix(arg, "bench-"):
			arg = "TOPIC"
		case strings.HasPrefix(arg, b.Dir):
			arg = "DIR"
		}
		words = append(words, arg)
	}
	if line := strings.Join(words, " "); !slices.Contains(b.Run.Commands, line) {
		b.Run.Commands = append(b.Run.Commands, line)
	}
}
