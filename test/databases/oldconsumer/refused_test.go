package oldconsumer

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-zookeeper/zk"

	"github.com/skein-io/skein/internal/oldconsumer"
)

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
