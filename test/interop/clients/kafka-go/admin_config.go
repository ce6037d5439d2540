package main

import (
	"strconv"

	"github.com/segmentio/kafka-go"
)

func describeConfigs(c *call) (any, error) {
	return configValues(c, kafka.ResourceTypeTopic, c.r.Topic)
}

func brokerConfigs(c *call) (any, error) {
	m, err := c.Metadata(c.ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	return configValues(c, kafka.ResourceTypeBroker, strconv.Itoa(m.Brokers[0].ID))
}

func configValues(c *call, kind kafka.ResourceType, name string) (any, error) {
	resp, err := c.DescribeConfigs(c.ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kind, ResourceName: name}}})
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, e := range resp.Resources[0].ConfigEntries {
		values[e.ConfigName] = e.ConfigValue
	}
	return map[string]any{"configs": values}, resp.Resources[0].Error
}

func alterConfigs(c *call) (any, error) {
	var configs []kafka.AlterConfigRequestConfig
	for name, value := range c.r.Configs {
		configs = append(configs, kafka.AlterConfigRequestConfig{Name: name, Value: value})
	}
	resp, err := c.AlterConfigs(c.ctx, &kafka.AlterConfigsRequest{Resources: []kafka.AlterConfigRequestResource{
		{ResourceType: kafka.ResourceTypeTopic, ResourceName: c.r.Topic, Configs: configs}}})
	if err != nil {
		return nil, err
	}
	for _, err := range resp.Errors {
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func incrementalConfigs(c *call) (any, error) {
	resp, err := c.IncrementalAlterConfigs(c.ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{
			{ResourceType: kafka.ResourceTypeTopic, ResourceName: c.r.Topic, Configs: changes(c)}}})
	if err != nil {
		return nil, err
	}
	return nil, resp.Resources[0].Error
}

func changes(c *call) []kafka.IncrementalAlterConfigsRequestConfig {
	var all []kafka.IncrementalAlterConfigsRequestConfig
	add := func(name, value string, op kafka.ConfigOperation) {
		all = append(all, kafka.IncrementalAlterConfigsRequestConfig{Name: name, Value: value, ConfigOperation: op})
	}
	for name, value := range c.r.Configs {
		add(name, value, kafka.ConfigOperationSet)
	}
	for _, name := range c.r.Delete {
		add(name, "", kafka.ConfigOperationDelete)
	}
	for name, value := range c.r.Append {
		add(name, value, kafka.ConfigOperationAppend)
	}
	return all
}
