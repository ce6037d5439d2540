// Command start runs one broker or database in the foreground, for trying things by hand:
//
//	go run ./test/services/start [-kafka | -hbase | -zookeeper | -skein BINARY] [-port N] [-dir DIR] [name=value...]
//
// It prints the address when the broker answers and ends it on Ctrl-C.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/skein-io/skein/test/services"
)

func main() {
	kafka := flag.Bool("kafka", false, "run Apache Kafka instead of skein")
	hbase := flag.Bool("hbase", false, "run Apache HBase instead of skein; the address is ZooKeeper's")
	zookeeper := flag.Bool("zookeeper", false, "run Apache ZooKeeper, alone, instead of skein")
	binary := flag.String("skein", "bin/skein", "the skein binary")
	port := flag.Int("port", 0, "port to listen on; 0 means a free one")
	dir := flag.String("dir", "out/broker", "folder for data and log output")
	flag.Parse()
	if err := run(*kafka, *hbase, *zookeeper, *binary, services.Options{Dir: *dir, Port: *port, Properties: properties(flag.Args())}); err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(1)
	}
}

func run(kafka, hbase, zookeeper bool, binary string, o services.Options) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	broker, err := prepare(kafka, hbase, zookeeper, binary, o)
	if err != nil {
		return err
	}
	if err := broker.Start(ctx); err != nil {
		return err
	}
	fmt.Printf("%s on %s, pid %d, log in %s\n", broker.Name(), broker.Addr(), broker.PID(), broker.Dir())
	<-ctx.Done()
	return broker.Stop()
}

// service is what all that can be started have in common.
type service interface {
	Name() string
	Addr() string
	Dir() string
	PID() int
	Start(ctx context.Context) error
	Stop() error
}

func prepare(kafka, hbase, zookeeper bool, binary string, o services.Options) (service, error) {
	switch {
	case kafka:
		return services.NewKafka(o, services.JVM{})
	case hbase:
		return services.NewHBase(o, services.JVM{}, 1)
	case zookeeper:
		e, err := services.NewZooKeeper(o, 1)
		if err != nil {
			return nil, err
		}
		return e.Servers[0], nil
	}
	return services.NewSkein(binary, o)
}

// properties turns name=value arguments into a map.
func properties(args []string) map[string]string {
	all := map[string]string{}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		all[name] = value
	}
	return all
}
