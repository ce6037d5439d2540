package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skein-io/skein"
)

var update = flag.Bool("update", false, "write what commands print into the scripts")

func TestMain(m *testing.M) {
	timeoutDefault = 5 * time.Minute // here, and in the processes of the scripts
	testscript.Main(m, map[string]func(){
		"skein": func() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the commands as a person would, against a real node. Besides testscript's own commands there are:
//
//	node [NAME=VALUE]...        starts a broker; $BOOTSTRAP is its address, $DATA its directory, and if it gives clients
//	                            another address, $REAL is where it listens
//	plain-node [NAME=VALUE]...  starts a broker that looks like another's: nobody is told of skein's own APIs
//	stop-node                   ends it
//	join-node ID [NAME=VALUE].. starts another broker, which joins the cluster of the first
//	deaf                        listens and never answers; $DEAF is the address
//	eventually PATTERN ARG...   runs skein with the arguments again and again until its stdout matches
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Values[scriptNodes{}] = &scriptNode{}
			env.Setenv("GORACE", "atexit_sleep_ms=0") // each command would wait a second for races after its end
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"node": startScriptNode, "plain-node": startPlainNode, "stop-node": stopScriptNode, "join-node": joinScriptNode, "deaf": startDeaf, "eventually": eventually,
		},
	})
}

// scriptNode is the node of a script, which is its value under scriptNodes.
type (
	scriptNode  struct{ *skein.Node }
	scriptNodes struct{}
)

func startScriptNode(ts *testscript.TestScript, _ bool, args []string) {
	dir := filepath.Join(ts.Getenv("WORK"), "data")
	listen := "127.0.0.1:0"
	if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "advertised.listeners=") }) {
		listen = freeAddress(ts) // Bootstrap tells the advertised one
		ts.Setenv("REAL", listen)
	}
	node, err := skein.Open(skein.Config{DataDir: dir, Listen: listen, Set: append([]string{
		"offsets.topic.num.partitions=3", "group.initial.rebalance.delay.ms=0", "log.flush.interval.messages=9223372036854775807"}, args...)})
	ts.Check(err)
	ts.Defer(func() { _ = node.Close() })
	ts.Setenv("BOOTSTRAP", node.Bootstrap())
	ts.Setenv("DATA", dir)
	ts.Value(scriptNodes{}).(*scriptNode).Node = node
}

func joinScriptNode(ts *testscript.TestScript, _ bool, args []string) {
	node, err := skein.Open(skein.Config{DataDir: filepath.Join(ts.Getenv("WORK"), "data-"+args[0]), Listen: "127.0.0.1:0", Set: append([]string{
		"node.id=" + args[0], "controller.quorum.bootstrap.servers=" + ts.Getenv("BOOTSTRAP"),
		"offsets.topic.num.partitions=3", "log.flush.interval.messages=9223372036854775807"}, args[1:]...)})
	ts.Check(err)
	ts.Defer(func() { _ = node.Close() })
}

// startPlainNode starts a broker behind a proxy in which skein's own programs do not say who they are.
func startPlainNode(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	startScriptNode(ts, neg, append([]string{"advertised.listeners=PLAINTEXT://" + l.Addr().String()}, args...))
	real := ts.Getenv("REAL")
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go proxyPlain(in, real)
		}
	}()
}

func proxyPlain(in net.Conn, to string) {
	defer in.Close()
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	go func() {
		_, _ = io.Copy(in, out)
		_ = in.Close()
	}()
	for {
		var length [4]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(in, b); err != nil {
			return
		}
		b = bytes.ReplaceAll(b, []byte("skein-cli"), []byte("other-cli"))
		if _, err := out.Write(append(length[:], b...)); err != nil {
			return
		}
	}
}

func freeAddress(ts *testscript.TestScript) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	return l.Addr().String()
}

func stopScriptNode(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(ts.Value(scriptNodes{}).(*scriptNode).Close())
}

func startDeaf(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv("DEAF", l.Addr().String())
}

func eventually(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	deadline := time.Now().Add(2 * time.Minute)
	for {
		var out, errs bytes.Buffer
		run(context.Background(), args[1:], strings.NewReader(""), &out, &errs)
		if pattern.Match(out.Bytes()) {
			fmt.Fprint(ts.Stdout(), out.String())
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q never matched; the last was\n%s%s", args[0], out.String(), errs.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
}
