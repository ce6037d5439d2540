package sync

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/pipeline"
)

const idleFile = `name: idle-GTID
brokers: {addresses: $BROKER}
topics: {prefix: idle-GTID, partitions: 1}
source:
  connector: mariadb
  address: $SOURCE
  user: skein
  password: {file: password}
  server-id: 4731
  tables: [idle.*]
  gtid: GTID
  heartbeat: 1s
  heartbeat-records: 1s
`

// Nothing changes in the tables that are read, while others are written to and the server's binlog goes from file to file. The kept
// position moves with it, so that what is purged is not missed, by GTID and by file; and heartbeats tell that the source lives.
func TestIdle(t *testing.T) {
	source := shared.source
	for _, gtid := range []string{"true", "false"} {
		t.Run(gtid, func(t *testing.T) {
			source.exec(t, "DROP DATABASE IF EXISTS idle", "CREATE DATABASE idle", "CREATE TABLE idle.stock (id BIGINT PRIMARY KEY)", "INSERT INTO idle.stock VALUES (1)",
				"DROP DATABASE IF EXISTS noise", "CREATE DATABASE noise", "CREATE TABLE noise.stock (id BIGINT PRIMARY KEY)")
			path := file(t, strings.ReplaceAll(idleFile, "GTID", gtid))
			caughtUp := func(what string) (s *pipeline.Status) {
				t.Helper()
				until(t, what, func() (string, bool) {
					s = status(t, path)
					kept, server := s.Source.Kept, s.Source.Server
					state := fmt.Sprintf("kept %+v, server %+v", kept, server)
					return state, kept != nil && server != nil && kept.GTID == server.GTID && kept.File == server.File && len(s.Source.Processes) > 0
				})
				return s
			}
			p := runPipeline(t, path)
			for round := range 3 {
				for i := range 20 {
					source.exec(t, fmt.Sprintf("INSERT INTO noise.stock VALUES (%d)", 100*round+i))
				}
				source.exec(t, "FLUSH BINARY LOGS")
				caughtUp("others write")
				source.exec(t, "FLUSH BINARY LOGS") // and nothing at all is written
				at := caughtUp("nobody writes").Source.Kept
				p.kill()
				source.exec(t, "PURGE BINARY LOGS TO '"+at.File+"'")
				if logs := source.rows(t.Context(), "SHOW BINARY LOGS"); strings.Count(logs, "\n") != 1 {
					t.Fatalf("the server has\n%s", logs)
				}
				p = runPipeline(t, path)
				source.exec(t, fmt.Sprintf("INSERT INTO idle.stock VALUES (%d)", 10+round))
				until(t, "the change behind what was purged", func() (string, bool) {
					out, _, _ := skein(t, "consume", "idle-"+gtid+".idle.stock", "--bootstrap-server", shared.broker.Addr(), "--from-beginning", "-e", "-o", "json")
					return out + p.log.String(), strings.Contains(out, fmt.Sprintf(`\"after\":{\"id\":%d}`, 10+round))
				})
			}
			beats := func() int {
				out, _, _ := skein(t, "consume", "__debezium-heartbeat.idle-"+gtid, "--bootstrap-server", shared.broker.Addr(), "--from-beginning", "-e", "-o", "json")
				return strings.Count(out, "ts_ms")
			}
			before := beats()
			until(t, "heartbeats", func() (string, bool) { n := beats(); return fmt.Sprint(n), n > before+2 })
			p.stop()
		})
	}
}
