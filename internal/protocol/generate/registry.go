package main

import (
	"fmt"
	"slices"
)

// advertised are the ranges that a server offers where they are not those that it decodes: Produce from 0 on, because
// librdkafka goes wrong without (KAFKA-18659), and ApiVersions without 5, whose checks are not served yet.
var advertised = map[string]versions{
	"Produce":     {0, 13, true},
	"ApiVersions": {0, 4, true},
}

// privateKeys is the first number of skein's own APIs (protocol.PrivateKeys).
const privateKeys = 0x4000

// registry writes the table of APIs and of the records by their number.
func (p *printer) registry(specs []messageSpec, messages []*goMessage) {
	requests := slices.DeleteFunc(slices.Clone(specs), func(s messageSpec) bool { return s.Type != "request" })
	slices.SortFunc(requests, func(a, b messageSpec) int { return int(*a.APIKey) - int(*b.APIKey) })
	own := slices.IndexFunc(requests, func(s messageSpec) bool { return *s.APIKey >= privateKeys })
	if own < 0 {
		own = len(requests)
	}
	p.line("// Kafka's APIs. Those without versions are gone from Kafka and keep their number.")
	p.keys(requests[:own], "%d")
	p.line("// skein's own APIs.")
	p.keys(requests[own:], "%#x")
	p.line("var apis = [...]apiInfo{")
	for _, s := range requests[:own] {
		p.api(s, "", messages)
	}
	p.line("}\n")
	p.line("var privateAPIs = [...]apiInfo{")
	for _, s := range requests[own:] {
		p.api(s, " - PrivateKeys", messages)
	}
	p.line("}\n")
	p.constructors("newRecordKey", "coordinator-key", messages)
	p.constructors("newRecordValue", "coordinator-value", messages)
	p.constructors("newMetadataRecord", "metadata", messages)
	for _, m := range messages {
		if m.spec.Type == "coordinator-key" {
			p.line("func (*%s) isRecordKey() {}", m.name)
		}
	}
}

// keys writes the constants of the APIs' numbers.
func (p *printer) keys(requests []messageSpec, format string) {
	p.line("const (")
	for _, s := range requests {
		p.line("Key%s Key = "+format, goName(apiName(s.Name)), *s.APIKey)
	}
	p.line(")\n")
}

// api writes the row of one API, at its key less the first key of the table.
func (p *printer) api(s messageSpec, less string, messages []*goMessage) {
	name := apiName(s.Name)
	i := slices.IndexFunc(messages, func(m *goMessage) bool { return m.spec.Name == s.Name })
	if i < 0 {
		p.line("Key%s%s: {name: %q, highest: -1, flexible: -1},", goName(name), less, name)
		return
	}
	m := messages[i]
	offered := m.decodes
	if s.LatestUnstable {
		offered.high--
	}
	if v, ok := advertised[name]; ok {
		offered = v
	}
	flexible := int16(-1)
	if m.flexible.some {
		flexible = m.flexible.low
	}
	p.line("Key%s%s: {", goName(name), less)
	p.line("name: %q, lowest: %d, highest: %d, decodable: %d, decodableMax: %d, flexible: %d,", name, offered.low, offered.high,
		m.decodes.low, m.decodes.high, flexible)
	p.line("request: func() Message { return New%sRequest() },", goName(name))
	p.line("response: func() Message { return New%sResponse() },\n},", goName(name))
}

// constructors writes a function from a record's number to an empty record, for one type of schema.
func (p *printer) constructors(function, schemaType string, messages []*goMessage) {
	p.line("func %s(number int16) Message {\nswitch number {", function)
	numbered := slices.DeleteFunc(slices.Clone(messages), func(m *goMessage) bool { return m.spec.Type != schemaType })
	slices.SortStableFunc(numbered, func(a, b *goMessage) int { return int(*a.spec.APIKey) - int(*b.spec.APIKey) })
	for _, m := range numbered {
		p.line("case %s:\nreturn New%s()", fmt.Sprint(*m.spec.APIKey), m.name)
	}
	p.line("}\nreturn nil\n}\n")
}
