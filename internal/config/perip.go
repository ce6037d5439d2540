package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// parsePerIP understands address:count,address:count. An IPv6 address may stand in brackets.
func parsePerIP(text string) (map[netip.Addr]int, error) {
	limits := map[netip.Addr]int{}
	for _, element := range splitList(text) {
		i := strings.LastIndexByte(element, ':')
		if i < 0 {
			return nil, fmt.Errorf("%q: must be address:count", element)
		}
		address, err := netip.ParseAddr(strings.Trim(element[:i], "[]"))
		if err != nil {
			return nil, fmt.Errorf("%q: must be address:count with an IP address (names are not looked up)", element)
		}
		count, err := strconv.ParseUint(strings.TrimSpace(element[i+1:]), 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%q: the count must be a number", element)
		}
		limits[address.Unmap()] = int(count)
	}
	return limits, nil
}

var perIPBounds = rule("address:count, ...", func(v Value) error {
	_, err := parsePerIP(v.Text)
	return err
})
