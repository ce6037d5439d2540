package endtoend

import (
	"fmt"
	"strings"
)

// pipeline is the file that `skein sync run` takes.
func (w *world) pipeline() string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: shop\nbrokers: [%s]\n", w.broker.Addr())
	return b.String()
}
