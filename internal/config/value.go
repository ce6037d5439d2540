package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Value is the value of a property after its type has been understood. Text is its normal form: trimmed, a boolean in
// lower case, a list with commas and without spaces or repetitions.
type Value struct {
	Type   Type
	Text   string
	Bool   bool     // Boolean
	Long   int64    // Int, Short, Long
	Double float64  // Double
	List   []string // List; empty, not nil, for the empty list
}

// Parse understands text as a value of the property and checks its bounds.
func (p *Property) Parse(text string) (Value, error) {
	v, err := parseType(p.Type, text)
	if err != nil {
		return Value{}, err
	}
	if p.Bounds != nil {
		if err := p.Bounds.Check(v); err != nil {
			return Value{}, err
		}
	}
	return v, nil
}

func parseType(t Type, text string) (Value, error) {
	if t != Password {
		text = strings.TrimSpace(text)
	}
	v := Value{Type: t, Text: text}
	var err error
	switch t {
	case Boolean:
		v.Text = strings.ToLower(text)
		v.Bool = v.Text == "true"
		if !v.Bool && v.Text != "false" {
			err = errors.New("must be true or false")
		}
	case Int:
		v.Long, err = parseWhole(text, 32)
	case Short:
		v.Long, err = parseWhole(text, 16)
	case Long:
		v.Long, err = parseWhole(text, 64)
	case Double:
		if v.Double, err = strconv.ParseFloat(text, 64); err != nil || math.IsNaN(v.Double) {
			err = errors.New("must be a number")
		}
	case List:
		v.List = splitList(text)
		v.Text = strings.Join(v.List, ",")
	}
	return v, err
}

func parseWhole(text string, bits int) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(text, "+"), 10, bits)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("must fit into %d bits", bits)
	case err != nil:
		return 0, errors.New("must be a whole number")
	}
	return n, nil
}

// splitList splits at commas, trims, and drops an element that was there before, as Kafka does.
func splitList(text string) []string {
	list := []string{}
	if strings.TrimSpace(text) == "" {
		return list
	}
	for element := range strings.SplitSeq(text, ",") {
		if element = strings.TrimSpace(element); !slices.Contains(list, element) {
			list = append(list, element)
		}
	}
	return list
}
