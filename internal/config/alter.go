package config

import (
	"fmt"
	"slices"
	"strings"
)

// AppendList adds the elements of operand that current does not have, as IncrementalAlterConfigs APPEND does. It
// refuses a property that is not a list.
func (p *Property) AppendList(current, operand string) (string, error) {
	if p.Type != List {
		return "", fmt.Errorf("cannot append to %s: it is a %s, not a list", p.Name, p.Type)
	}
	list := splitList(current)
	for _, element := range splitList(operand) {
		if !slices.Contains(list, element) {
			list = append(list, element)
		}
	}
	return strings.Join(list, ","), nil
}

// SubtractList takes the elements of operand away from current, as IncrementalAlterConfigs SUBTRACT does. It refuses a
// property that is not a list.
func (p *Property) SubtractList(current, operand string) (string, error) {
	if p.Type != List {
		return "", fmt.Errorf("cannot subtract from %s: it is a %s, not a list", p.Name, p.Type)
	}
	taken := splitList(operand)
	rest := slices.DeleteFunc(splitList(current), func(element string) bool { return slices.Contains(taken, element) })
	return strings.Join(rest, ","), nil
}
