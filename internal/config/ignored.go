package config

import "fmt"

// Warnings says, one line each, which values were given that change nothing: names without effect, and names that
// another one overrules. For the log at start and for "skein config check".
func (b *Broker) Warnings() []string {
	var warnings []string
	for _, name := range b.layers().names() {
		s, _ := b.layers().named(name)
		if s.property.Effect == NoEffect {
			warnings = append(warnings, fmt.Sprintf("%s: %s has no effect: %s", s.where, name, s.property.Doc))
		}
	}
	for _, p := range BrokerProperties.All() {
		for i, s := range b.layers().chain(BrokerProperties, p) {
			if i > 0 && len(p.Synonyms) > 0 && s.property != p && s.source == SourceStaticBroker {
				ruling, _ := b.rule(p.Name)
				warnings = append(warnings, fmt.Sprintf("%s: %s has no effect: %s overrules it (%s)",
					s.where, s.property.Name, ruling.property.Name, ruling.where))
			}
		}
	}
	return warnings
}
