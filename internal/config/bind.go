package config

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
)

// Bytes is a number of bytes. NoLimit stands where the property says that there is none.
type Bytes int64

// NoLimit is the Bytes of a property that sets no limit (-1).
const NoLimit Bytes = math.MaxInt64

// Never is the time of a property that says for ever (-1, or more milliseconds than a time.Duration holds).
const Never time.Duration = math.MaxInt64

// bindTag is the struct tag that names a field's property. The unit of a duration is the last part of the name.
const bindTag = "property"

// bind fills the fields of target, a pointer to a struct, that have the tag, with the value that rule gives for their
// property. A field whose property has no value stays zero.
func bind(target any, rule func(name string) (setting, bool)) {
	v := reflect.ValueOf(target).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get(bindTag)
		if name == "" {
			continue
		}
		if s, ok := rule(name); ok {
			bindField(v.Field(i), s)
		}
	}
}

func bindField(field reflect.Value, s setting) {
	switch target := field.Addr().Interface().(type) {
	case *time.Duration:
		*target = duration(s)
	case *Bytes:
		*target = Bytes(s.value.Long)
		if s.value.Long < 0 {
			*target = NoLimit
		}
	case *string:
		*target = s.value.Text
	case *[]string:
		*target = s.value.List
	case *bool:
		*target = s.value.Bool
	case *int:
		*target = int(s.value.Long)
	case *int16:
		*target = int16(s.value.Long)
	case *int32:
		*target = int32(s.value.Long)
	case *int64:
		*target = s.value.Long
	case *float64:
		*target = s.value.Double
	default:
		panic(fmt.Sprintf("config: %s has no binding for the type %T", s.property.Name, target))
	}
}

// duration takes the unit from the name of the property that has the value, which may be a synonym with another unit.
func duration(s setting) time.Duration {
	unit := unitOf(s.property.Name)
	if s.value.Long < 0 || s.value.Long > int64(Never/unit) {
		return Never
	}
	return time.Duration(s.value.Long) * unit
}

func unitOf(name string) time.Duration {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "ms":
		return time.Millisecond
	case "seconds":
		return time.Second
	case "minutes":
		return time.Minute
	case "hours":
		return time.Hour
	}
	panic("config: " + name + " has no unit of time in its name")
}
