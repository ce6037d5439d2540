// Package metrics shows a consumer to Prometheus.
//
//	prometheus.MustRegister(metrics.Of(c))
package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/skein-io/skein/consumer"
)

// Of makes a collector of a consumer's Stats. It reads them when it is asked and asks no broker. Safe for concurrent
// use; it goes on after Close with what was last true.
func Of(c *consumer.Consumer) prometheus.Collector {
	s := c.Stats()
	m := &collector{c: c}
	labels := prometheus.Labels{"group": s.Group, "client_id": s.ClientID}
	desc := func(name, help string, variable ...string) *prometheus.Desc {
		return prometheus.NewDesc("skein_consumer_"+name, help, variable, labels)
	}
	counter := func(name, help string, value func(consumer.Stats) uint64) {
		m.counters = append(m.counters, counted{desc(name, help), value})
	}
	counter("polls_total", "Calls of Poll that returned records.", func(s consumer.Stats) uint64 { return s.Polls })
	counter("records_total", "Records that Poll returned.", func(s consumer.Stats) uint64 { return s.Records })
	counter("bytes_total", "Bytes of keys and values that Poll returned.", func(s consumer.Stats) uint64 { return s.Bytes })
	counter("fetches_total", "Answers to Fetch.", func(s consumer.Stats) uint64 { return s.Fetches })
	counter("fetches_failed_total", "Fetches without an answer, or refused as a whole.", func(s consumer.Stats) uint64 { return s.FetchesFailed })
	counter("commits_total", "Commits that the coordinator wrote.", func(s consumer.Stats) uint64 { return s.Commits })
	counter("commits_failed_total", "Commits that failed.", func(s consumer.Stats) uint64 { return s.CommitsFailed })
	counter("rebalances_total", "Rebalances that ended with an assignment.", func(s consumer.Stats) uint64 { return s.Rebalances })
	counter("losses_total", "Times that partitions were lost and not given up.", func(s consumer.Stats) uint64 { return s.Losses })
	counter("resets_total", "Positions that auto.offset.reset has set.", func(s consumer.Stats) uint64 { return s.Resets })
	counter("stalls_total", "Times that the application worked for half of max.poll.interval.ms.", func(s consumer.Stats) uint64 { return s.Stalls })

	m.generation = desc("generation", "Generation of the group whose member this is; -1 for none.")
	m.rebalancing = desc("rebalancing", "1 while the assignment is not final.")
	m.lag = desc("lag", "Offsets between the position and the end; missing while it is not known.", "topic", "partition")
	m.position = desc("position", "Offset of the next record.", "topic", "partition")
	m.committed = desc("committed", "Offset that the group has committed, as this consumer knows it.", "topic", "partition")
	return m
}

type collector struct {
	c        *consumer.Consumer
	counters []counted

	generation, rebalancing  *prometheus.Desc
	lag, position, committed *prometheus.Desc
}

type counted struct {
	desc  *prometheus.Desc
	value func(consumer.Stats) uint64
}

// Describe implements prometheus.Collector.
func (m *collector) Describe(out chan<- *prometheus.Desc) {
	for _, c := range m.counters {
		out <- c.desc
	}
	for _, d := range []*prometheus.Desc{m.generation, m.rebalancing, m.lag, m.position, m.committed} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *collector) Collect(out chan<- prometheus.Metric) {
	s := m.c.Stats()
	for _, c := range m.counters {
		out <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(c.value(s)))
	}
	gauge := func(d *prometheus.Desc, v int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	gauge(m.generation, int64(s.Generation))
	rebalancing := int64(0)
	if s.Rebalancing {
		rebalancing = 1
	}
	gauge(m.rebalancing, rebalancing)
	for _, p := range s.Partitions {
		topic, number := p.Partition.Topic, strconv.Itoa(int(p.Partition.Partition))
		for _, v := range []struct {
			desc  *prometheus.Desc
			value int64
		}{{m.lag, p.Lag}, {m.position, p.Position}, {m.committed, p.Committed}} {
			if v.value >= 0 {
				gauge(v.desc, v.value, topic, number)
			}
		}
	}
}
