package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// verdict is what a check came to.
type verdict string

const (
	fine  verdict = "ok"
	doubt verdict = "warn"
	wrong verdict = "FAIL"
)

// finding is one check of doctor.
type finding struct {
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	Detail  string  `json:"detail"`
}

// findings collects them in order.
type findings struct{ list []finding }

func (f *findings) add(check string, v verdict, format string, args ...any) {
	f.list = append(f.list, finding{check, v, fmt.Sprintf(format, args...)})
}

func newDoctor() *cobra.Command {
	var (
		n        connection
		from     properties
		o        output
		asClient bool
	)
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what keeps a broker from starting, or a client from reaching it",
		Long: "Look for what keeps a broker from starting on this machine: configuration, data directory, ports, file descriptors, clock.\n" +
			"What takes room in the data directory and belongs to no topic is named, with its size.\n" +
			"With --as-client go a client's way instead: bootstrap server, metadata, the address that each broker gives to clients\n" +
			"(advertised.listeners), the group coordinator; and say which step fails. Nothing is changed. The exit code is 1 if a check fails.",
		Example: "  skein doctor --config broker.properties\n  skein doctor --as-client --bootstrap-server broker1:9092",
		Args:    exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			found := &findings{list: []finding{}}
			if asClient {
				if _, err := n.addresses(c); err != nil {
					return err
				}
				found.walkAsClient(c, &n)
			} else {
				found.examineHost(&from)
			}
			if err := o.print(c, found.list, found.print); err != nil {
				return err
			}
			return found.err()
		},
	}
	n.flags(c)
	from.flags(c)
	o.flag(c)
	c.Flags().BoolVar(&asClient, "as-client", false, "go a client's way to the brokers and the group coordinator")
	return c
}

func (f *findings) print(p *page) {
	for _, one := range f.list {
		p.line("%-4s  %s: %s", one.Verdict, one.Check, printable(one.Detail))
	}
}

func (f *findings) err() error {
	var failed []string
	for _, one := range f.list {
		if one.Verdict == wrong {
			failed = append(failed, one.Check)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%s failed: %s", plural(len(failed), "check"), strings.Join(failed, ", "))
}
