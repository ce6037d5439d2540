package binlog

import (
	"fmt"
	"net"
	"testing"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/test/services"
)

// The server is lost, and a replica of it goes on: by GTID each row comes once and in order, and all versions of the new server are above those of the
// old one. In the same epoch, or by file, it is refused.
func TestFailover(t *testing.T) {
	first := own(t, map[string]string{"server-id": "1"})
	second := own(t, map[string]string{"server-id": "2", "log-slave-updates": "ON"})
	host, port, _ := net.SplitHostPort(first.Addr())
	second.exec(t, "RESET MASTER", fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='%s', MASTER_PORT=%s, MASTER_USER='%s', MASTER_PASSWORD='%s', MASTER_USE_GTID=slave_pos", host, port, services.MariaDBUser, services.MariaDBPassword), "START SLAVE")
	start := first.now(t)
	const n = 300
	write(t, first, "failover", n)
	if waited := second.column(t, fmt.Sprintf("SELECT MASTER_GTID_WAIT('%s', 60)", first.now(t).GTID))[0]; waited != "0" {
		t.Fatalf("the replica did not catch up: %s", waited)
	}
	config := first.config()
	config.GTID, config.Start = true, start
	reader, order := open(t, config), inOrder{}
	until(t, reader, func(e binlog.Event) bool {
		if e.Kind == binlog.Row {
			order.take(t, e.Change)
		}
		return e.Kind == binlog.Commit && order.next > n/2
	})
	position := reader.Position()
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	second.exec(t, "STOP SLAVE", fmt.Sprintf("INSERT INTO failover SELECT seq, 'after' FROM seq_%d_to_%d", n+1, n+100))

	config = second.config()
	config.Start = position
	_, err := failure(t, config)
	expect(t, err, binlog.ErrOtherServer, "GTID")
	config.GTID = true
	_, err = failure(t, config)
	expect(t, err, binlog.ErrOtherServer, "epoch above 1")
	config.Epoch = 2
	for _, e := range rows(t, open(t, config), n+100-int(order.next)) {
		order.take(t, e.Change)
		if e.Change.Version.Epoch != 2 {
			t.Fatalf("version %s", e.Change.Version)
		}
	}
	if order.next != n+100 {
		t.Errorf("%d rows", order.next)
	}
}
