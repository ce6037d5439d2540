package cli

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/config"
)

// properties are the flags by which serve and those who look at a broker's configuration are told of it.
type properties struct {
	file    string
	dataDir string
	listen  string
	set     []string
}

func (o *properties) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.file, "config", "", "read Kafka's property names from `FILE`")
	f.StringVar(&o.dataDir, "data-dir", "", "keep the data in `DIR` (log.dirs)")
	f.StringVar(&o.listen, "listen", "", "listen on `HOST:PORT` (listeners)")
	f.StringArrayVar(&o.set, "set", nil, "set a property, `NAME=VALUE`; may be repeated")
	if err := c.MarkFlagDirname("data-dir"); err != nil {
		panic(err) // no such flag
	}
}

// pairs is --set with what the short flags stand for.
func (o *properties) pairs() ([]string, error) {
	set := o.set
	if o.dataDir != "" {
		set = append(set, "log.dirs="+o.dataDir)
	}
	if o.listen != "" {
		if _, _, err := net.SplitHostPort(o.listen); err != nil {
			return nil, usageError{fmt.Errorf("--listen %q: %w; it is HOST:PORT", o.listen, err)}
		}
		set = append(set, "listeners=PLAINTEXT://"+o.listen)
	}
	return set, nil
}

// resolve makes the configuration as serve would see it. An error of config.Faults is about the values.
func (o *properties) resolve() (*config.Broker, error) {
	var file []config.Assignment
	if o.file != "" {
		var err error
		if file, err = config.FromFile(o.file); err != nil {
			return nil, err
		}
	}
	pairs, err := o.pairs()
	if err != nil {
		return nil, err
	}
	set, err := config.FromSet("--set", pairs)
	if err != nil {
		return nil, usageError{err}
	}
	return config.Resolve(file, config.FromEnvironment(os.Environ()), set)
}

// faultsOf is what is wrong with the values, one by one; ok is false for another kind of error.
func faultsOf(err error) (faults config.Faults, ok bool) {
	return errors.AsType[config.Faults](err)
}
