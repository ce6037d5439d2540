package config

// Entry is one property as DescribeConfigs tells it. It never holds a secret: Value of a sensitive property is nil.
type Entry struct {
	Name      string
	Value     *string // nil where there is no value, or it is secret
	Source    Source
	Where     string // for a person: file and line, variable, option, or "default"
	ReadOnly  bool
	Sensitive bool
	Type      Type
	Effect    Effect
	Doc       string
	Synonyms  []Synonym // all that could decide the value, the one that does first
}

// Synonym is one of the settings behind an Entry.
type Synonym struct {
	Name   string
	Value  *string
	Source Source
}

// Describe tells every broker property and where its value came from, sorted by name, without internal ones.
func (b *Broker) Describe() []Entry {
	var entries []Entry
	for _, p := range BrokerProperties.All() {
		if !p.Internal {
			entries = append(entries, entryOf(p, b.layers().chain(BrokerProperties, p), p.Mode == ReadOnly))
		}
	}
	for _, name := range b.layers().names() {
		if _, known := BrokerProperties.Lookup(name); !known { // listener.name.NAME.PROPERTY
			s, _ := b.layers().named(name)
			e := entryOf(s.property, []setting{s}, s.property.Mode == ReadOnly)
			e.Name, e.Synonyms[0].Name = name, name
			entries = append(entries, e)
		}
	}
	return entries
}

// DescribeTopic tells every topic property with a topic's overrides, sorted by name, without internal ones. An
// override that is not valid, which an earlier version may have left, is passed over.
func (b *Broker) DescribeTopic(overrides map[string]string) []Entry {
	return b.describeInherited(TopicProperties, overrides, SourceDynamicTopic)
}

// DescribeGroup tells every group property with a group's overrides, as DescribeTopic.
func (b *Broker) DescribeGroup(overrides map[string]string) []Entry {
	return b.describeInherited(GroupProperties, overrides, SourceGroup)
}

func (b *Broker) describeInherited(r *Registry, overrides map[string]string, source Source) []Entry {
	layer, _ := parseOverrides(r, overrides, source)
	var entries []Entry
	for _, p := range r.All() {
		if !p.Internal {
			chain := b.inheritedChain(p, layer)
			e := entryOf(p, chain, false)
			if n := len(chain); n > 0 && chain[n-1].property == p && chain[n-1].source == SourceDefault {
				e.Synonyms = e.Synonyms[:n-1] // as Kafka: what brokers give is listed, a topic's own default is not
			}
			entries = append(entries, e)
		}
	}
	return entries
}

// named finds a name in the layers, strongest first.
func (ls layers) named(name string) (setting, bool) {
	for _, layer := range ls {
		if s, ok := layer[name]; ok {
			return s, true
		}
	}
	return setting{}, false
}

// entryOf makes an entry of the settings that decide p. The value is in the unit of p: a topic's retention.ms is
// milliseconds though log.retention.hours decides it.
func entryOf(p *Property, chain []setting, readOnly bool) Entry {
	e := Entry{Name: p.Name, Source: SourceDefault, Where: "default", ReadOnly: readOnly, Sensitive: p.Sensitive(),
		Type: p.Type, Effect: p.Effect, Doc: p.Doc}
	if len(chain) > 0 {
		e.Value, e.Source, e.Where = convertedText(p, chain[0]), chain[0].source, chain[0].where
	}
	for _, s := range chain {
		e.Synonyms = append(e.Synonyms, Synonym{Name: s.property.Name, Value: text(s), Source: s.source})
	}
	return e
}

func text(s setting) *string {
	if s.property.Sensitive() {
		return nil
	}
	return &s.value.Text
}
