package config

import (
	"fmt"
	"io"
	"strings"
)

// Reference writes a page in Markdown with every property.
func Reference(w io.Writer) error {
	_, err := io.WriteString(w, reference())
	return err
}

func reference() string {
	var b strings.Builder
	b.WriteString("# Configuration\n\n" +
		"Written by `skein config reference`; do not edit it.\n\n" +
		"A property is set in a `.properties` file (`--config`), by an environment variable (`SKEIN_LOG_DIRS` is `log.dirs`),\n" +
		"or with `--set name=value`. The option is stronger than the variable, and that is stronger than the file.\n" +
		"Names are Kafka's, unless they are marked *skein's own*. An unknown name or an impossible value stops the start.\n")
	for _, section := range []struct {
		title    string
		registry *Registry
	}{{"Broker", BrokerProperties}, {"Topic", TopicProperties}, {"Group", GroupProperties}} {
		fmt.Fprintf(&b, "\n## %s properties\n\n", section.title)
		writeUsed(&b, section.registry)
		writeUnused(&b, section.registry)
	}
	return b.String()
}

func writeUsed(b *strings.Builder, r *Registry) {
	header := "| name | type | default | values | changes | what it does |\n|---|---|---|---|---|---|\n"
	for _, p := range r.All() {
		if p.Internal || p.Effect == NoEffect {
			continue
		}
		b.WriteString(header)
		header = ""
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s |\n", p.Name, p.Type, code(p.Default), bounds(p), changes(r, p), doc(p))
	}
}

func writeUnused(b *strings.Builder, r *Registry) {
	header := "\nAccepted without an effect:\n\n| name | type | default in Kafka | why |\n|---|---|---|---|\n"
	for _, p := range r.All() {
		if !p.Internal && p.Effect == NoEffect {
			b.WriteString(header)
			header = ""
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", p.Name, p.Type, code(p.Default), p.Doc)
		}
	}
}

func code(text *string) string {
	switch {
	case text == nil:
		return "not set"
	case *text == "":
		return "empty"
	}
	return "`" + strings.ReplaceAll(*text, "|", `\|`) + "`"
}

func bounds(p *Property) string {
	if p.Bounds == nil {
		return ""
	}
	return p.Bounds.String()
}

func changes(r *Registry, p *Property) string {
	if r.Area != AreaBroker {
		return "at any time"
	}
	return p.Mode.String()
}

// doc is the sentence of a property with what stands in its other fields.
func doc(p *Property) string {
	text := p.Doc
	if p.Effect == ManyBrokers {
		text += " Only with several brokers."
	}
	if p.Own {
		text += " *skein's own.*"
	}
	if p.Kafka != nil {
		text += " Kafka's default: " + code(p.Kafka) + "."
	}
	if len(p.Synonyms) > 0 {
		text += " Falls back on `" + strings.Join(p.Synonyms, "`, `") + "`."
	}
	return text
}
