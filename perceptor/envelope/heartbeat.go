package envelope

import "github.com/skein-io/skein/perceptor/change"

// HeartbeatTopic is where the heartbeats of a source go, as Debezium names it.
func HeartbeatTopic(prefix string) string { return "__debezium-heartbeat." + prefix }

// EncodeHeartbeat appends Debezium's heartbeat to dst, whatever the format is: that the source lived at a time, in milliseconds since
// 1970. Its version tells how far everything is in the topics.
func (e *Encoder) EncodeHeartbeat(dst []Record, v change.Version, at int64) ([]Record, error) {
	if err := v.Check(); err != nil {
		return dst, err
	}
	schemas := e.o.Schemas && e.o.Format == Debezium
	mark := len(e.buf)
	if schemas {
		e.buf = append(e.buf, `{"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"serverName"}],"optional":false,`+
			`"name":"io.debezium.connector.common.ServerNameKey","version":1},"payload":`...)
	}
	e.buf = append(appendQuoted(append(e.buf, `{"serverName":`...), e.o.Prefix), '}')
	if schemas {
		e.buf = append(e.buf, '}')
	}
	key := e.since(mark)
	mark = len(e.buf)
	if schemas {
		e.buf = append(e.buf, `{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"ts_ms"}],"optional":false,`+
			`"name":"io.debezium.connector.common.Heartbeat","version":1},"payload":`...)
	}
	e.appendInt(`{"ts_ms":`, at)
	e.buf = append(e.buf, '}')
	if schemas {
		e.buf = append(e.buf, '}')
	}
	value := e.since(mark)
	mark = len(e.buf)
	e.buf = AppendVersion(e.buf, v)
	first := len(e.headers)
	e.headers = append(e.headers, Header{HeaderVersion, e.since(mark)})
	return append(dst, Record{Key: key, Value: value, Headers: e.headers[first:len(e.headers):len(e.headers)]}), nil
}
