package migration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// TestRefused: what cannot be migrated is refused with what is wrong, and nothing is written.
func TestRefused(t *testing.T) {
	set := func(path, data string) func(*bed) {
		return func(b *bed) {
			a := b.ensemble.Do(&member.Request{Kind: member.Multi, Ops: []member.Op{{Kind: member.SetData, Path: path, Data: []byte(data), Version: member.AnyVersion}}})
			if a.Code != member.OK {
				b.t.Fatal(path, a)
			}
		}
	}
	remove := func(path string) func(*bed) {
		return func(b *bed) {
			a := b.ensemble.Do(&member.Request{Kind: member.Multi, Ops: []member.Op{{Kind: member.Delete, Path: path, Version: member.AnyVersion}}})
			if a.Code != member.OK {
				b.t.Fatal(path, a)
			}
		}
	}
	last := func(b *bed) string { return member.EntryPath(b.head().Offset) }
	for name, c := range map[string]struct {
		spoil func(*bed)
		want  string
	}{
		"an entry that is damaged":          {func(b *bed) { set(last(b), "\x01\x01\x01xx")(b) }, "is damaged: its checksum is another"},
		"an entry that is missing":          {func(b *bed) { remove(last(b))(b) }, "is missing: somebody has removed a part of the cluster's state"},
		"a snapshot's part that is damaged": {func(b *bed) { set(member.SnapshotPart(*b.head().Snapshot, 0), "\x01xxxx")(b) }, "is damaged: its checksum is another"},
		"a snapshot's part that is missing": {func(b *bed) { remove(member.SnapshotPart(*b.head().Snapshot, 0))(b) }, "is missing: somebody has removed"},
		"a head that is no JSON":            {set(member.HeadPath, "x"), "znode /skein/head holds no JSON"},
		"a head of a later version":         {set(member.HeadPath, `{"version":7}`), "this version of skein knows 1 and 2"},
		"a head of another epoch": {func(b *bed) {
			h := b.head()
			set(member.HeadPath, fmt.Sprintf(`{"version":1,"offset":%d,"epoch":%d}`, h.Offset, h.Epoch+1))(b)
		}, "/skein/"},
		"no head":       {remove(member.HeadPath), "belongs to a cluster of Apache Kafka"},
		"no epoch":      {remove(member.EpochPath), "somebody has removed a part of the cluster's state"},
		"no cluster id": {remove(member.ClusterIDPath), "somebody has removed a part of the cluster's state"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, 30)
			b.stop()
			c.spoil(b)
			before := b.snapshot()
			if _, err := Preview(b.options()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the preview says %v; want %q", err, c.want)
			}
			if after := b.snapshot(); after != before {
				t.Error("the preview has changed something")
			}
			if _, err := Run(b.options()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
			if a := b.ensemble.Do(&member.Request{Kind: member.Get, Path: member.HeadPath}); a.Code == member.OK && strings.Contains(string(a.Data), "migrated") {
				t.Error("it is marked")
			}
			if _, err := b.files.Stat("metadata.seed"); err == nil {
				t.Error("there is a file")
			}
		})
	}
	b := newBed(t, 3)
	b.stop()
	for want, change := range map[string]func(*Options){
		"voter 9 is no broker of this cluster, whose brokers are [1 2 3]": func(o *Options) { o.Voters = voters(1, 9) },
		"each voter has an id of its own":                                 func(o *Options) { o.Voters = voters(1, 1) },
		"there is no voter":                                               func(o *Options) { o.Voters = nil },
		"the file there.txt is there already": func(o *Options) {
			o.Out = "there.txt"
			if err := commitlog.ReplaceFile(b.files, ".", o.Out, []byte("mine")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		o := b.options()
		change(&o)
		if _, err := Preview(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the preview says %v; want %q", err, want)
		}
		if _, err := Run(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	if b.head().Migrated != nil {
		t.Error("it is marked")
	}
	empty := newBed(t, 0)
	empty.stop()
	set(member.HeadPath, string(member.FirstHead()))(empty)
	if _, err := Run(empty.options()); err == nil || !strings.Contains(err.Error(), "no metadata yet") {
		t.Errorf("a cluster without metadata: %v", err)
	}
}
