package oldgroups

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/skein-io/skein/internal/oldconsumer"
)

// Tree is what Read reads: a Session.
type Tree interface {
	Children(path string) ([]string, error)
	Get(path string) ([]byte, error)
}

// The bounds of what is read.
const (
	askedAtOnce = 32      // requests that wait for an answer
	znodesMax   = 5 << 20 // of all groups together
)

// Names lists the groups that the tree has, in order.
func Names(tree Tree) ([]string, error) {
	names, err := tree.Children(oldconsumer.ConsumersPath)
	if errors.Is(err, ErrNoNode) {
		return nil, fmt.Errorf("there is no %s: no old consumer has ever committed here; is the chroot that of the brokers' zookeeper.connect?", oldconsumer.ConsumersPath)
	}
	slices.Sort(names)
	return names, err
}

// Read reads groups, in the order of their names here. A name that the tree does not have is an error. wanted says which topics'
// offsets and owners are read. What cannot be understood is in Group.Problems, what may not be read is an error. The tree may
// change meanwhile: a znode that goes away is left out, as if it had gone before.
func Read(ctx context.Context, tree Tree, names []string, wanted func(topic string) bool) ([]oldconsumer.Group, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &reading{ctx: ctx, tree: tree, wanted: wanted, room: make(chan struct{}, askedAtOnce)}
	groups := make([]oldconsumer.Group, len(names))
	var wait sync.WaitGroup
	atOnce := make(chan struct{}, askedAtOnce)
	for i, name := range names {
		groups[i].Name = name
		select {
		case atOnce <- struct{}{}:
		case <-ctx.Done():
			continue
		}
		wait.Go(func() {
			defer func() { <-atOnce }()
			if err := r.group(&groups[i]); err != nil {
				cancel(err)
			}
		})
	}
	wait.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return groups, nil
}

// reading is one Read.
type reading struct {
	ctx    context.Context
	tree   Tree
	wanted func(string) bool
	room   chan struct{} // as many as may be asked at once

	mu   sync.Mutex
	seen int // znodes
}

// group reads one group. It is the only one that touches g.
func (r *reading) group(g *oldconsumer.Group) error {
	parts, err := r.children(oldconsumer.ConsumersPath+"/"+g.Name, true)
	if errors.Is(err, ErrNoNode) {
		return fmt.Errorf("group %s is not there: ZooKeeper has no %s/%s", g.Name, oldconsumer.ConsumersPath, g.Name)
	}
	if err != nil {
		return err
	}
	if slices.Contains(parts, "ids") {
		if err := r.each(oldconsumer.IDsPath(g.Name), g.AddID); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		name, path string
		add        func(topic, place string, data []byte)
	}{{"owners", oldconsumer.OwnersPath(g.Name), g.AddOwner}, {"offsets", oldconsumer.OffsetsPath(g.Name), g.AddOffset}} {
		if !slices.Contains(parts, part.name) {
			continue
		}
		topics, err := r.children(part.path, false)
		if err != nil {
			return err
		}
		for _, topic := range topics {
			if !r.wanted(topic) {
				continue
			}
			if err := r.each(part.path+"/"+topic, func(place string, data []byte) { part.add(topic, place, data) }); err != nil {
				return err
			}
		}
	}
	g.Sort()
	return nil
}

// each gives every child of a znode to take, one at a time, in any order.
func (r *reading) each(path string, take func(name string, data []byte)) error {
	names, err := r.children(path, false)
	if err != nil {
		return err
	}
	var (
		wait  sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	for _, name := range names {
		wait.Add(1)
		r.room <- struct{}{}
		go func() {
			defer wait.Done()
			defer func() { <-r.room }()
			if r.ctx.Err() != nil {
				return
			}
			data, err := r.tree.Get(path + "/" + name)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, ErrNoNode): // it went away
			case err != nil && first == nil:
				first = err
			case err == nil:
				take(name, data)
			}
		}()
	}
	wait.Wait()
	return first
}

// children lists the names below a znode, none if it is not there, unless it must be.
func (r *reading) children(path string, must bool) ([]string, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	names, err := r.tree.Children(path)
	if errors.Is(err, ErrNoNode) && !must {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen += len(names); r.seen > znodesMax {
		return nil, fmt.Errorf("the groups have more than %d znodes; import fewer of them at once", znodesMax)
	}
	return names, nil
}
