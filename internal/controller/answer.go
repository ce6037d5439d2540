package controller

import (
	"maps"
	"slices"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// answer splits an error into what responses hold: the code, and the reason or null.
func answer(err error) (protocol.Code, *string) {
	if err == nil {
		return protocol.None, nil
	}
	reason := protocol.ReasonOf(err)
	return protocol.CodeOf(err), &reason
}

func sortedNodes[V any](m map[metadata.NodeID]V) []metadata.NodeID {
	return slices.Sorted(maps.Keys(m))
}

// counts is how often each name occurs.
func counts[T any](items []T, name func(*T) string) map[string]int {
	m := make(map[string]int, len(items))
	for i := range items {
		m[name(&items[i])]++
	}
	return m
}
