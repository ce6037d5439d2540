package protocol

import (
	"math/rand/v2"
	"reflect"
)

// filler fills messages, ours and kmsg's alike, with random values for one version.
type filler struct {
	*rand.Rand
	version int16
}

// message returns m with random values.
func (rng filler) message(m any) any {
	rng.fill(reflect.ValueOf(m).Elem())
	return m
}

// fill gives every field under v a random value, one in four of them null, zero, empty or -1, so that both sides of
// each default are met. A kmsg request's version and unknown tags stay as they are, and so do the fields that the
// version must not have although kmsg would write them.
func (rng filler) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		rng.structure(v)
	case reflect.Pointer:
		v.SetZero()
		if rng.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			rng.fill(v.Elem())
		}
	case reflect.Interface: // a Payload
		v.SetZero()
		if rng.IntN(4) > 0 {
			b := Bytes{}
			rng.fill(reflect.ValueOf(&b).Elem())
			if b != nil {
				v.Set(reflect.ValueOf(b))
			}
		}
	case reflect.Slice:
		rng.slice(v)
	case reflect.Array: // a UUID
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(rng.IntN(256)))
		}
		if rng.IntN(4) == 0 {
			v.SetZero()
		}
	default:
		rng.scalar(v)
	}
}

func (rng filler) structure(v reflect.Value) {
	if d, ok := v.Addr().Interface().(interface{ Default() }); ok {
		d.Default()
	}
	_, versioned := v.Addr().Interface().(interface{ SetVersion(int16) })
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := v.Type().Name() + "." + field.Name
		switch {
		case field.Name == "Version" && versioned:
			v.Field(i).SetInt(int64(rng.version))
		case field.Name != "UnknownTags" && rng.version >= taggedFrom[name]:
			rng.fill(v.Field(i))
		}
		if neverNull[name] && v.Field(i).IsNil() {
			v.Field(i).Set(reflect.MakeSlice(field.Type, 0, 0))
		}
	}
}

func (rng filler) slice(v reflect.Value) {
	n := rng.IntN(4)
	if v.Type().Elem().Kind() == reflect.Uint8 && rng.IntN(8) == 0 {
		n = 100 + rng.IntN(200) // so that a length takes two bytes
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		rng.fill(v.Index(i))
	}
	if n == 0 && rng.IntN(2) == 0 {
		v.SetZero()
	}
}

func (rng filler) scalar(v reflect.Value) {
	edge := rng.IntN(4)
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.String:
		b := make([]byte, rng.IntN(12))
		if rng.IntN(16) == 0 {
			b = make([]byte, 100+rng.IntN(200))
		}
		for i := range b {
			b[i] = byte('a' + rng.IntN(26))
		}
		v.SetString(string(b))
	case reflect.Float64:
		v.SetFloat(float64(rng.IntN(3)) * rng.NormFloat64())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(rng.Uint64() & (1<<v.Type().Bits() - 1))
	default:
		n := int64(rng.Uint64()) >> (64 - v.Type().Bits())
		v.SetInt([]int64{0, -1, n, n}[edge])
	}
}
