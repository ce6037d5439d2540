package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// normal is an answer as one line of JSON without what must differ between two
// brokers.
func normal(resp kmsg.Response, start time.Time) string {
	raw, err := json.Marshal(resp)
	if err != nil {
		return err.Error()
	}
	var tree any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return err.Error()
	}
	return text(replace("", tree, start))
}

var (
	dropped = []string{"Version", "ThrottleMillis", "UnknownTags"}
	nodes   = []string{"NodeID", "Leader", "ControllerID", "Replicas", "ISR", "CurrentLeaderID", "BrokerID", "LeaderID", "PreferredReadReplica"}
	places  = []string{"Host", "Port", "ClusterID", "LogDir", "Dir", "ClientHost", "UsableBytes", "TotalBytes"}
	ids     = []string{"TopicID"}
	uuid    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// replace walks over an answer. name is the field that holds the value.
func replace(name string, value any, start time.Time) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			if slices.Contains(dropped, key) {
				delete(v, key)
				continue
			}
			v[key] = replace(key, v[key], start)
		}
		return v
	case []any:
		return replaceList(name, v, start)
	case json.Number:
		return replaceNumber(name, v, start)
	case string:
		return replaceText(name, v)
	}
	return value
}

func replaceList(name string, list []any, start time.Time) any {
	if slices.Contains(ids, name) {
		for _, b := range list {
			if b != json.Number("0") {
				return "<id>"
			}
		}
		return "<no id>"
	}
	for i := range list {
		list[i] = replace(name, list[i], start)
	}
	slices.SortStableFunc(list, func(a, b any) int { return strings.Compare(orderOf(a), orderOf(b)) })
	return list
}

// orderOf is what the elements of a list are sorted by, where the order means
// nothing: the field that names the element.
func orderOf(element any) string {
	fields, _ := element.(map[string]any)
	for _, key := range []string{"Partition", "Topic", "Name", "ResourceName", "Group", "Key"} {
		if value, ok := fields[key]; ok {
			return text(value)
		}
	}
	return ""
}

func replaceNumber(name string, n json.Number, start time.Time) any {
	value, err := n.Int64()
	if err != nil {
		return n
	}
	switch {
	case slices.Contains(nodes, name) && value >= 0, name == "ProducerID" && value >= 0:
		return "<" + name + ">"
	case slices.Contains(places, name):
		return "<" + name + ">"
	case value > start.Add(-time.Hour).UnixMilli() && value < start.Add(time.Hour).UnixMilli():
		return "<now>"
	}
	return n
}

func replaceText(name, text string) any {
	switch {
	case slices.Contains(places, name) && text != "":
		return "<" + name + ">"
	case name == "ErrorMessage":
		return "<text>"
	case name == "RecordBatches":
		return describeBatches(text)
	case name == "MemberID" || name == "LeaderID" || name == "Leader":
		return uuid.ReplaceAllString(text, "<uuid>")
	}
	return text
}
