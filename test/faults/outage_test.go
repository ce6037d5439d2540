//go:build linux

package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// outage is how long something was not to be had because of a fault.
type outage struct {
	fault  string
	own    time.Duration // franz-go's next success on a partition that the fault touched
	native time.Duration // the same, of librdkafka; negative if it did not take part
	read   time.Duration // a group's next record of such a partition
	commit time.Duration // the longest time without a commit of a group
	topic  time.Duration // until a topic could be created; negative if that was not tried
}

// outages are all that were measured, in the order of the tests.
var outages outageTable

type outageTable struct {
	mu   sync.Mutex
	rows []outage
}

func (t *outageTable) add(o outage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, o)
}

// write puts the table where SKEIN_FAULTS_TABLE says.
func (t *outageTable) write(name string) {
	if name == "" || len(t.rows) == 0 {
		return
	}
	var b strings.Builder
	b.WriteString("| fault | produce, franz-go | produce, librdkafka | groups read | groups commit | topic created |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, o := range t.rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", o.fault, inSeconds(o.own), inSeconds(o.native), inSeconds(o.read), inSeconds(o.commit), inSeconds(o.topic))
	}
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, []byte(b.String()), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func inSeconds(d time.Duration) string {
	if d < 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func (o outage) String() string {
	return fmt.Sprintf("%s: without service for %s (franz-go), %s (librdkafka), reads %s, commits %s, a topic %s",
		o.fault, inSeconds(o.own), inSeconds(o.native), inSeconds(o.read), inSeconds(o.commit), inSeconds(o.topic))
}
