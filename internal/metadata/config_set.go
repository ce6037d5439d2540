package metadata

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// ResourceType says what kind of thing a configuration belongs to, in Kafka's numbers.
type ResourceType int8

// The kinds of things that have a configuration.
const (
	UnknownResource       ResourceType = 0
	TopicResource         ResourceType = 2
	BrokerResource        ResourceType = 4
	BrokerLoggerResource  ResourceType = 8
	ClientMetricsResource ResourceType = 16
	GroupResource         ResourceType = 32
)

// String is Kafka's name of the kind.
func (t ResourceType) String() string {
	switch t {
	case TopicResource:
		return "TOPIC"
	case BrokerResource:
		return "BROKER"
	case BrokerLoggerResource:
		return "BROKER_LOGGER"
	case ClientMetricsResource:
		return "CLIENT_METRICS"
	case GroupResource:
		return "GROUP"
	}
	return "UNKNOWN"
}

// Resource is a thing that has a configuration. A broker without a name is the default of every broker.
type Resource struct {
	Type ResourceType
	Name string
}

// ClusterDefault is the resource whose configuration holds for every broker that has none of its own.
var ClusterDefault = Resource{Type: BrokerResource}

// Compare orders resources by kind, then by name.
func (r Resource) Compare(other Resource) int {
	return cmp.Or(cmp.Compare(r.Type, other.Type), strings.Compare(r.Name, other.Name))
}

// ConfigSet is the configuration that was set for one resource: names and values, without defaults. The nil set is
// empty. It never changes.
type ConfigSet struct{ entries []configEntry }

type configEntry struct{ name, value string }

// Get returns the value that was set for a name.
func (s *ConfigSet) Get(name string) (string, bool) {
	if s == nil {
		return "", false
	}
	if i, ok := s.find(name); ok {
		return s.entries[i].value, true
	}
	return "", false
}

// Len is the number of names.
func (s *ConfigSet) Len() int {
	if s == nil {
		return 0
	}
	return len(s.entries)
}

// All walks names and values by name.
func (s *ConfigSet) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if s == nil {
			return
		}
		for _, e := range s.entries {
			if !yield(e.name, e.value) {
				return
			}
		}
	}
}

// With returns a set in which name has value.
func (s *ConfigSet) With(name, value string) *ConfigSet {
	if s == nil {
		return &ConfigSet{entries: []configEntry{{name, value}}}
	}
	i, ok := s.find(name)
	if ok {
		next := slices.Clone(s.entries)
		next[i].value = value
		return &ConfigSet{entries: next}
	}
	next := make([]configEntry, 0, len(s.entries)+1)
	next = append(append(append(next, s.entries[:i]...), configEntry{name, value}), s.entries[i:]...)
	return &ConfigSet{entries: next}
}

// Without returns a set that has not the name.
func (s *ConfigSet) Without(name string) *ConfigSet {
	if s == nil {
		return nil
	}
	i, ok := s.find(name)
	if !ok {
		return s
	}
	return &ConfigSet{entries: slices.Delete(slices.Clone(s.entries), i, i+1)}
}

func (s *ConfigSet) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s.entries, name, func(e configEntry, name string) int {
		return strings.Compare(e.name, name)
	})
}
