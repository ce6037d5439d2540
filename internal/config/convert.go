package config

import (
	"strconv"
	"strings"
)

// convertedText is the text of a setting in the unit of p, which may differ where the setting is of a synonym.
func convertedText(p *Property, s setting) *string {
	if s.property.Sensitive() {
		return nil
	}
	if !hasUnit(p.Name) || !hasUnit(s.property.Name) || unitOf(p.Name) == unitOf(s.property.Name) || s.value.Long < 0 {
		return &s.value.Text
	}
	return new(strconv.FormatInt(s.value.Long*int64(unitOf(s.property.Name)/unitOf(p.Name)), 10))
}

// hasUnit says whether the last part of a name is a unit of time.
func hasUnit(name string) bool {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "ms", "seconds", "minutes", "hours":
		return true
	}
	return false
}
