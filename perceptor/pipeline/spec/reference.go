package spec

import (
	"fmt"
	"strings"
)

// Key is a key of the file, for the reference.
type Key struct {
	Path     string // from the root, with a dot between
	What     string // what is allowed
	Standard string // what holds without it; empty if nothing does
	Required bool
	Only     string // the type of sink that has it
	Doc      string
}

// Keys are all keys of a file, in the order of the reference.
func Keys() []Key { return pipelineKeys.list() }

func (s *section[T]) list() (all []Key) {
	for i := range s.keys {
		k := &s.keys[i]
		all = append(all, Key{k.name, k.value.what(), k.standard, k.required, k.only, k.doc})
		all = append(all, prefixed(k.name, k.value.below())...)
	}
	return all
}

func prefixed(name string, below []Key) []Key {
	all := make([]Key, len(below))
	for i, k := range below {
		k.Path = join(name, k.Path)
		all[i] = k
	}
	return all
}

// Reference is a list of all keys in Markdown: those of the file, then those below each.
func Reference() string {
	var b strings.Builder
	all := Keys()
	write := func(title string, in func(path string) bool) {
		fmt.Fprintf(&b, "\n### %s\n\n| key | value | without it | what it does |\n| --- | --- | --- | --- |\n", title)
		for _, k := range all {
			if in(k.Path) {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Path, cell(k.What), without(k), cell(docOf(k)))
			}
		}
	}
	write("The file", func(path string) bool { return !strings.Contains(path, ".") })
	for _, k := range pipelineKeys.keys {
		if len(k.value.below()) > 0 {
			write("`"+k.name+"`", func(path string) bool { return strings.HasPrefix(path, k.name+".") })
		}
	}
	return b.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func without(k Key) string {
	switch {
	case k.Required:
		return "a fault"
	case k.Standard == empty:
		return "as its keys say"
	case k.Standard != "":
		return "`" + k.Standard + "`"
	}
	return ""
}

func docOf(k Key) string {
	if k.Only != "" {
		return "*Sinks of type " + k.Only + ".* " + k.Doc
	}
	return k.Doc
}
