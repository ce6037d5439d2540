package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// exampleRequest has something of everything: comments, a shared struct, a tag, null and defaults of each sort.
const exampleRequest = `// a comment with a "quote
{
  "apiKey": 3, "type": "request", "name": "ExampleRequest", // at the end
  "validVersions": "1-4", "flexibleVersions": "3+",
  "fields": [
    { "name": "GroupId", "type": "string", "versions": "0+", "about": "never // copied" },
    { "name": "Gone", "type": "int32", "versions": "0" },
    { "name": "EpochMs", "type": "int64", "versions": "2+", "default": "-1" },
    { "name": "Items", "type": "[]Item", "versions": "1+", "nullableVersions": "2+", "fields": [
      { "name": "ErrorCode", "type": "int16", "versions": "1+" },
      { "name": "Note", "type": "string", "versions": "1+", "nullableVersions": "1+", "default": "null" }
    ]},
    { "name": "Where", "type": "Place", "versions": "3+", "tag": 0, "taggedVersions": "3+" }
  ],
  "commonStructs": [
    { "name": "Place", "versions": "3+", "fields": [ { "name": "LeaderId", "type": "int32", "versions": "3+", "default": "-1" } ] }
  ]
}`

const exampleResponse = `{ "apiKey": 3, "type": "response", "name": "ExampleResponse", "validVersions": "1-4", "flexibleVersions": "3+",
  "fields": [ { "name": "ErrorCode", "type": "int16", "versions": "0+" } ] }`

const removedRequest = `{ "apiKey": 4, "type": "request", "name": "RemovedRequest", "validVersions": "none" }`

func sourceFolder(t *testing.T, texts ...string) string {
	folder := t.TempDir()
	jar, err := os.Create(filepath.Join(folder, "kafka.jar"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(jar)
	for i, text := range texts {
		w, err := z.Create("common/message/" + string(rune('a'+i)) + ".json")
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := jar.Close(); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestGeneratedText(t *testing.T) {
	specs, err := load([]string{sourceFolder(t, exampleRequest, exampleResponse, removedRequest)})
	if err != nil {
		t.Fatal(err)
	}
	files, err := generate(specs)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
	// Runs of spaces are one: gofmt's columns are not what is tested.
	text := strings.Join(strings.Fields(string(files["example.go"])), " ")
	for _, want := range []string{
		"GroupID string EpochMs int64 // v2+, default -1 Items []ExampleRequestItem // null allowed in v2-4 Where ExampleRequestPlace // v3+, tag 0 }",
		"ErrorCode Code Note *string // null allowed }",
		"*x = ExampleRequest{ EpochMs: -1, Items: []ExampleRequestItem{}, } x.Where.Default() }",
		`if version >= 2 { x.EpochMs = r.int64("EpochMs") } x.Items = array[ExampleRequestItem](r, "Items", flexible, version >= 2, 4)`,
		"case tag == 0 && r.err == nil: x.Where.decode(r, version)",
		"if !x.Where.isDefault() { at := w.beginTag(section, 0) x.Where.encode(w, version) w.endTag(at) }",
		"return x.LeaderID == -1 }",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, files["example.go"])
		}
	}
	if strings.Contains(text, "copied") || strings.Contains(text, "Gone") {
		t.Errorf("a description or a field without versions came through:\n%s", files["example.go"])
	}
	registry := string(files["registry.go"])
	if !strings.Contains(registry, `KeyRemoved: {name: "Removed", highest: -1, flexible: -1}`) {
		t.Errorf("no row for a removed API in\n%s", registry)
	}
}

func TestWriteThenCompare(t *testing.T) {
	out := t.TempDir()
	source := sourceFolder(t, exampleRequest, exampleResponse)
	stale := filepath.Join(out, "stale.go")
	if err := os.WriteFile(stale, []byte(marker+"\npackage protocol\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(out, true, []string{source}); err == nil || !strings.HasSuffix(err.Error(), "\nexample.go\nregistry.go\nstale.go") {
		t.Errorf("compare before write: %v", err)
	}
	if err := run(out, false, []string{source}); err != nil {
		t.Fatal(err)
	}
	if err := run(out, true, []string{source}); err != nil {
		t.Errorf("compare after write: %v", err)
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("the stale file is still there")
	}
	if err := os.WriteFile(filepath.Join(out, "example.go"), []byte("package protocol\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(out, false, []string{source}); err == nil || !strings.Contains(err.Error(), "not a generated file") {
		t.Errorf("over a file written by hand: %v", err)
	}
}

func TestSchemasThatAreRefused(t *testing.T) {
	field := func(text string) string {
		return `{ "type": "data", "name": "Bad", "validVersions": "0-1", "flexibleVersions": "1+", "fields": [` + text + `] }`
	}
	for _, text := range []string{
		field(`{ "name": "A", "type": "int7", "versions": "0+" }`),
		field(`{ "name": "A", "type": "Unknown", "versions": "0+" }`),
		field(`{ "name": "A", "type": "int8", "versions": "0+", "tag": 0, "taggedVersions": "1+" }`),
		field(`{ "name": "A", "type": "S", "versions": "0+", "nullableVersions": "1+", "fields": [] }`),
		`{ "validVersions": "x" }`,
		`not JSON`,
	} {
		specs, err := load([]string{sourceFolder(t, text)})
		if err == nil {
			_, err = generate(specs)
		}
		if err == nil {
			t.Errorf("taken: %s", text)
		}
	}
	changed := strings.Replace(exampleResponse, "1-4", "1-5", 1)
	if _, err := load([]string{sourceFolder(t, exampleResponse), sourceFolder(t, changed)}); err == nil {
		t.Error("two releases were taken together")
	}
	if _, err := load([]string{t.TempDir()}); err == nil {
		t.Error("an empty folder was taken")
	}
}
