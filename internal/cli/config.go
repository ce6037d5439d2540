package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/config"
)

func newConfig() *cobra.Command {
	return family("config", "Show and check the configuration of a broker", newConfigPrint(), newConfigReference(), newConfigCheck())
}

// printedConfig is one property of config print.
type printedConfig struct {
	Name      string  `json:"name"`
	Value     *string `json:"value"` // null where there is none, or it is secret
	Source    string  `json:"source"`
	Where     string  `json:"where"`
	Effect    string  `json:"effect"`
	Sensitive bool    `json:"sensitive"`
}

func newConfigPrint() *cobra.Command {
	var (
		from    properties
		o       output
		changed bool
	)
	c := &cobra.Command{
		Use:   "print",
		Short: "Print every property with its value and where that comes from",
		Args:  exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			broker, err := from.resolve()
			if err != nil {
				return err
			}
			printed := []printedConfig{}
			for _, e := range broker.Describe() {
				if !changed || e.Source != config.SourceDefault {
					printed = append(printed, printedConfig{e.Name, e.Value, e.Source.String(), e.Where, e.Effect.String(), e.Sensitive})
				}
			}
			return o.print(c, printed, func(p *page) {
				var rows [][]string
				for _, e := range printed {
					rows = append(rows, []string{e.Name, shownValue(e.Value, e.Sensitive && e.Source != config.SourceDefault.String()), e.Where})
				}
				p.table([]string{"NAME", "VALUE", "FROM"}, rows)
			})
		},
	}
	from.flags(c)
	o.flag(c)
	c.Flags().BoolVar(&changed, "changed", false, "print only what is not at its default")
	return c
}

func newConfigReference() *cobra.Command {
	return &cobra.Command{
		Use:   "reference",
		Short: "Print the reference of all properties, in Markdown",
		Args:  exactly(),
		RunE:  func(c *cobra.Command, _ []string) error { return config.Reference(c.OutOrStdout()) },
	}
}

// checkedConfig is the answer of config check.
type checkedConfig struct {
	Faults   []configFault `json:"faults"`
	Warnings []string      `json:"warnings"`
}

type configFault struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Where   string `json:"where"`
	Reason  string `json:"reason"`
	Nearest string `json:"nearest,omitempty"`
}

func newConfigCheck() *cobra.Command {
	var (
		from properties
		o    output
	)
	c := &cobra.Command{
		Use:   "check",
		Short: "Say what is wrong with a configuration, and what in it has no effect",
		Long:  "Say what is wrong with a configuration, and what in it has no effect. The exit code is 1 if a broker would not start with it.",
		Args:  exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			checked := checkedConfig{Faults: []configFault{}, Warnings: []string{}}
			broker, err := from.resolve()
			faults, ok := faultsOf(err)
			if err != nil && !ok {
				return err
			}
			for _, f := range faults {
				checked.Faults = append(checked.Faults, configFault{f.Name, f.Value, f.Where, f.Reason, f.Nearest})
			}
			if err == nil {
				checked.Warnings = append(checked.Warnings, broker.Warnings()...)
			}
			if bad := o.print(c, checked, func(p *page) { checked.print(p, faults) }); bad != nil {
				return bad
			}
			if len(faults) > 0 {
				return fmt.Errorf("a broker would not start with this configuration: %s", plural(len(faults), "fault"))
			}
			return nil
		},
	}
	from.flags(c)
	o.flag(c)
	return c
}

func (k *checkedConfig) print(p *page, faults config.Faults) {
	for _, f := range faults {
		p.line("fault: %s", f)
	}
	for _, w := range k.Warnings {
		p.line("warning: %s", w)
	}
	if len(faults)+len(k.Warnings) == 0 {
		p.line("nothing is wrong")
	}
}
