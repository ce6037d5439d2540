package config

import (
	"errors"
	"fmt"
	"strings"
)

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	Name    string
	Value   string // "***" where it may be secret
	Where   string // "" where it came from no single place
	Reason  string
	Nearest string // a name that may have been meant, or ""
}

// Error is one line: name, value, source, reason.
func (f *Fault) Error() string {
	var b strings.Builder
	if f.Where != "" {
		fmt.Fprintf(&b, "%s: ", f.Where)
	}
	fmt.Fprintf(&b, "%s = %q: %s", f.Name, f.Value, f.Reason)
	if f.Nearest != "" {
		fmt.Fprintf(&b, "; did you mean %s?", f.Nearest)
	}
	return b.String()
}

// Faults is everything that is wrong, so that it is mended in one go.
type Faults []*Fault

// Error has a line for each fault.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the faults to errors.As.
func (fs Faults) Unwrap() []error {
	errs := make([]error, len(fs))
	for i, f := range fs {
		errs[i] = f
	}
	return errs
}

// asError is nil where nothing is wrong.
func (fs Faults) asError() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

// secretWords mark a name that nobody knows as one whose value may be secret.
var secretWords = []string{"pass", "secret", "key", "jaas", "credential", "token"}

// shown is the value as a fault may show it.
func shown(p *Property, name, value string) string {
	if p != nil {
		if p.Sensitive() {
			return redacted
		}
		return value
	}
	for _, word := range secretWords {
		if strings.Contains(strings.ToLower(name), word) {
			return redacted
		}
	}
	return value
}

// parse is Parse with the fault made.
func (r *Registry) parse(a Assignment) (*Property, Value, *Fault) {
	p, ok := r.find(a.Name)
	fault := &Fault{Name: a.Name, Value: shown(p, a.Name, a.Value), Where: a.Where}
	if !ok {
		fault.Nearest = r.nearest(a.Name)
		fault.Reason = fmt.Sprintf("there is no such %s property", strings.ToLower(r.Area.String()))
		return nil, Value{}, fault
	}
	v, err := p.Parse(a.Value)
	if err != nil {
		fault.Reason = errors.Join(err).Error()
		return nil, Value{}, fault
	}
	return p, v, nil
}

// find is Lookup, and for a broker also finds listener.name.NAME.PROPERTY and
// listener.name.NAME.MECHANISM.PROPERTY, Kafka's form for a value that is for one listener only.
func (r *Registry) find(name string) (*Property, bool) {
	if p, ok := r.Lookup(name); ok || r.Area != AreaBroker {
		return p, ok
	}
	rest, ok := strings.CutPrefix(name, "listener.name.")
	for range 2 {
		if !ok {
			break
		}
		if _, rest, ok = strings.Cut(rest, "."); ok {
			if p, found := r.Lookup(rest); found {
				return p, true
			}
		}
	}
	return nil, false
}
