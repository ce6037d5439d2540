package oldconsumer

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
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

// TestLiveIDs: a group whose old consumers live is refused, unless it is forced; when they have gone, it is not.
func TestLiveIDs(t *testing.T) {
	bootstrap := skeinAddr(t)
	tr, name, group := plant(t), topic(t, bootstrap, 1, records), groupName()
	tr.offset(group, name, 0, "5")
	id := oldconsumer.IDsPath(group) + "/" + group + "_host-1-abc"
	tr.make(id, string(oldconsumer.FormatID(map[string]int{name: 2})), zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
	file := filepath.Join(t.TempDir(), "offsets.csv")
	for _, more := range [][]string{{"--execute"}, {"--export", file}} {
		code, _, errs := tr.importing(bootstrap, more...)
		if code != 1 || !strings.Contains(errs, "group "+group+" has 1 old consumer alive in ZooKeeper ("+group+"_host-1-abc)") {
			t.Errorf("%v: %d, %s", more, code, errs)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file was written")
	}
	code, out, errs := tr.importing(bootstrap)
	if code != 0 || !strings.Contains(out, "old consumer alive: "+group+"_host-1-abc of "+name+" (2 streams)") || !strings.Contains(errs, "--execute would be refused") {
		t.Error(code, out, errs)
	}
	if now := committed(t, bootstrap, group); len(now) != 0 {
		t.Fatal(now)
	}
	if code, out, errs := tr.importing(bootstrap, "--execute", "--force"); code != 0 {
		t.Fatal(out, errs)
	}
	if now := committed(t, bootstrap, group); now[name][0] != 5 {
		t.Error(now)
	}
	if err := tr.conn.Delete(tr.root+id, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.conn.Set(tr.root+oldconsumer.OffsetPath(group, name, 0), []byte("6"), -1); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := tr.importing(bootstrap, "--execute"); code != 0 {
		t.Fatal(out, errs)
	}
	if now := committed(t, bootstrap, group); now[name][0] != 6 {
		t.Error(now)
	}
}

// TestForbidden: a znode that may not be read is named, and nothing is committed, of no group. Who may read it says so in a file.
func TestForbidden(t *testing.T) {
	bootstrap := skeinAddr(t)
	tr, name, good, group := plant(t), topic(t, bootstrap, 2, records), groupName(), groupName()
	tr.offset(good, name, 0, "5")
	tr.offset(group, name, 0, "5")
	secret := oldconsumer.OffsetPath(group, name, 1)
	tr.make(secret, "6", zk.FlagPersistent, zk.DigestACL(zk.PermAll, "kafka", "secret"))
	code, _, errs := tr.importing(bootstrap, "--execute")
	if code != 1 || !strings.Contains(errs, tr.root+secret+": its ACL does not let this client read it") {
		t.Error(code, errs)
	}
	for _, g := range []string{good, group} {
		if now := committed(t, bootstrap, g); len(now) != 0 {
			t.Errorf("%s: %v", g, now)
		}
	}
	file := filepath.Join(t.TempDir(), "auth")
	for text, want := range map[string]int{"digest:kafka:wrong\n": 1, "digest:kafka:secret\n": 0, "kafka": 1, "nonsense:kafka:secret": 1} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, errs := tr.importing(bootstrap, "--zookeeper-auth-file", file)
		if code != want || strings.Contains(errs, "secret") {
			t.Errorf("%q: %d, %s", text, code, errs)
		}
	}
	if err := os.WriteFile(file, []byte("digest:kafka:secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := tr.importing(bootstrap, "--zookeeper-auth-file", file, "--execute"); code != 0 {
		t.Fatal(out, errs)
	}
	if now := committed(t, bootstrap, group); !maps.Equal(now[name], map[int32]int64{0: 5, 1: 6}) {
		t.Error(now)
	}
}

// TestBadData: znodes that cannot be understood are named, and nothing is committed, of no group.
func TestBadData(t *testing.T) {
	bootstrap := skeinAddr(t)
	for what, bad := range map[string]struct{ path, data, why string }{
		"no number":   {"/offsets/%s/1", "seven", `"seven" is no number that an offset can be`},
		"empty":       {"/offsets/%s/1", "", "it is empty, and should be a number"},
		"negative":    {"/offsets/%s/1", "-3", "-3 is less than 0"},
		"Kafka 0.7":   {"/offsets/%s/0-1", "7", "is a partition of Kafka 0.7"},
		"no JSON":     {"/ids/c1", "orders:2", "is not the JSON that it should be"},
		"other JSON":  {"/ids/c1", `{"version":9}`, "has no subscription"},
		"owner of it": {"/owners/%s/x", "c1-0", `"x" is no partition`},
	} {
		t.Run(what, func(t *testing.T) {
			tr, name, good, group := plant(t), topic(t, bootstrap, 2, 1), groupName(), groupName()
			tr.offset(good, name, 0, "1")
			tr.offset(group, name, 0, "1")
			path := "/consumers/" + group + strings.ReplaceAll(bad.path, "%s", name)
			tr.put(path, bad.data)
			for _, more := range [][]string{{"--execute"}, {"--execute", "--force"}} {
				code, _, errs := tr.importing(bootstrap, more...)
				if code != 1 || !strings.Contains(errs, path+": ") || !strings.Contains(errs, bad.why) {
					t.Errorf("%v: %d, %s", more, code, errs)
				}
			}
			for _, g := range []string{good, group} {
				if now := committed(t, bootstrap, g); len(now) != 0 {
					t.Errorf("%s: %v", g, now)
				}
			}
			if code, out, errs := tr.importing(bootstrap, "--group", good, "--execute"); code != 0 {
				t.Error(out, errs)
			}
		})
	}
}

// TestWrongPlaces: a wrong address, port, chroot or group is told, and nothing hangs.
func TestWrongPlaces(t *testing.T) {
	bootstrap := skeinAddr(t)
	tr := plant(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := free.Addr().String()
	_ = free.Close()
	if err := tr.conn.Delete(tr.root+"/consumers", -1); err != nil {
		t.Fatal(err)
	}
	for zookeeper, why := range map[string]string{
		nobody:        "cannot reach ZooKeeper at " + nobody + ": connection refused",
		bootstrap:     "it accepts connections and gave no session within 3s",
		tr.addr + "x": "has no " + tr.root + "x; is the chroot",
		tr.addr:       "there is no /consumers",
	} {
		code, _, errs := skeinRun("group", "import-zookeeper", "--bootstrap-server", bootstrap, "--zookeeper", zookeeper, "--timeout", "3s", "--execute")
		if code != 1 || !strings.Contains(errs, why) {
			t.Errorf("%s: %d, %s; it should say %q", zookeeper, code, errs, why)
		}
	}
	tr.put("/consumers", "")
	if code, _, errs := tr.importing(bootstrap, "--group", "nobody"); code != 1 || !strings.Contains(errs, "group nobody is not there: ZooKeeper has no /consumers/nobody") {
		t.Error(code, errs)
	}
	if code, out, errs := tr.importing(bootstrap); code != 0 || !strings.Contains(out, "ZooKeeper has no group of an old consumer") {
		t.Error(code, out, errs)
	}
	tr.offset(groupName(), "t", 0, "1")
	if code, _, errs := tr.importing(nobody, "--execute"); code != 1 || !strings.Contains(errs, "cannot reach "+nobody) {
		t.Error(code, errs)
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
