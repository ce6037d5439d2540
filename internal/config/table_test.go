package config

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// facts reads a table of testdata.
func facts(t *testing.T, name string) [][]string {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimRight(line, "\n"); line != "" && line[0] != '#' {
			rows = append(rows, strings.Split(line, "\t"))
		}
	}
	return rows
}

// dynamicOnly are properties of brokers that Kafka has no table for: it takes them as dynamic configurations alone.
var dynamicOnly = []string{"leader.replication.throttled.rate", "follower.replication.throttled.rate", "replica.alter.log.dirs.io.max.bytes.per.second"}

// fixedHere are properties that Kafka changes while it runs, and skein does not.
var fixedHere = []string{"listeners", "listener.security.protocol.map"}

func TestEveryNameOfKafkaIsKnownWithItsTypeAndDefault(t *testing.T) {
	registries := map[string]*Registry{"broker": BrokerProperties, "topic": TopicProperties, "group": GroupProperties}
	known := map[string]map[string]bool{"broker": {}, "topic": {}, "group": {}}
	for _, row := range facts(t, "kafka-4.3.1.tsv") {
		area, name, kind, def, mode := row[0], row[1], row[2], row[3], row[4]
		known[area][name] = true
		p, ok := registries[area].Lookup(name)
		if !ok {
			t.Errorf("%s %s is missing", area, name)
			continue
		}
		ours := p.DefaultText()
		if p.Kafka != nil {
			if *p.Kafka == ours {
				t.Errorf("%s %s: a difference is noted where there is none", area, name)
			}
			ours = *p.Kafka
		}
		if ours != def || p.Type.String() != kind {
			t.Errorf("%s %s is %s %q here, and %s %q in Kafka", area, name, p.Type, ours, kind, def)
		}
		if area == "broker" && p.Mode.String() != mode && !slices.Contains(fixedHere, name) {
			t.Errorf("%s changes %s here, and %s in Kafka", name, p.Mode, mode)
		}
		if p.Own {
			t.Errorf("%s %s is Kafka's, not our own", area, name)
		}
	}
	for area, r := range registries {
		for _, p := range r.All() {
			if !known[area][p.Name] && !p.Own && p.Name != "super.users" && p.Name != "allow.everyone.if.no.acl.found" &&
				!slices.Contains(dynamicOnly, p.Name) && !slices.Contains(before4, p.Name) {
				t.Errorf("%s %s is not Kafka's and not marked as our own", area, p.Name)
			}
		}
	}
}

func TestSynonymsOfTopicPropertiesAreKafkas(t *testing.T) {
	for _, row := range facts(t, "kafka-4.3.1-synonyms.tsv") {
		p, ok := TopicProperties.Lookup(row[0])
		if !ok || strings.Join(p.Synonyms, ",") != row[1] {
			t.Errorf("%s has the synonyms %v, want %s", row[0], p.Synonyms, row[1])
		}
	}
}

func TestEveryRowStands(t *testing.T) {
	for _, r := range []*Registry{BrokerProperties, TopicProperties, GroupProperties} {
		for _, p := range r.All() {
			if p.Doc == "" {
				t.Errorf("%s %s has no doc", r.Area, p.Name)
			}
			if p.Default != nil {
				if _, err := p.Parse(*p.Default); err != nil && p.Effect != NoEffect {
					t.Errorf("%s %s: its default %q %v", r.Area, p.Name, *p.Default, err)
				}
			}
			for _, name := range p.Synonyms {
				if _, ok := BrokerProperties.Lookup(name); !ok {
					t.Errorf("%s %s has the synonym %s, which nobody knows", r.Area, p.Name, name)
				}
			}
		}
	}
}

// before4 are Kafka's until it gave up ZooKeeper, with the defaults of 3.9.
var before4 = []string{"zookeeper.connect", "zookeeper.session.timeout.ms", "zookeeper.connection.timeout.ms"}

// resolvedByHand are the used properties whose field is not filled by its tag.
var resolvedByHand = []string{"broker.id", "log.dir", "controller.quorum.voters", "zookeeper.connect", "listeners", "advertised.listeners",
	"listener.security.protocol.map", "inter.broker.listener.name", "controller.listener.names",
	"max.connections.per.ip.overrides"}

func TestEveryUsedPropertyHasAField(t *testing.T) {
	bound := map[string]bool{}
	for _, name := range resolvedByHand {
		bound[name] = true
	}
	addTags := func(structType reflect.Type) {
		for i := range structType.NumField() {
			bound[structType.Field(i).Tag.Get(bindTag)] = true
		}
	}
	addTags(reflect.TypeFor[Broker]())
	addTags(reflect.TypeFor[Topic]())
	inherited := map[string]bool{}
	for _, p := range TopicProperties.All() {
		if p.Effect != NoEffect && !bound[p.Name] {
			t.Errorf("topic property %s is used and has no field", p.Name)
		}
		for _, name := range p.Synonyms {
			inherited[name] = true
		}
	}
	for _, p := range BrokerProperties.All() {
		if p.Effect != NoEffect && !bound[p.Name] && !inherited[p.Name] {
			t.Errorf("broker property %s is used and has no field", p.Name)
		}
		if p.Effect == NoEffect && bound[p.Name] && !inherited[p.Name] {
			t.Errorf("broker property %s has a field and no effect", p.Name)
		}
	}
}
