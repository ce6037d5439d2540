package oldconsumer

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/internal/oldconsumer"
)

const records = 20

// firsts reads until each of the partitions has given a record: the offset of the first of each.
func firsts(t *testing.T, want map[int32]int64, read func(ctx context.Context, take func(partition int32, offset int64)) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	got := map[int32]int64{}
	for len(got) < len(want) {
		err := read(ctx, func(p int32, offset int64) {
			if _, some := got[p]; !some {
				got[p] = offset
			}
		})
		if err != nil {
			t.Fatalf("%v; so far %v", err, got)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the first records have the offsets %v, not %v", got, want)
	}
}

// TestImport: what old consumers committed is committed to the coordinator, shown before and verified after, and consumers go on exactly
// there. The tree stays as it was.
func TestImport(t *testing.T) {
	brokers(t, func(t *testing.T, bootstrap string) {
		tr, name, other := plant(t), topic(t, bootstrap, 3, records), topic(t, bootstrap, 1, records)
		ours, franz := groupName(), groupName()
		for _, group := range []string{ours, franz} {
			tr.put(oldconsumer.IDsPath(group), "")
			tr.put(oldconsumer.OwnerPath(group, name, 1), group+"_host-1396441341293-91b5d0ab-0")
			for p, offset := range []string{"0", "7", "19"} {
				tr.offset(group, name, int32(p), offset)
			}
		}
		tr.offset(ours, other, 0, "40") // beyond the end
		tr.offset(ours, other, 9, "3")  // no such partition
		tr.offset(ours, "gone", 0, "3") // no such topic
		before := tr.all()

		code, out, errs := tr.importing(bootstrap, "--group", ours)
		if code != 0 || !strings.Contains(errs, "nothing is changed yet: --execute does it") {
			t.Fatal(code, out, errs)
		}
		for _, line := range []string{
			`^group ` + ours + `: 6 offsets of ZooKeeper, 0 records will be read again, 0 skipped$`,
			`^` + name + ` +0 +0 +- +0 +0 +20 +- +goes on there$`,
			`^` + name + ` +1 +7 +- +7 +0 +20 +` + ours + `_host-1396441341293-91b5d0ab-0 +goes on there$`,
			`^` + other + ` +0 +40 +- +20 +0 +20 +- +no record is read again or skipped; clamped: 40 is beyond the log end$`,
			`^left out: gone-0 at 3: the brokers have no such topic$`,
			`^left out: ` + other + `-9 at 3: the topic has 1 partition$`,
		} {
			if !regexp.MustCompile(`(?m)` + line).MatchString(out) {
				t.Errorf("no line is like %s:\n%s", line, out)
			}
		}
		if now := committed(t, bootstrap, ours); len(now) != 0 {
			t.Fatalf("a preview has committed %v", now)
		}

		code, out, errs = tr.importing(bootstrap, "--group", ours, "--group", franz, "--execute")
		if code != 0 || strings.Count(out, "imported and verified") != 2 {
			t.Fatal(code, out, errs)
		}
		want := map[int32]int64{0: 0, 1: 7, 2: 19}
		if now := committed(t, bootstrap, ours); !maps.Equal(now[name], want) || now[other][0] != 20 || len(now) != 2 || len(now[other]) != 1 {
			t.Errorf("%v", now)
		}
		c, err := consumer.New(t.Context(), consumer.Brokers(bootstrap), consumer.Group(ours), consumer.ResetTo(consumer.None))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close(context.Background()) }()
		if err := c.Subscribe(name); err != nil {
			t.Fatal(err)
		}
		firsts(t, want, func(ctx context.Context, take func(int32, int64)) error {
			batch, err := c.Poll(ctx)
			for r := range batch.All() {
				take(r.Partition, r.Offset)
			}
			return err
		})
		k, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(franz), kgo.ConsumeTopics(name), kgo.ConsumeResetOffset(kgo.NoResetOffset()))
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		firsts(t, want, func(ctx context.Context, take func(int32, int64)) error {
			fetches := k.PollFetches(ctx)
			fetches.EachRecord(func(r *kgo.Record) { take(r.Partition, r.Offset) })
			return fetches.Err0()
		})
		if after := tr.all(); after != before {
			t.Errorf("the tree was\n%s\nand is\n%s", before, after)
		}

		// Members of today would undo it.
		code, _, errs = tr.importing(bootstrap, "--group", ours, "--execute")
		if code != 1 || !strings.Contains(errs, "group "+ours+" is Stable and has 1 member") || !strings.Contains(errs, "whose commits would undo the import") {
			t.Error(code, errs)
		}
	})
}

// TestImportOver: where the coordinator has offsets already, it is told how many records that sets back or forward.
func TestImportOver(t *testing.T) {
	bootstrap := skeinAddr(t)
	tr, name, group := plant(t), topic(t, bootstrap, 2, records), groupName()
	if code, out, errs := skeinRun("group", "reset", group, "--bootstrap-server", bootstrap, "--topic", name, "--to-offset", "10", "--execute"); code != 0 {
		t.Fatal(out, errs)
	}
	tr.offset(group, name, 0, "4")
	tr.offset(group, name, 1, "15")
	code, out, errs := tr.importing(bootstrap, "--execute", "-o", "json")
	var imports []struct {
		Group              string
		Executed           bool
		ReadAgain, Skipped int64
	}
	if err := json.Unmarshal([]byte(out), &imports); err != nil || code != 0 {
		t.Fatal(code, out, errs, err)
	}
	if len(imports) != 1 || !imports[0].Executed || imports[0].ReadAgain != 6 || imports[0].Skipped != 5 || imports[0].Group != group {
		t.Errorf("%+v", imports)
	}
}

// TestImportTopics: only what is wanted is read.
func TestImportTopics(t *testing.T) {
	bootstrap := skeinAddr(t)
	tr, one, two, group := plant(t), topic(t, bootstrap, 1, records), topic(t, bootstrap, 1, records), groupName()
	tr.offset(group, one, 0, "3")
	tr.offset(group, two, 0, "not read")
	if code, out, errs := tr.importing(bootstrap, "--topics", one, "--execute"); code != 0 {
		t.Fatal(out, errs)
	}
	if now := committed(t, bootstrap, group); len(now) != 1 || now[one][0] != 3 {
		t.Error(now)
	}
}

// TestExport: what is exported, group reset takes.
func TestExport(t *testing.T) {
	bootstrap := skeinAddr(t)
	tr, name, group := plant(t), topic(t, bootstrap, 2, records), groupName()
	tr.offset(group, name, 0, "3")
	tr.offset(group, name, 1, "11")
	file := filepath.Join(t.TempDir(), "offsets.csv")
	if code, out, errs := tr.importing(bootstrap, "--group", group, "--export", file); code != 0 {
		t.Fatal(out, errs)
	}
	if now := committed(t, bootstrap, group); len(now) != 0 {
		t.Fatal(now)
	}
	if code, out, errs := skeinRun("group", "reset", group, "--bootstrap-server", bootstrap, "--from-file", file, "--execute"); code != 0 {
		t.Fatal(out, errs)
	}
	if now := committed(t, bootstrap, group); !maps.Equal(now[name], map[int32]int64{0: 3, 1: 11}) {
		t.Error(now)
	}
}

// TestThousandGroups: all groups of a tree at once.
func TestThousandGroups(t *testing.T) {
	brokers(t, func(t *testing.T, bootstrap string) {
		const groups, partitions = 1000, 3
		tr, name := plant(t), topic(t, bootstrap, partitions, records)
		prefix := groupName()
		for g := range groups {
			for p := range int32(partitions) {
				tr.offset(fmt.Sprintf("%s-%03d", prefix, g), name, p, fmt.Sprint((g+int(p))%(records+1)))
			}
		}
		code, out, errs := tr.importing(bootstrap, "--execute")
		if n := strings.Count(out, "imported and verified"); code != 0 || n != groups {
			t.Fatalf("%d groups were imported, exit code %d: %s", n, code, errs)
		}
		for _, g := range []int{0, 1, 499, 500, 998, 999} {
			want := map[int32]int64{}
			for p := range int32(partitions) {
				want[p] = int64((g + int(p)) % (records + 1))
			}
			if now := committed(t, bootstrap, fmt.Sprintf("%s-%03d", prefix, g)); !maps.Equal(now[name], want) {
				t.Errorf("group %d: %v, not %v", g, now, want)
			}
		}
	})
}
