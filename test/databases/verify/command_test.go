package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein"
	"github.com/skein-io/skein/internal/cli"
	"github.com/skein-io/skein/perceptor/pipeline"
	"github.com/skein-io/skein/test/services"
)

// command runs a command of the binary to its end.
func command(t testing.TB, args ...string) (out, errs string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Main(args, strings.NewReader(""), &stdout, &stderr)
	return stdout.String(), stderr.String(), code
}

// A pipeline runs, from the source through a broker into a sink; the commands tell of it what is true, and repair it.
func TestCommands(t *testing.T) {
	node, err := skein.Open(skein.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Set: []string{"offsets.topic.num.partitions=1", "group.initial.rebalance.delay.ms=0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = node.Close() }()
	db, copied := database(t), database(t)
	definition := ".stock (id INT PRIMARY KEY, item VARCHAR(20), n INT)"
	exec(t, "CREATE TABLE "+db+definition, "CREATE TABLE "+copied+definition)
	file := filepath.Join(t.TempDir(), "pipeline.yaml")
	text := fmt.Sprintf(`name: p
brokers: {addresses: ["%s"]}
topics: {prefix: p, partitions: 3}
source:
  connector: mariadb
  address: %s
  user: %s
  password: {file: password}
  server-id: %d
  tables: [%s.stock]
  snapshot: never
sinks:
  - type: mysql
    name: copy
    address: %[2]s
    user: %[3]s
    password: {file: password}
    database: %[6]s
    layout: side-table
    tables: [%[5]s.stock]
`, node.Bootstrap(), maria.Addr(), services.MariaDBUser, 3000+replicas.Add(1), db, copied)
	for name, content := range map[string]string{file: text, filepath.Join(filepath.Dir(file), "password"): services.MariaDBPassword} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := pipeline.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- pipeline.Run(ctx, loaded, pipeline.Options{}) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	table := db + ".stock"
	// Until the source reads, changes are not of the pipeline: write until one of them arrives.
	for deadline, id := time.Now().Add(patience), 100; number(t, "SELECT COUNT(*) FROM "+copied+".stock") == 0; id++ {
		if time.Now().After(deadline) {
			t.Fatal("nothing arrives")
		}
		exec(t, fmt.Sprintf("INSERT INTO %s VALUES (%d, 'first', 0)", table, id))
		time.Sleep(100 * time.Millisecond)
	}
	exec(t, "DELETE FROM "+table, "INSERT INTO "+table+" VALUES (1, 'nut', 5), (2, 'bolt', 6), (3, 'cog', 7)", "UPDATE "+table+" SET n = 4 WHERE id = 1", "DELETE FROM "+table+" WHERE id = 3")
	verifyIt := func(more ...string) (reports []struct {
		Missing, Extra, Different, InFlight, Repaired int
		Differences                                   []struct{ Key, Kind, Repair string }
	}, code int) {
		t.Helper()
		out, errs, code := command(t, append([]string{"sync", "verify", file, table, "-o", "json", "--wait", "2m"}, more...)...)
		if errs != "" {
			t.Fatalf("%s\n%s", errs, out)
		}
		if err := json.Unmarshal([]byte(out), &reports); err != nil || len(reports) != 1 {
			t.Fatalf("%v: %s", err, out)
		}
		return reports, code
	}
	// Rows from before the pipeline read are real differences, if the sink never had them and they were not deleted: there are none.
	if found, code := verifyIt(); code != 0 || len(found[0].Differences) > 0 || found[0].InFlight > 0 {
		t.Fatalf("a copy that is right: exit code %d, %+v", code, found)
	}
	exec(t, "UPDATE "+copied+".stock SET n = 99 WHERE id = 1", "DELETE FROM "+copied+".stock WHERE id = 2", "INSERT INTO "+copied+".stock VALUES (8, 'extra', 1)")
	if found, code := verifyIt(); code != 1 || found[0].Missing != 1 || found[0].Extra != 1 || found[0].Different != 1 {
		t.Errorf("exit code %d, %+v", code, found)
	}
	out, errs, code := command(t, "sync", "explain", file, table, "1")
	for _, want := range []string{"create", "update", "the sink has the newest change, but 1 of its columns are not what the source has"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("explain: exit code %d, no %q: %s%s", code, want, out, errs)
		}
	}
	if out, errs, code := command(t, "sync", "explain", file, table, "id=3"); code != 0 || !strings.Contains(out, "the sink has the newest change, and its data are the source's") || !strings.Contains(out, "has the row as deleted") {
		t.Errorf("explain: exit code %d: %s%s", code, out, errs)
	}
	if found, code := verifyIt("--repair"); code != 0 || found[0].Repaired != 3 {
		t.Errorf("exit code %d, %+v", code, found)
	}
	if found, code := verifyIt(); code != 0 || len(found[0].Differences) > 0 {
		t.Errorf("repaired: exit code %d, %+v", code, found)
	}
	if out, _, _ := command(t, "sync", "explain", file, table, "1"); !strings.Contains(out, "the sink's row is of a repair that is newer than every change in the topic, and its data are the source's") {
		t.Errorf("explain: %s", out)
	}
	exec(t, "UPDATE "+table+" SET n = 3 WHERE id = 1") // the next change wins
	if found, code := verifyIt(); code != 0 || len(found[0].Differences) > 0 {
		t.Errorf("after a change: exit code %d, %+v", code, found)
	}
	out, errs, code = command(t, "sync", "tail", file, table, "--from-beginning", "--max", "3", "-o", "json")
	if code != 0 || strings.Count(out, "\n") != 3 || !strings.Contains(out, `"op":"create"`) {
		t.Errorf("tail: exit code %d: %s%s", code, out, errs)
	}
	for _, wrong := range [][]string{{"verify", file, "shop.none"}, {"explain", file, table, "x"}, {"verify", file, table, "--sink", "none"}, {"tail", file, "stock"}, {"verify", file}} {
		if out, errs, code := command(t, append([]string{"sync"}, wrong...)...); code == 0 || errs == "" {
			t.Errorf("%v: exit code %d: %s%s", wrong, code, out, errs)
		}
	}
}
