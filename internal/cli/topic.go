package cli

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newTopic() *cobra.Command {
	return family("topic", "Create, list, describe, alter and delete topics",
		newTopicCreate(), newTopicList(), newTopicDescribe(), newTopicAlter(), newTopicDelete())
}

// assignments reads NAME=VALUE pairs of a flag. A later pair rules over an earlier.
func assignments(c *cobra.Command, flag string, pairs []string) (map[string]*string, error) {
	values := map[string]*string{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, misused(c, "--%s %q: it is NAME=VALUE", flag, pair)
		}
		values[name] = &value
	}
	return values, nil
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
