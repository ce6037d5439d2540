package endtoend

import (
	"fmt"

	"github.com/skein-io/skein/test/services"
)

// pipeline is the file that `skein sync run` takes.
func (w *world) pipeline() string {
	return fmt.Sprintf(`
name: shop
brokers: {addresses: %s}
topics: {partitions: %d}
source:
  connector: mariadb
  address: %s
  user: %s
  password: {env: SKEIN_DATABASE_PASSWORD}
  server-id: 4711
  tables: [shop.*]
sinks:
  - type: hbase
    zookeeper: %s
    create: true
    tables: [shop.*]
  - type: mysql
    address: %s
    user: %s
    password: {env: SKEIN_DATABASE_PASSWORD}
    database: shop
    tables: [shop.*]
`, w.broker.Addr(), topicPartitions, w.source.Addr(), services.MariaDBUser, w.hbase.Addr(), w.target.Addr(), services.MariaDBUser)
}
