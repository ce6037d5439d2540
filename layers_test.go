package skein

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/skein-io/skein"

// layers lists every package from the top down, with the reason for its place. A package imports only packages of
// lower rows; packages of one row do not import each other, unless one is a folder of the other.
var layers = []struct {
	packages []string
	reason   string
}{
	{[]string{"cmd/skein"}, "the binary turns flags into values and holds nothing that could be tested or embedded"},
	{[]string{"internal/cli"}, "the commands use the node and its clients; nothing may depend on a command"},
	{[]string{"internal/herd"}, "the bench lets members loose on a real ZooKeeper and on a real node; nothing depends on a bench"},
	{[]string{"internal/tour"}, "the tour plays on real nodes and is shown by a command; nothing depends on a show"},
	{[]string{"examples"}, "programs as users write them; nothing depends on an example"},
	{[]string{"skeintest"}, "a test's node is the real node, started for it"},
	{[]string{"."}, "the node is the only place that builds and connects the parts"},
	{[]string{"internal/console"}, "the console shows what the parts tell"},
	{[]string{"internal/server"}, "connections carry requests to the table of APIs and know nothing of what they mean"},
	{[]string{"internal/api"}, "the table of APIs calls the machinery; the machinery does not know the wire's requests"},
	{[]string{"internal/quorum/migration"}, "a migration knows both forms of the quorum, and neither knows it"},
	{[]string{"internal/coordinator", "internal/partition", "internal/quorum", "internal/controllerlink"}, "machinery: each drives one decision package over a log, or is the way to the one that does, and none drives another"},
	{[]string{"internal/quorum/seat"}, "the controller's seat on a node is the same whatever agrees on its records"},
	{[]string{"internal/commitlog"}, "the log knows files and batches, not who reads or replicates them"},
	{[]string{"internal/peer"}, "the way to another node carries requests and knows nothing of what they mean"},
	{[]string{"internal/oldgroups"}, "the old consumer's groups come out of a ZooKeeper; what they mean is known below"},
	{[]string{"internal/group", "internal/controller", "internal/replica", "internal/quota"}, "decisions are pure: they see values, never machinery"},
	{[]string{"internal/metadata", "internal/logdump"}, "the image of the cluster is a value that every decision may read"},
	{[]string{"internal/config"}, "property names and their values, with reasons a client may be told"},
	{[]string{"perceptor/pipeline"}, "a pipeline puts sources, topics and sinks together as its file says"},
	{[]string{"perceptor"}, "changes go from a topic to whoever wants them, whatever writes them"},
	{[]string{"perceptor/verify", "perceptor/explain"}, "what a table or a row is in source, topic and sink is asked of each of them, and told"},
	{[]string{"perceptor/source"}, "a source joins what tables have and what the binlog tells, and knows no topic"},
	{[]string{"perceptor/snapshot"}, "a snapshot reads what tables have, and knows nothing of events"},
	{[]string{"perceptor/schema"}, "what tables were is decided from what binlogs and catalogs tell"},
	{[]string{"perceptor/hbase", "perceptor/mysql", "perceptor/binlog", "perceptor/envelope", "perceptor/catalog"}, "ways to databases and topics: each knows one other system, and none another"},
	{[]string{"perceptor/internal/server"}, "the connection to a database server carries packets and knows nothing of what events mean"},
	{[]string{"perceptor/binlog/internal/rows"}, "values out of the bytes of rows are values of values"},
	{[]string{"perceptor/binlog/internal/event", "perceptor/binlog/internal/binjson", "perceptor/binlog/internal/gtid"}, "events, documents and ids out of bytes are values of values"},
	{[]string{"perceptor/internal/charset", "perceptor/internal/arena"}, "texts out of bytes, and places for them, are values of values"},
	{[]string{"perceptor/binlog/internal/number"}, "numbers as a database writes them"},
	{[]string{"perceptor/sink"}, "what all places that changes are written to have in common"},
	{[]string{"consumer"}, "the consumer library works against any broker over the wire: of skein it knows the format of batches and nothing else"},
	{[]string{"consumer/internal/link"}, "the way to the brokers carries what the decisions ask for"},
	{[]string{"consumer/internal/membership", "consumer/internal/position", "consumer/internal/parallel"}, "decisions of the consumer are pure: they see values, never connections"},
	{[]string{"consumer/internal/decode", "consumer/internal/backoff", "consumer/assign", "consumer/dedupe"}, "records out of bytes, and assignments out of subscriptions, are values of values"},
	{[]string{"internal/nearest"}, "the name that was meant knows nothing of what is named"},
	{[]string{"perceptor/change"}, "a change, its version and which of two is newer are values"},
	{[]string{"internal/oldconsumer"}, "the old consumer's znodes and what its members decide are values of values"},
	{[]string{"internal/herd/measure", "internal/herd/chart"}, "what a rebalance cost, and its picture, come out of a history"},
	{[]string{"internal/record"}, "batches are bytes with errors that a client may be told"},
	{[]string{"internal/wiretap"}, "connections that are listened to: frames out of bytes, for whoever shows or measures"},
	{[]string{"internal/protocol"}, "the wire's messages and error codes"},
	{[]string{"internal/disk"}, "files, real and simulated"},
	{[]string{"internal/sim"}, "the seeded clock and event heap know nothing of skein"},
}

// pure lists the packages that hold decisions and what they may not reach: a seed must replay them.
var pure = []string{
	"internal/group", "internal/controller", "internal/replica", "internal/quota", "internal/quorum/zookeeper/member",
	"consumer/assign", "consumer/internal/membership", "consumer/internal/position", "consumer/internal/decode", "consumer/internal/parallel",
	"consumer/internal/backoff", "perceptor/change", "perceptor/envelope", "perceptor/pipeline/spec",
	"perceptor/binlog/internal/rows", "perceptor/binlog/internal/event", "perceptor/binlog/internal/binjson", "perceptor/internal/charset", "perceptor/internal/arena",
	"internal/oldconsumer", "internal/herd/measure", "internal/herd/chart",
	"perceptor/binlog/internal/gtid", "perceptor/binlog/internal/number",
}

var impureImports = map[string]string{
	"os": "files are the driver's", "net": "sockets are the driver's", "log": "logging is the driver's",
	"log/slog": "logging is the driver's", "sync": "one goroutine owns a decision", "sync/atomic": "one goroutine owns a decision",
	"crypto/rand": "random ids are inputs", "context": "cancelling is the driver's",
}

var impureCalls = map[string]map[string]bool{
	"time": {"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true, "NewTimer": true, "NewTicker": true, "Tick": true},
}

// rank finds the row of a package: that of the longest path that it is, or lies in.
func rank(path string) (at int, reason string, found bool) {
	longest := 0
	for i, row := range layers {
		for _, p := range row.packages {
			if (path == p || p != "." && strings.HasPrefix(path, p+"/")) && len(p) > longest {
				at, reason, found, longest = i, row.reason, true, len(p)
			}
		}
	}
	return at, reason, found
}

// sourceFiles calls f for each Go file of the module that is not a test.
func sourceFiles(t *testing.T, f func(dir, name string, file *ast.File, fset *token.FileSet)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "out" || name == "test" || name == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		f(filepath.ToSlash(filepath.Dir(path)), path, file, fset)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsGoDown(t *testing.T) {
	sourceFiles(t, func(dir, name string, file *ast.File, _ *token.FileSet) {
		from, reason, ok := rank(dir)
		if !ok {
			t.Errorf("%s: package %s has no place in the layers: give it one, with its reason", name, dir)
			return
		}
		for _, spec := range file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			if path == module {
				path = "."
			} else if rest, inside := strings.CutPrefix(path, module+"/"); inside {
				path = rest
			} else {
				continue
			}
			to, _, ok := rank(path)
			sameTree := strings.HasPrefix(path, dir+"/") || strings.HasPrefix(dir, path+"/")
			// The simulation of the whole stands below internal/sim and imports what it simulates.
			simulation := strings.HasPrefix(dir, "internal/sim/")
			if !ok || to <= from && !sameTree && !simulation {
				t.Errorf("%s imports %s, which is not below it: %s", name, path, reason)
			}
		}
	})
}

func TestDecisionsArePure(t *testing.T) {
	sourceFiles(t, func(dir, name string, file *ast.File, fset *token.FileSet) {
		if !isPure(dir) {
			return
		}
		for _, spec := range file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			if why, no := impureImports[path]; no {
				t.Errorf("%s imports %s: %s", name, path, why)
			}
			if strings.HasPrefix(path, "math/rand") {
				t.Errorf("%s imports %s: random numbers are inputs", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.SelectStmt, *ast.ChanType, *ast.SendStmt:
				t.Errorf("%s: a goroutine or channel in a decision; the driver has those", fset.Position(n.Pos()))
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && impureCalls[pkg.Name][n.Sel.Name] {
					t.Errorf("%s: %s.%s in a decision; time is an input", fset.Position(n.Pos()), pkg.Name, n.Sel.Name)
				}
			}
			return true
		})
	})
}

func isPure(dir string) bool {
	for _, p := range pure {
		if dir == p || strings.HasPrefix(dir, p+"/") {
			return true
		}
	}
	return false
}
