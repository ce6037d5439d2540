package config

import "github.com/skein-io/skein/internal/nearest"

// nearest is the name of the registry that is most like name, or "" if none is like it.
func (r *Registry) nearest(name string) string {
	return nearest.Name(name, func(yield func(string) bool) {
		for _, p := range r.all {
			if !p.Internal && !yield(p.Name) {
				return
			}
		}
	})
}
