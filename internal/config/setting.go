package config

import "slices"

// Source says by which way a property got its value, with the number that DescribeConfigs gives it on the wire.
type Source int8

// Kafka's sources.
const (
	SourceUnknown              Source = 0
	SourceDynamicTopic         Source = 1
	SourceDynamicBroker        Source = 2
	SourceDynamicDefaultBroker Source = 3
	SourceStaticBroker         Source = 4
	SourceDefault              Source = 5
	SourceGroup                Source = 8
)

var sourceNames = map[Source]string{
	SourceUnknown: "UNKNOWN", SourceDynamicTopic: "DYNAMIC_TOPIC_CONFIG", SourceDynamicBroker: "DYNAMIC_BROKER_CONFIG",
	SourceDynamicDefaultBroker: "DYNAMIC_DEFAULT_BROKER_CONFIG", SourceStaticBroker: "STATIC_BROKER_CONFIG",
	SourceDefault: "DEFAULT_CONFIG", SourceGroup: "GROUP_CONFIG",
}

// String is Kafka's name of the source.
func (s Source) String() string { return sourceNames[s] }

// setting is a property with a value and its origin.
type setting struct {
	property *Property
	value    Value // of a sensitive property: without its text
	secret   Secret
	source   Source
	where    string
}

func newSetting(p *Property, v Value, source Source, where string) setting {
	s := setting{property: p, value: v, source: source, where: where}
	if p.Sensitive() {
		s.secret = NewSecret(v.Text)
		s.value.Text = ""
	}
	return s
}

// layers is every value that names of one registry have, strongest first.
type layers []map[string]setting

// chain is the settings that decide a property: all layers in turn, in each layer the name and then its synonyms, and
// at the end the defaults. The first one rules.
func (ls layers) chain(r *Registry, p *Property) []setting {
	var chain []setting
	names := append([]string{p.Name}, p.Synonyms...)
	for _, layer := range ls {
		for _, name := range names {
			if s, ok := layer[name]; ok {
				chain = append(chain, s)
			}
		}
	}
	for _, name := range names {
		if q, ok := r.Lookup(name); ok && q.Default != nil {
			chain = append(chain, defaultSetting(q))
		}
	}
	return chain
}

// defaultSetting panics on a default that is not a value of its property: the tables are ours.
func defaultSetting(p *Property) setting {
	v, err := parseType(p.Type, *p.Default)
	if err != nil {
		panic("config: default of " + p.Name + ": " + err.Error())
	}
	return newSetting(p, v, SourceDefault, "default")
}

// rule is the setting that decides the property, and false where it has no value at all.
func (ls layers) rule(r *Registry, p *Property) (setting, bool) {
	chain := ls.chain(r, p)
	if len(chain) == 0 {
		return setting{property: p, source: SourceDefault, where: "default"}, false
	}
	return chain[0], true
}

// names is every name that has a value in one of the layers, sorted.
func (ls layers) names() []string {
	var names []string
	for _, layer := range ls {
		for name := range layer {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
