package config

import (
	"fmt"
	"slices"
	"strings"
)

// Area says what kind of thing a property configures.
type Area uint8

// The areas. A name may stand in two of them (min.insync.replicas is a broker's and a topic's).
const (
	AreaBroker Area = iota
	AreaTopic
	AreaGroup
)

// String is Kafka's name of the config resource.
func (a Area) String() string { return [...]string{"BROKER", "TOPIC", "GROUP"}[a] }

// Type is the type of a property's value, with the number that DescribeConfigs gives it on the wire.
type Type int8

// Kafka's types of configuration values.
const (
	Boolean  Type = 1
	String   Type = 2
	Int      Type = 3
	Short    Type = 4
	Long     Type = 5
	Double   Type = 6
	List     Type = 7
	Class    Type = 8
	Password Type = 9
)

// String is Kafka's lower-case name of the type.
func (t Type) String() string {
	names := [...]string{"unknown", "boolean", "string", "int", "short", "long", "double", "list", "class", "password"}
	return names[t]
}

// Mode says how a broker property may change while the broker runs.
type Mode uint8

// The update modes, Kafka's.
const (
	ReadOnly    Mode = iota // only by a restart
	PerBroker               // for one broker, or for all
	ClusterWide             // for all brokers
)

// String is Kafka's name of the update mode.
func (m Mode) String() string { return [...]string{"read-only", "per-broker", "cluster-wide"}[m] }

// Effect says whether skein does something with a property.
type Effect uint8

const (
	// Used has the effect that Doc says.
	Used Effect = iota
	// ManyBrokers is kept and shown, and has an effect only where a cluster has more than one broker.
	ManyBrokers
	// NoEffect is a name that Kafka has and skein does not need, or not yet: accepted, checked, reported. Doc says why.
	NoEffect
)

// String is the word of the reference for the effect.
func (e Effect) String() string { return [...]string{"used", "with several brokers", "no effect"}[e] }

// Property is one name of the tables.
type Property struct {
	Name     string
	Type     Type
	Default  *string // nil where there is none
	Bounds   Bounds  // nil where the type says all
	Mode     Mode    // of a broker property; topic and group properties change at any time
	Effect   Effect
	Synonyms []string // names that stand in for this one where it is not set, nearest first
	Own      bool     // skein's, not Kafka's
	Internal bool     // for tests; not listed
	Kafka    *string  // Kafka's default, where skein's differs
	Doc      string   // one or two sentences of our own
}

// Sensitive says whether the value may be shown to nobody.
func (p *Property) Sensitive() bool { return p.Type == Password }

// DefaultText is the default as text, "null" where there is none.
func (p *Property) DefaultText() string {
	if p.Default == nil {
		return "null"
	}
	return *p.Default
}

// Registry is the properties of one area, in the order of their names. It does not change.
type Registry struct {
	Area   Area
	all    []*Property
	byName map[string]*Property
}

// newRegistry panics on a name that stands twice: the tables are ours.
func newRegistry(area Area, tables ...[]Property) *Registry {
	r := &Registry{Area: area, byName: map[string]*Property{}}
	for _, table := range tables {
		for i := range table {
			p := &table[i]
			if _, twice := r.byName[p.Name]; twice {
				panic(fmt.Sprintf("config: %s property %s stands twice in the tables", area, p.Name))
			}
			r.byName[p.Name] = p
			r.all = append(r.all, p)
		}
	}
	slices.SortFunc(r.all, func(a, b *Property) int { return strings.Compare(a.Name, b.Name) })
	return r
}

// Lookup finds a property by its exact name.
func (r *Registry) Lookup(name string) (*Property, bool) {
	p, ok := r.byName[name]
	return p, ok
}

// All is every property of the area, sorted by name. The caller does not change it.
func (r *Registry) All() []*Property { return r.all }

// The three registries.
var (
	BrokerProperties = newRegistry(AreaBroker, nodeTable, networkTable, requestTable, topicDefaultsTable, logTable,
		cleanerTable, groupTable, producerTable, replicationTable, skeinTable, unusedThreadTable, unusedMetricTable,
		unusedQuotaTable, noMoves, unusedControllerTable, unusedLogTable, unusedTransactionTable, unusedModernGroupTable,
		unusedShareTable, unusedRemoteTable, unusedTLSTable, unusedSASLTable, unusedOAuthTable, unusedPluginTable)
	TopicProperties = newRegistry(AreaTopic, topicTable, unusedTopicTable)
	GroupProperties = newRegistry(AreaGroup, groupResourceTable)
)

// without marks the rows of a table as having no effect, for one reason.
func without(why string, table []Property) []Property {
	for i := range table {
		table[i].Effect = NoEffect
		table[i].Doc = why
	}
	return table
}
