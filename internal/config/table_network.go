package config

import "math"

var intMax = new("2147483647")

// networkTable says where the node listens and what it allows a connection.
var networkTable = []Property{
	{Name: "listeners", Type: List, Default: new("PLAINTEXT://127.0.0.1:9092"), Bounds: listenerBounds, Kafka: new("PLAINTEXT://:9092"),
		Doc: "Addresses to listen on, fixed while the node runs. skein listens on the loopback address only, until it is told otherwise, because it does not authenticate yet."},
	{Name: "advertised.listeners", Type: List, Bounds: listenerBounds,
		Doc: "Addresses that clients are told to connect to. Where it is not set: those of listeners, with the machine's name where a listener has every address."},
	{Name: "listener.security.protocol.map", Type: String, Bounds: protocolMapBounds,
		Default: new("SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT"),
		Doc:     "Protocol of each listener, by name. Only PLAINTEXT is served so far; a listener with another stops the start."},
	{Name: "inter.broker.listener.name", Type: String, Effect: ManyBrokers,
		Doc: "Name of the listener that brokers use among themselves."},
	{Name: "controller.listener.names", Type: List, Default: new(""), Kafka: new("null"),
		Doc: "Names of the listeners that are for controllers only. They are not told to clients."},
	{Name: "connections.max.idle.ms", Type: Long, Default: new("600000"),
		Doc: "A connection without a request in flight and without a new one for so long is closed. A negative value means never."},
	{Name: "max.connections", Type: Int, Default: intMax, Bounds: atLeast(0), Mode: ClusterWide,
		Doc: "Connections that the node holds at once; one more is closed as soon as it is accepted."},
	{Name: "max.connections.per.ip", Type: Int, Default: intMax, Bounds: atLeast(0), Mode: ClusterWide,
		Doc: "Connections that one address may hold at once."},
	{Name: "max.connections.per.ip.overrides", Type: String, Default: new(""), Bounds: perIPBounds, Mode: ClusterWide,
		Doc: "Other limits for single addresses, as address:count,address:count."},
	{Name: "socket.request.max.bytes", Type: Int, Default: new("104857600"), Bounds: inRange(1, math.MaxInt32-4),
		Doc: "Largest request that is read; a longer one closes the connection."},
	{Name: "socket.request.first.max.bytes", Type: Int, Default: new("65536"), Bounds: atLeast(1024), Own: true,
		Doc: "Largest first request of a connection: whoever is not known yet gets no more memory than this."},
	{Name: "connection.handshake.timeout.ms", Type: Int, Default: new("10000"), Bounds: atLeast(1), Own: true,
		Doc: "The first request must have arrived whole within this time."},
	{Name: "connection.stall.timeout.ms", Type: Int, Default: new("30000"), Bounds: atLeast(1), Own: true,
		Doc: "A request that began to arrive, and an answer that began to leave, may take this long plus the time of connection.bytes.per.second.min."},
	{Name: "connection.bytes.per.second.min", Type: Int, Default: new("16384"), Bounds: atLeast(1), Own: true,
		Doc: "Slowest rate at which large requests and answers may move; a slower peer is disconnected."},
	{Name: "connection.inflight.max.requests", Type: Int, Default: new("128"), Bounds: atLeast(1), Own: true,
		Doc: "Requests of one connection that may wait for their answer; the next is read when one is answered."},
	{Name: "connection.inflight.max.bytes", Type: Long, Default: new("33554432"), Bounds: atLeast(1024), Own: true,
		Doc: "Bytes of requests and of unsent answers that one connection may hold. One that is larger goes alone."},
	{Name: "queued.max.request.bytes", Type: Long, Default: new("134217728"), Bounds: atLeast(-1), Kafka: new("-1"),
		Doc: "Bytes of requests that the node holds in memory over all connections; beyond it nothing more is read. -1 means no limit."},
	{Name: "shutdown.drain.timeout.ms", Type: Int, Default: new("5000"), Bounds: atLeast(0), Own: true,
		Doc: "How long requests in flight may still be answered when the node is told to stop."},
}
