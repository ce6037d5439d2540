package envelope

import (
	"strconv"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// The schemas are those of Connect's JsonConverter, field by field what Debezium writes. A column's field has the
// parameters that Debezium adds with column.propagate.source.type; so the exact type comes back.

const (
	decimalName = "org.apache.kafka.connect.data.Decimal"
	bitsName    = "io.debezium.data.Bits"
	enumName    = "io.debezium.data.Enum"
	setName     = "io.debezium.data.EnumSet"
	jsonName    = "io.debezium.data.Json"
	uuidName    = "io.debezium.data.Uuid"
	geometry    = "io.debezium.data.geometry.Geometry"
	yearName    = "io.debezium.time.Year"
	dateName    = "io.debezium.time.Date"
	microTime   = "io.debezium.time.MicroTime"
	milliStamp  = "io.debezium.time.Timestamp"
	microStamp  = "io.debezium.time.MicroTimestamp"
	zonedName   = "io.debezium.time.ZonedTimestamp"

	sourceType   = "__debezium.source.column.type"
	sourceLength = "__debezium.source.column.length"
	sourceScale  = "__debezium.source.column.scale"
	sourceName   = "__debezium.source.column.name"
)

// debeziumTypes are the type in Connect and the name of the meaning, if there is one.
var debeziumTypes = [...]struct{ kind, name string }{
	change.TinyInt: {"int16", ""}, change.SmallInt: {"int16", ""}, change.MediumInt: {"int32", ""}, change.Integer: {"int32", ""}, change.BigInt: {"int64", ""},
	change.Numeric: {"bytes", decimalName}, change.FloatType: {"float", ""}, change.DoubleType: {"double", ""}, change.Bit: {"bytes", bitsName},
	change.Year: {"int32", yearName}, change.DateType: {"int32", dateName}, change.TimeType: {"int64", microTime}, change.DateTimeType: {"int64", milliStamp},
	change.TimestampType: {"string", zonedName}, change.Char: {"string", ""}, change.VarChar: {"string", ""}, change.TinyText: {"string", ""},
	change.TextType: {"string", ""}, change.MediumText: {"string", ""}, change.LongText: {"string", ""}, change.Binary: {"bytes", ""},
	change.VarBinary: {"bytes", ""}, change.TinyBlob: {"bytes", ""}, change.Blob: {"bytes", ""}, change.MediumBlob: {"bytes", ""}, change.LongBlob: {"bytes", ""},
	change.Enum: {"string", enumName}, change.Set: {"string", setName}, change.JSONType: {"string", jsonName}, change.Geometry: {"struct", geometry},
	change.UUID: {"string", uuidName}, change.INET4: {"string", ""}, change.INET6: {"string", ""},
}

// fieldSchema is the schema of a column's field. In a key Debezium does not tell the source's type.
func (o *Options) fieldSchema(c *change.Column, key bool) string {
	t := debeziumTypes[c.Type]
	kind, name, inner := t.kind, t.name, ""
	var parameters []string
	switch {
	case c.Type == change.BigInt && c.Unsigned:
		kind, name, parameters = "bytes", decimalName, []string{"scale", "0", "connect.decimal.precision", "20"}
	case c.Type == change.Integer && c.Unsigned:
		kind = "int64"
	case c.Type == change.SmallInt && c.Unsigned:
		kind = "int32"
	case c.Type == change.Numeric && o.Decimals == DecimalText:
		kind, name = "string", ""
	case c.Type == change.Numeric:
		parameters = []string{"scale", strconv.Itoa(c.Scale), "connect.decimal.precision", strconv.Itoa(c.Length)}
	case c.Type == change.Bit && c.Length == 1:
		kind, name = "boolean", ""
	case c.Type == change.Bit:
		parameters = []string{"length", strconv.Itoa(c.Length)}
	case c.Type == change.DateTimeType && c.Scale > 3:
		name = microStamp
	case c.Type == change.Enum || c.Type == change.Set:
		parameters = []string{"allowed", strings.Join(c.Members, ",")}
	case c.Type == change.Geometry:
		inner = `"fields":[{"type":"bytes","optional":false,"field":"wkb"},{"type":"int32","optional":true,"field":"srid"}],`
	}
	if !key {
		parameters = append(parameters, sourceParameters(c)...)
	}
	var b strings.Builder
	doc := ""
	if c.Type == change.Geometry {
		doc = `,"doc":"Geometry"`
	}
	b.WriteString(`{"type":"` + kind + `",` + inner + `"optional":` + strconv.FormatBool(c.Nullable))
	if name != "" {
		b.WriteString(`,"name":"` + name + `","version":1` + doc)
	}
	for i := 0; i < len(parameters); i += 2 {
		before := ","
		if i == 0 {
			before = `,"parameters":{`
		}
		b.WriteString(before + quoted(parameters[i]) + ":" + quoted(parameters[i+1]))
	}
	if len(parameters) > 0 {
		b.WriteByte('}')
	}
	return b.String() + `,"field":` + quoted(c.Name) + `}`
}

// sourceParameters tell the type in the database.
func sourceParameters(c *change.Column) []string {
	sql := strings.ToUpper(c.Type.String())
	if c.Unsigned {
		sql += " UNSIGNED"
	}
	parameters := []string{sourceType, sql}
	switch {
	case c.Length > 0:
		parameters = append(parameters, sourceLength, strconv.Itoa(c.Length))
	case c.Scale > 0 && c.Type != change.Numeric: // the digits of a time are its length
		parameters = append(parameters, sourceLength, strconv.Itoa(c.Scale))
	}
	if c.Type == change.Numeric {
		parameters = append(parameters, sourceScale, strconv.Itoa(c.Scale))
	}
	return append(parameters, sourceName, c.Name)
}

func (o *Options) rowSchema(t *change.Table, columns []int, optional bool, kind string) string {
	fields := make([]string, len(columns))
	for n, i := range columns {
		fields[n] = o.fieldSchema(&t.Columns[i], kind == "Key")
	}
	return `{"type":"struct","fields":[` + strings.Join(fields, ",") + `],"optional":` + strconv.FormatBool(optional) + `,"name":` + quoted(o.schemaName(t, kind))
}

func (o *Options) schemaName(t *change.Table, kind string) string {
	return o.Prefix + "." + t.Database + "." + t.Name + "." + kind
}

func debeziumKeySchema(t *change.Table, o *Options) string {
	return o.rowSchema(t, t.Key, false, "Key") + "}"
}

func debeziumSchema(t *change.Table, o *Options) string {
	all := make([]int, len(t.Columns))
	for i := range all {
		all[i] = i
	}
	row := o.rowSchema(t, all, true, "Value")
	return `{"type":"struct","fields":[` + row + `,"field":"before"},` + row + `,"field":"after"},` +
		`{"type":"struct","fields":[` + sourceFields + `],"optional":false,"name":"io.debezium.connector.` + o.Connector + `.Source","version":1,"field":"source"},` +
		`{"type":"struct","fields":[{"type":"string","optional":false,"field":"id"},{"type":"int64","optional":false,"field":"total_order"},` +
		`{"type":"int64","optional":false,"field":"data_collection_order"}],"optional":true,"name":"event.block","version":1,"field":"transaction"},` +
		`{"type":"string","optional":false,"field":"op"},{"type":"int64","optional":true,"field":"ts_ms"},{"type":"int64","optional":true,"field":"ts_us"},` +
		`{"type":"int64","optional":true,"field":"ts_ns"}],"optional":false,"name":` + quoted(o.schemaName(t, "Envelope")) + `,"version":2}`
}

const sourceFields = `{"type":"string","optional":false,"field":"version"},{"type":"string","optional":false,"field":"connector"},` +
	`{"type":"string","optional":false,"field":"name"},{"type":"int64","optional":false,"field":"ts_ms"},` +
	`{"type":"string","optional":true,"name":"io.debezium.data.Enum","version":1,"parameters":{"allowed":` +
	`"true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"},"default":"false","field":"snapshot"},` +
	`{"type":"string","optional":false,"field":"db"},{"type":"string","optional":true,"field":"sequence"},{"type":"int64","optional":true,"field":"ts_us"},` +
	`{"type":"int64","optional":true,"field":"ts_ns"},{"type":"string","optional":true,"field":"table"},{"type":"int64","optional":false,"field":"server_id"},` +
	`{"type":"string","optional":true,"field":"gtid"},{"type":"string","optional":false,"field":"file"},{"type":"int64","optional":false,"field":"pos"},` +
	`{"type":"int32","optional":false,"field":"row"},{"type":"int64","optional":true,"field":"thread"},{"type":"string","optional":true,"field":"query"}`
