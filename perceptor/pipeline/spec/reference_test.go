package spec

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is compared with")

const (
	document = "../../../docs/sync.md"
	begin    = "<!-- keys: written by go test ./perceptor/pipeline/spec -update -->\n"
	end      = "<!-- end of keys -->\n"
)

// The list of keys in the documentation is the one of the parser.
func TestReference(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no place for the keys", document)
	}
	want := before + begin + Reference() + "\n" + end + after
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != want {
		t.Errorf("%s does not tell the keys that there are: run go test ./perceptor/pipeline/spec -update", document)
	}
}

// Each example in the documentation is a file without faults, and each key is told.
func TestDocumentedExamples(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, part := range strings.Split(string(text), "```yaml\n")[1:] {
		example, _, _ := strings.Cut(part, "```")
		if _, err := Parse("example", []byte(example)); err != nil {
			t.Errorf("%v\n%s", err, example)
		}
		n++
	}
	if n < 3 {
		t.Errorf("there are %d examples", n)
	}
	for _, k := range Keys() {
		if k.Doc == "" || !strings.HasSuffix(k.Doc, ".") {
			t.Errorf("%s: %q is no sentence", k.Path, k.Doc)
		}
	}
}
