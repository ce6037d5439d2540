// Command syncdemo shows a pipeline at work in a terminal, on real servers that it starts and ends: MariaDB, Apache HBase and a broker
// of skein. It runs examples/sync/pipeline.yaml with their addresses.
//
//	go run ./test/syncdemo [-skein BINARY]
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/test/services"
)

func main() {
	binary := flag.String("skein", "bin/skein", "the skein binary")
	file := flag.String("file", "examples/sync/pipeline.yaml", "the pipeline")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *binary, *file); err != nil {
		fmt.Fprintln(os.Stderr, "syncdemo:", err)
		os.Exit(1)
	}
}

// demo is what the show works with.
type demo struct {
	binary, file string
	db           *sql.DB
	hbase        *client.Client
}

// server is what is started and ended.
type server interface {
	Addr() string
	Start(ctx context.Context) error
	Kill() error
}

func run(ctx context.Context, binary, file string) (err error) {
	dir, err := os.MkdirTemp("", "skein-sync-demo")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	say("Starting MariaDB, HBase and a broker; the first time HBase is fetched, which takes minutes.")
	mariadb, err := services.NewMariaDB(services.Options{Dir: filepath.Join(dir, "mariadb"), Properties: map[string]string{
		"log-bin": "binlog", "binlog-format": "ROW", "binlog-row-image": "FULL", "binlog-row-metadata": "FULL", "server-id": "1"}})
	if err != nil {
		return err
	}
	hbase, err := services.NewHBase(services.Options{Dir: filepath.Join(dir, "hbase"), ReadyTimeout: 4 * time.Minute}, services.JVM{}, 1)
	if err != nil {
		return err
	}
	broker, err := services.NewSkein(binary, services.Options{Dir: filepath.Join(dir, "broker")})
	if err != nil {
		return err
	}
	for _, s := range []server{mariadb, broker, hbase} {
		if err := s.Start(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Kill()) }() // the data is thrown away
	}
	d := &demo{binary: binary, file: filepath.Join(dir, "pipeline.yaml")}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	addresses := strings.NewReplacer("127.0.0.1:9092", broker.Addr(), "127.0.0.1:3306", mariadb.Addr(), "127.0.0.1:2181", hbase.Addr())
	if err := os.WriteFile(d.file, []byte(addresses.Replace(string(text))), 0o600); err != nil {
		return err
	}
	if err := os.Setenv("SHOP_PASSWORD", services.MariaDBPassword); err != nil {
		return err
	}
	if err := d.connect(ctx, mariadb.Addr(), hbase.Addr()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.db.Close(), d.hbase.Close()) }()
	return d.show(ctx)
}

func (d *demo) connect(ctx context.Context, mariadb, zookeeper string) (err error) {
	c := driver.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr = services.MariaDBUser, services.MariaDBPassword, "tcp", mariadb
	connector, err := driver.NewConnector(c)
	if err != nil {
		return err
	}
	d.db = sql.OpenDB(connector)
	if d.hbase, err = client.Open(client.Options{ZooKeeper: []string{zookeeper}}); err != nil {
		return err
	}
	for d.db.PingContext(ctx) != nil { // it greets before it has made the account
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

const table = "orders (id BIGINT PRIMARY KEY, state VARCHAR(20) NOT NULL, amount DECIMAL(10,2) NOT NULL)"

func (d *demo) show(ctx context.Context) error {
	say("A shop with 1,000 orders; and what skein sync check says before it runs.")
	if err := d.exec(ctx, "CREATE DATABASE shop", "CREATE DATABASE archive", "CREATE TABLE shop."+table, "CREATE TABLE archive."+table,
		"INSERT INTO shop.orders SELECT seq, 'new', seq / 4 FROM shop.seq_1_to_1000"); err != nil {
		return err
	}
	if err := d.skein(ctx, "check", d.file); err != nil {
		return err
	}
	say("skein sync run: the snapshot of the table, then what changes.")
	process, err := d.start()
	if err != nil {
		return err
	}
	defer func() { _ = process.Kill() }()
	if err := d.settled(ctx, 1000); err != nil {
		return err
	}
	if err := d.skein(ctx, "status", d.file); err != nil {
		return err
	}
	say("10,000 updates while the process is killed in the middle, and started again.")
	for i := range 100 {
		if err := d.exec(ctx, fmt.Sprintf("UPDATE shop.orders SET state = 'paid %d', amount = amount + 1 WHERE id %% 10 = %d", i, i%10)); err != nil {
			return err
		}
		if i == 50 {
			if err := process.Kill(); err != nil {
				return err
			}
			_, _ = process.Wait()
			if process, err = d.start(); err != nil {
				return err
			}
		}
	}
	if err := d.exec(ctx, "DELETE FROM shop.orders WHERE id > 990"); err != nil {
		return err
	}
	if err := d.settled(ctx, 990); err != nil {
		return err
	}
	if err := d.skein(ctx, "status", d.file); err != nil {
		return err
	}
	say("Row 7 in MariaDB, and in HBase with the version that guards it.")
	if err := d.row(ctx); err != nil {
		return err
	}
	say("SIGTERM: what was read is written and acknowledged.")
	if err := process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	state, err := process.Wait()
	if err != nil {
		return err
	}
	fmt.Println(state)
	return nil
}

func say(text string) { fmt.Printf("\n\x1b[1m%s\x1b[0m\n", text) }

func (d *demo) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := d.db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func (d *demo) skein(ctx context.Context, args ...string) error {
	fmt.Println("$ skein sync", args[0], filepath.Base(args[1]))
	c := exec.CommandContext(ctx, d.binary, append([]string{"sync"}, args...)...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c.Run()
}

// start runs the pipeline; its log goes beside its file.
func (d *demo) start() (*os.Process, error) {
	log, err := os.OpenFile(d.file+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	c := exec.Command(d.binary, "sync", "run", d.file)
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		return nil, err
	}
	return c.Process, nil
}

// settledMax bounds how long both targets may take to be as the source is.
const settledMax = 5 * time.Minute

// settled waits until both targets have so many rows, and the same sum as the source's.
func (d *demo) settled(ctx context.Context, rows int) error {
	ctx, cancel := context.WithTimeout(ctx, settledMax)
	defer cancel()
	for begin := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		want, got, hbase := d.sum(ctx, "shop.orders"), d.sum(ctx, "archive.orders"), d.hbaseSum(ctx)
		if got == want && hbase == want && strings.HasPrefix(want, fmt.Sprintf("%d rows", rows)) {
			fmt.Printf("HBase and the archive are as the source is: %s, after %v\n", want, time.Since(begin).Round(100*time.Millisecond))
			return nil
		}
		if ctx.Err() != nil {
			log, _ := os.ReadFile(d.file + ".log")
			return fmt.Errorf("the source has %s, the archive %s, HBase %s: %w\n%s", want, got, hbase, ctx.Err(), log[max(0, len(log)-3000):])
		}
	}
}

func (d *demo) sum(ctx context.Context, table string) string {
	var n int
	var sum sql.NullString
	if err := d.db.QueryRowContext(ctx, "SELECT COUNT(*), SUM(amount) FROM "+table).Scan(&n, &sum); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d rows, sum %s", n, sum.String)
}

// hbaseSum is sum of the rows in HBase that are not deleted. All amounts are quarters, which are exact.
func (d *demo) hbaseSum(ctx context.Context) string {
	n, sum := 0, 0.0
	for row, err := range d.hbase.Rows(ctx, "orders", client.Scan{}) {
		if err != nil {
			return err.Error()
		}
		if row.Value([]byte("update_info"), []byte("deleted")) != nil {
			continue
		}
		cell := row.Value([]byte("d"), []byte("amount"))
		if cell == nil {
			return fmt.Sprintf("a row %q without an amount", row.Key)
		}
		amount, err := strconv.ParseFloat(string(cell.Value), 64)
		if err != nil {
			return err.Error()
		}
		n, sum = n+1, sum+amount
	}
	return fmt.Sprintf("%d rows, sum %.2f", n, sum)
}

func (d *demo) row(ctx context.Context) error {
	var state, amount string
	if err := d.db.QueryRowContext(ctx, "SELECT state, amount FROM shop.orders WHERE id = 7").Scan(&state, &amount); err != nil {
		return err
	}
	fmt.Printf("MariaDB  id 7, state %q, amount %s\n", state, amount)
	for row, err := range d.hbase.Rows(ctx, "orders", client.Scan{}) {
		if err != nil {
			return err
		}
		if string(row.Key[1:]) != "7" { // behind the salt
			continue
		}
		for _, c := range row.Cells {
			fmt.Printf("HBase    %q %s:%s = %s\n", row.Key, c.Family, c.Qualifier, shown(c.Family, c.Value))
		}
	}
	return nil
}

func shown(family, value []byte) string {
	if string(family) == "update_info" {
		return fmt.Sprintf("%x", value)
	}
	return fmt.Sprintf("%q", value)
}
