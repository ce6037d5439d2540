package controller

import (
	"strconv"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// sets says whether records change a name of some configuration.
func sets(records []metadata.Record, name string) bool {
	for _, r := range records {
		if config, ok := r.(*protocol.ConfigRecord); ok && config.Name == name {
			return true
		}
	}
	return false
}

// beforeConfig proposes what must be true before a change of configuration is: where the ISR is large enough by the new
// min.insync.replicas, more can be committed at once, and the eligible replicas will lack it.
func (c *Controller) beforeConfig(records []metadata.Record, effects *Effects) {
	if !sets(records, inSyncMin) {
		return
	}
	after, _, err := metadata.Apply(c.image, records)
	if err != nil {
		return // propose finds the same, and tells more
	}
	c.proposeAll(c.eligible(after), effects)
}

// afterConfig proposes what a change of configuration makes possible: leaders where an unclean election is allowed now.
func (c *Controller) afterConfig(records []metadata.Record, effects *Effects) {
	if sets(records, uncleanElection) {
		c.proposeAll(c.leaderless(), effects)
	}
}

// oneInSyncMin gives the cluster one min.insync.replicas, on which eligible leader replicas rest: it is written down, lest
// one controller's file says less than that of the next, and no broker has its own.
func (c *Controller) oneInSyncMin() []metadata.Record {
	var records []metadata.Record
	for r, set := range c.image.ConfigResources() {
		if _, set := set.Get(inSyncMin); set && r.Type == metadata.BrokerResource && r != metadata.ClusterDefault {
			records = append(records, metadata.ConfigRecord(r, inSyncMin, nil))
		}
	}
	if _, set := c.image.Config(metadata.ClusterDefault).Get(inSyncMin); !set {
		value := strconv.Itoa(c.defaults.minISR)
		records = append(records, metadata.ConfigRecord(metadata.ClusterDefault, inSyncMin, &value))
	}
	return records
}

// checkInSyncMin keeps it so, as Kafka does.
func (c *Controller) checkInSyncMin(resource metadata.Resource, before, after *metadata.ConfigSet) error {
	if resource.Type != metadata.BrokerResource || c.image.Feature(metadata.FeatureELR) == 0 {
		return nil
	}
	_, had := before.Get(inSyncMin)
	_, has := after.Get(inSyncMin)
	switch {
	case resource.Name != "" && has:
		return protocol.Fail(protocol.InvalidConfig, "%s of a single broker cannot be set while eligible leader replicas are in use", inSyncMin)
	case resource.Name == "" && had && !has:
		return protocol.Fail(protocol.InvalidConfig, "%s of the cluster cannot be removed while eligible leader replicas are in use", inSyncMin)
	}
	return nil
}
