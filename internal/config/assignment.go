package config

import (
	"fmt"
	"os"
	"strings"

	"github.com/magiconair/properties"
)

// Assignment is one name that was given a value, before anybody asked whether there is such a name.
type Assignment struct {
	Name  string
	Value string
	Where string // for a person: "skein.properties:12", "environment variable SKEIN_LOG_DIRS", "--set"
}

// fileBytesMax bounds a properties file.
const fileBytesMax = 4 << 20

// FromFile reads a .properties file as Java does, in UTF-8: comments, continued lines and \u escapes, but no ${...}
// references, which could read what the file's author must not.
func FromFile(name string) ([]Assignment, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	if info.Size() > fileBytesMax {
		return nil, fmt.Errorf("%s has %d bytes; a configuration has at most %d", name, info.Size(), fileBytesMax)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	return FromProperties(name, string(content))
}

// FromProperties understands the content of a .properties file; name is for messages.
func FromProperties(name, content string) ([]Assignment, error) {
	var assignments []Assignment
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	for _, line := range logicalLines(content) {
		// One line at a time, because the library does not tell where it found a key.
		parsed, err := loader.LoadBytes([]byte(line.text))
		where := fmt.Sprintf("%s:%d", name, line.number)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		for _, key := range parsed.Keys() {
			value, _ := parsed.Get(key)
			assignments = append(assignments, Assignment{Name: key, Value: value, Where: where})
		}
	}
	return assignments, nil
}

type logicalLine struct {
	number int // of its first line, from 1
	text   string
}

// logicalLines joins a line that ends in an odd number of backslashes with the next one, and leaves comments and empty
// lines out.
func logicalLines(content string) []logicalLine {
	var lines []logicalLine
	continued := false
	content = strings.TrimPrefix(content, "\ufeff")
	for i, text := range strings.Split(content, "\n") {
		text = strings.TrimSuffix(text, "\r")
		if continued {
			last := &lines[len(lines)-1]
			last.text += "\n" + text
			continued = endsContinued(text)
			continue
		}
		trimmed := strings.TrimLeft(text, " \t\f")
		if trimmed == "" || trimmed[0] == '#' || trimmed[0] == '!' {
			continue
		}
		lines = append(lines, logicalLine{i + 1, trimmed})
		continued = endsContinued(text)
	}
	return lines
}

func endsContinued(line string) bool {
	backslashes := len(line) - len(strings.TrimRight(line, `\`))
	return backslashes%2 == 1
}

// environmentPrefix starts the names of the environment variables that are properties.
const environmentPrefix = "SKEIN_"

// FromEnvironment takes the variables that begin with SKEIN_: SKEIN_LOG_DIRS is log.dirs. What Kubernetes adds for a
// service that is named skein (SKEIN_SERVICE_HOST, SKEIN_PORT_9092_TCP and the like) is left alone.
func FromEnvironment(environ []string) []Assignment {
	var assignments []Assignment
	for _, variable := range environ {
		key, value, _ := strings.Cut(variable, "=")
		rest, ok := strings.CutPrefix(key, environmentPrefix)
		if !ok || rest == "PORT" || strings.HasPrefix(rest, "PORT_") || strings.HasPrefix(rest, "SERVICE_") {
			continue
		}
		assignments = append(assignments, Assignment{
			Name:  strings.ToLower(strings.ReplaceAll(rest, "_", ".")),
			Value: value,
			Where: "environment variable " + key,
		})
	}
	return assignments
}

// FromSet takes name=value pairs as --set gives them. option is the option's name, for messages.
func FromSet(option string, pairs []string) ([]Assignment, error) {
	var assignments []Assignment
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("%s %s: must be name=value", option, pair)
		}
		assignments = append(assignments, Assignment{Name: name, Value: value, Where: option})
	}
	return assignments, nil
}
