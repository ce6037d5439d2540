package pipeline

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

const adoptSource = `name: shop
brokers: {addresses: "x:1"}
source: {connector: mariadb, address: "x:1", user: u, server-id: 7, tables: ["shop.*"]}
sink: {type: hbase, zookeeper: "x:1", tables: ["shop.*"]}
`

// The epoch of adopted rows is that of the changes that they are compared with.
func TestAdoptEpoch(t *testing.T) {
	kept := func(name, epoch string) *kgo.Record {
		return &kgo.Record{Topic: "skein.positions", Key: []byte(name), Value: []byte(`{"epoch":` + epoch + `,"file":"b.1"}`)}
	}
	foreign := strings.Replace(oneSinkFile, "sink:", "read: {READ}\nsink:", 1)
	for name, test := range map[string]struct {
		file  string
		kept  []*kgo.Record
		want  uint32
		wrong string
	}{
		"a source that never ran":          {file: adoptSource, want: 1},
		"a source":                         {file: adoptSource, kept: []*kgo.Record{kept("shop", "1"), kept("other", "9"), kept("shop", "4")}, want: 4},
		"nobody's topics":                  {file: oneSinkFile},
		"another file's source":            {file: oneSinkFile, kept: []*kgo.Record{kept("other", "9")}, want: 9},
		"sources that do not agree":        {file: oneSinkFile, kept: []*kgo.Record{kept("other", "9"), kept("another", "8")}, wrong: "in different epochs"},
		"topics of others":                 {file: strings.Replace(strings.Replace(foreign, "READ", "topics: t, epoch: 3", 1), "shop.*", "shop.a", 1), want: 3},
		"ordered without a time":           {file: strings.Replace(foreign, "READ", "order: offset, epoch: 3", 1), want: 2},
		"ordered without a time, at first": {file: strings.Replace(foreign, "READ", "order: offset", 1), wrong: "let read.epoch be 1 or more"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, test.file, func(b *bed) {
				if len(test.kept) > 0 {
					b.topic("skein.positions")
					for _, r := range test.kept {
						b.raw(r)
					}
				}
				got, err := AdoptEpoch(b.Context(), b.c, kgo.Dialer(b.node.Dial))
				if got != test.want || (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
					t.Errorf("%d, %v", got, err)
				}
			})
		})
	}
}
