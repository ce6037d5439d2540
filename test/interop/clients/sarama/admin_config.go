package main

import (
	"strconv"

	"github.com/IBM/sarama"
)

func describeConfigs(s *session) (any, error) {
	entries, err := s.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: s.r.Topic})
	return configValues(entries), err
}

func brokerConfigs(s *session) (any, error) {
	id := s.client.Brokers()[0].ID()
	entries, err := s.DescribeConfig(sarama.ConfigResource{Type: sarama.BrokerResource, Name: strconv.Itoa(int(id))})
	return configValues(entries), err
}

func configValues(entries []sarama.ConfigEntry) any {
	values := map[string]string{}
	for _, e := range entries {
		values[e.Name] = e.Value
	}
	return map[string]any{"configs": values}
}

func alterConfigs(s *session) (any, error) {
	values := map[string]*string{}
	for name, value := range s.r.Configs {
		values[name] = &value
	}
	return nil, s.AlterConfig(sarama.TopicResource, s.r.Topic, values, false)
}

func incrementalConfigs(s *session) (any, error) {
	changes := map[string]sarama.IncrementalAlterConfigsEntry{}
	for name, value := range s.r.Configs {
		changes[name] = sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}
	}
	for _, name := range s.r.Delete {
		changes[name] = sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationDelete}
	}
	for name, value := range s.r.Append {
		changes[name] = sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationAppend, Value: &value}
	}
	return nil, s.IncrementalAlterConfig(sarama.TopicResource, s.r.Topic, changes, false)
}
