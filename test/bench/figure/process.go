package figure

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/skein-io/skein/test/bench/wire"
)

// member is a consumer in a process of its own, and what it has printed.
type member struct {
	cmd  *exec.Cmd
	read chan struct{} // closed when its output has ended

	mu       sync.Mutex
	contact  time.Time           // the last request that kept its session alive
	consumed map[int32]time.Time // the first record since the partition was assigned
}

const memberTimeMax = 3 * time.Minute

func startMember(ctx context.Context, program, addr, group, topic string, session time.Duration) (*member, error) {
	cmd := exec.CommandContext(ctx, program, addr, group, topic, strconv.FormatInt(session.Milliseconds(), 10), deadline(memberTimeMax))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	m := &member{cmd: cmd, read: make(chan struct{}), consumed: map[int32]time.Time{}}
	go m.follow(stdout)
	return m, nil
}

// kill ends the process with SIGKILL and returns when all that it printed has
// been read.
func (m *member) kill() {
	_ = m.cmd.Process.Kill() // it may be gone already
	<-m.read
	_ = m.cmd.Wait() // killed: an error as expected
}

func (m *member) follow(output io.Reader) {
	defer close(m.read)
	for lines := bufio.NewScanner(output); lines.Scan(); {
		m.mu.Lock()
		m.take(strings.Fields(lines.Text()))
		m.mu.Unlock()
	}
}

func (m *member) take(fields []string) {
	if len(fields) < 2 {
		return
	}
	nanos, err := strconv.ParseInt(fields[len(fields)-1], 10, 64)
	if err != nil {
		return
	}
	at := time.Unix(0, nanos)
	switch fields[0] {
	case "contact":
		m.contact = at
	case "consumed":
		if p, err := strconv.Atoi(fields[1]); err == nil {
			m.consumed[int32(p)] = at
		}
	}
}

// partitions are those of which it has had a record.
func (m *member) partitions() map[int32]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[int32]bool{}
	for p := range m.consumed {
		all[p] = true
	}
	return all
}

// after counts the partitions, but for those of except, whose first record
// came after a time, and gives the time of the last such record.
func (m *member) after(since time.Time, except map[int32]bool) (n int, last time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, at := range m.consumed {
		if at.After(since) && !except[p] {
			n++
			if at.After(last) {
				last = at
			}
		}
	}
	return n, last
}

// lastContact is the last request that kept the session alive.
func (m *member) lastContact() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.contact
}

// awaitConsumed returns when n partitions, but for those of except, have had
// their first record after since, and the time of the last such record.
func (m *member) awaitConsumed(ctx context.Context, n int, since time.Time, except map[int32]bool) (last time.Time, err error) {
	err = wire.Await(ctx, time.Minute, 20*time.Millisecond, func(context.Context) error {
		var got int
		if got, last = m.after(since, except); got < n {
			return fmt.Errorf("%d of %d partitions are consumed", got, n)
		}
		return nil
	})
	return last, err
}
