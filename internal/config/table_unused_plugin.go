package config

import "errors"

// noAuthorizer refuses to start where somebody relies on rules that nobody would enforce.
var noAuthorizer = rule("empty", func(v Value) error {
	if v.Text != "" {
		return errors.New("skein has no authorization yet, and starting without it would open the cluster to everyone")
	}
	return nil
})

var unusedPluginTable = without("skein loads no Java classes.", []Property{
	{Name: "alter.config.policy.class.name", Type: Class},
	{Name: "authorizer.class.name", Type: String, Default: new(""), Bounds: noAuthorizer},
	{Name: "allow.everyone.if.no.acl.found", Type: Boolean},
	{Name: "super.users", Type: String},
	{Name: "client.quota.callback.class", Type: Class},
	{Name: "config.providers", Type: List, Default: new(""), Mode: ClusterWide},
	{Name: "create.topic.policy.class.name", Type: Class},
	{Name: "principal.builder.class", Type: Class, Default: new("org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder"), Mode: PerBroker},
	{Name: "security.inter.broker.protocol", Type: String, Default: new("PLAINTEXT"), Bounds: oneOf("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")},
	{Name: "security.providers", Type: String},
})
