package controller

import (
	"strconv"

	"github.com/skein-io/skein/internal/metadata"
)

// The configurations that decide who may lead.
const (
	// uncleanElection lets a replica outside the ISR lead, and lose records by it.
	uncleanElection = "unclean.leader.election.enable"
	// inSyncMin is how many replicas must be in sync for a record to be committed.
	inSyncMin = "min.insync.replicas"
)

// topicRules is what the configuration says of elections in one topic.
type topicRules struct {
	unclean bool // a replica outside the ISR may lead if none in it can
	elr     bool // eligible leader replicas are kept (KIP-966)
	minISR  int  // 1 or more
}

// topicRulesOf finds the rules of topics in an image. What holds for all of them is looked up once.
type topicRulesOf struct {
	image   *metadata.Image
	general topicRules
}

// rules is the configuration of topics as an image has it: what the topic says, else this node's broker, else the default
// of all brokers, else what the broker started with, as Kafka looks for it. With eligible leader replicas
// min.insync.replicas of a single broker does not count: leaders on different brokers must mean the same.
func (c *Controller) rules(image *metadata.Image) topicRulesOf {
	r := c.defaults
	r.elr = image.Feature(metadata.FeatureELR) > 0
	own := image.Config(metadata.Resource{Type: metadata.BrokerResource, Name: c.config.Self.String()})
	general := image.Config(metadata.ClusterDefault)
	r.overlay(general)
	if r.elr {
		own = own.Without(inSyncMin)
	}
	r.overlay(own)
	return topicRulesOf{image, r}
}

func (s topicRulesOf) of(topic string) topicRules {
	r := s.general
	r.overlay(s.image.Config(metadata.Resource{Type: metadata.TopicResource, Name: topic}))
	return r
}

// overlay takes what a stronger configuration sets.
func (r *topicRules) overlay(set *metadata.ConfigSet) {
	if v, ok := set.Get(uncleanElection); ok {
		r.unclean = v == "true"
	}
	if v, ok := set.Get(inSyncMin); ok {
		if n, err := strconv.Atoi(v); err == nil && n > 0 {
			r.minISR = n
		}
	}
}

// defaultRules are those of a topic when nothing is set in the image.
func defaultRules(rules ConfigRules) topicRules {
	r := topicRules{minISR: 1}
	if rules == nil {
		return r
	}
	var set *metadata.ConfigSet
	for _, name := range []string{uncleanElection, inSyncMin} {
		if v, ok := rules.Default(metadata.TopicResource, name); ok {
			set = set.With(name, v)
		}
	}
	r.overlay(set)
	return r
}
