package metadata

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

func keysOf(t tree[int, int]) (keys []int) {
	for k := range t.all() {
		keys = append(keys, k)
	}
	return keys
}

func checkTree(t *testing.T, n *node[int, int]) int8 {
	t.Helper()
	if n == nil {
		return 0
	}
	l, r := checkTree(t, n.left), checkTree(t, n.right)
	if l-r > 1 || r-l > 1 || n.height != 1+max(l, r) {
		t.Fatalf("node %d is out of balance: %d and %d, height %d", n.key, l, r, n.height)
	}
	return n.height
}

// TestTreeAgainstMap holds a tree against a map and every former tree against the map as it was then.
func TestTreeAgainstMap(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		var tr tree[int, int]
		model := map[int]int{}
		var trees []tree[int, int]
		var models []map[int]int
		e := &edit{}
		for step := range 2000 {
			key := random.IntN(200)
			if random.IntN(3) == 0 {
				tr = tr.del(e, key, cmp.Compare[int])
				delete(model, key)
			} else {
				tr = tr.set(e, key, step, cmp.Compare[int])
				model[key] = step
			}
			if random.IntN(50) == 0 {
				trees, models = append(trees, tr), append(models, maps.Clone(model))
				e = &edit{}
				if random.IntN(2) == 0 {
					e = nil
				}
			}
		}
		for i, old := range trees {
			checkTree(t, old.root)
			if want := slices.Sorted(maps.Keys(models[i])); !slices.Equal(keysOf(old), want) || old.size != len(want) {
				t.Fatalf("seed %d: tree %d has keys %v, want %v", seed, i, keysOf(old), want)
			}
			for k, v := range models[i] {
				if got, ok := old.get(k, cmp.Compare[int]); !ok || got != v {
					t.Fatalf("seed %d: tree %d has %d at %d, want %d", seed, i, got, k, v)
				}
			}
		}
	}
}

func TestTreeSharesNothingWithoutAnEdit(t *testing.T) {
	var a tree[int, int]
	for i := range 100 {
		a = a.set(nil, i, i, cmp.Compare[int])
	}
	b := a.set(nil, 50, -1, cmp.Compare[int])
	if v, _ := a.get(50, cmp.Compare[int]); v != 50 {
		t.Errorf("the old tree changed: %d", v)
	}
	if v, _ := b.get(50, cmp.Compare[int]); v != -1 {
		t.Errorf("the new tree did not change: %d", v)
	}
}
