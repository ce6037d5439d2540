package tour

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Source is where the evidence of a Fact comes from.
type Source string

const (
	// Wire is what the broker answered a client, or what it holds for anybody to read.
	Wire Source = "wire"
	// Client is what the consumer library told its application.
	Client Source = "client"
	// Recorder is the flight recorder of the coordinator. Only skein has one.
	Recorder Source = "recorder"
	// Disk is what nodes of this process did to their files, watched from below.
	Disk Source = "disk"
	// Model is a model of ZooKeeper in memory, with old consumers on it.
	Model Source = "model"
	// Rule is skein's own code, called by the scene: the rule by which a change is newer, and what sinks write.
	Rule Source = "rule"
)

// Fact is something that must hold, with what was found. Got and Want are plain values: JSON shows them.
type Fact struct {
	Step   string `json:"step"`
	Name   string `json:"name"`
	Source Source `json:"source"`
	Got    any    `json:"got"`
	Want   any    `json:"want"`
	OK     bool   `json:"ok"`
	// Text says it in the language of the run.
	Text string `json:"text"`
}

// fact compares what was found with what must be. Its words are fact.SCENE.NAME, with got as %[1]v and more after it.
func (a *Act) fact(source Source, name string, got, want any, more ...any) {
	a.facts = append(a.facts, Fact{Step: a.step, Name: name, Source: source, Got: got, Want: want, OK: reflect.DeepEqual(got, want),
		Text: a.words.Say("fact."+a.scene+"."+name, append([]any{plainly(got)}, more...)...)})
}

// plainly is a value as it stands in a sentence: lists and maps without Go's brackets.
func plainly(v any) any {
	r := reflect.ValueOf(v)
	var parts []string
	switch r.Kind() {
	case reflect.Slice:
		for i := range r.Len() {
			parts = append(parts, fmt.Sprint(plainly(r.Index(i).Interface())))
		}
	case reflect.Map:
		for _, key := range r.MapKeys() {
			parts = append(parts, fmt.Sprintf("%v: %v", key, plainly(r.MapIndex(key).Interface())))
		}
		slices.Sort(parts)
		return strings.Join(parts, ", ")
	default:
		return v
	}
	return strings.Join(parts, " ")
}

// table adds rows to the evidence. Each cell of the header is a key of the words.
func (a *Act) table(header []string, rows [][]string) {
	said := make([]string, len(header))
	for i, key := range header {
		said[i] = a.words.Say("table." + key)
	}
	a.tables = append(a.tables, Table{Header: said, Rows: rows})
}
