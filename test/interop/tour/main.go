// Command tour plays the scenes of `skein tour --check` on Apache Kafka and on
// skein and compares the facts that come from the wire, from the consumer library, or
// from a model beside both: what both brokers answered real consumers to the same faults.
// Each fact must hold on both, and be the same on both.
//
//	go run ./tour [-skein BINARY] [-scene NAME]
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/skein-io/skein/test/services"
)

func main() {
	binary := flag.String("skein", "../../bin/skein", "the skein binary")
	out := flag.String("out", "../../out/tour", "folder for the brokers' data")
	scene := flag.String("scene", "", "only this scene")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	differences, err := run(ctx, *binary, *out, *scene)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tour:", err)
		os.Exit(2)
	}
	if differences > 0 {
		os.Exit(1)
	}
}

// result is a scene as `skein tour --check` prints it.
type result struct {
	Scene string `json:"scene"`
	OK    bool   `json:"ok"`
	Error string `json:"error"`
	Facts []fact `json:"facts"`
}

type fact struct {
	Step   string          `json:"step"`
	Name   string          `json:"name"`
	Source string          `json:"source"`
	Got    json.RawMessage `json:"got"`
	OK     bool            `json:"ok"`
}

func run(ctx context.Context, binary, out, scene string) (int, error) {
	if err := os.RemoveAll(out); err != nil {
		return 0, err
	}
	properties := map[string]string{"group.initial.rebalance.delay.ms": "1000", "offsets.topic.num.partitions": "50"}
	kafka, err := services.NewKafka(services.Options{Dir: filepath.Join(out, "kafka"), Properties: properties}, services.JVM{})
	if err != nil {
		return 0, err
	}
	skein, err := services.NewSkein(binary, services.Options{Dir: filepath.Join(out, "skein"), Properties: properties})
	if err != nil {
		return 0, err
	}
	var played [2][]result
	for i, broker := range []services.Broker{kafka, skein} {
		if err := broker.Start(ctx); err != nil {
			return 0, err
		}
		played[i], err = play(ctx, binary, broker.Addr(), scene)
		_ = broker.Kill()
		if err != nil {
			return 0, err
		}
	}
	return compare(played[0], played[1]), nil
}

// play runs the tour of the binary against a broker.
func play(ctx context.Context, binary, addr, scene string) ([]result, error) {
	args := []string{"tour", "--check", "--bootstrap-server", addr}
	if scene != "" {
		args = append(args, scene)
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	failed := cmd.Run() // a fact that does not hold fails it too
	var results []result
	if err := json.Unmarshal(stdout.Bytes(), &results); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", args, failed, stderr.String())
	}
	return results, nil
}

// compare prints what does not hold and what differs, and counts it.
func compare(kafka, skein []result) int {
	wrong, same := 0, 0
	report := func(format string, args ...any) {
		wrong++
		fmt.Printf(format+"\n", args...)
	}
	if len(kafka) != len(skein) || len(kafka) == 0 {
		report("%d scenes on Kafka, %d on skein", len(kafka), len(skein))
		return wrong
	}
	for i := range kafka {
		k, s := kafka[i], skein[i]
		if k.Error != "" || s.Error != "" || len(k.Facts) != len(s.Facts) {
			report("scene %s: Kafka: %d facts %s, skein: %d facts %s", k.Scene, len(k.Facts), k.Error, len(s.Facts), s.Error)
			continue
		}
		for n := range k.Facts {
			a, b := k.Facts[n], s.Facts[n]
			switch {
			case a.Name != b.Name || a.Source != b.Source || a.Source != "wire" && a.Source != "client" && a.Source != "model" && a.Source != "rule":
				report("scene %s: the facts are not the same: %s/%s and %s/%s", k.Scene, a.Step, a.Name, b.Step, b.Name)
			case !a.OK || !b.OK || !bytes.Equal(compact(a.Got), compact(b.Got)):
				report("scene %s, step %s, %s: Kafka %s (holds: %v), skein %s (holds: %v)", k.Scene, a.Step, a.Name, compact(a.Got), a.OK, compact(b.Got), b.OK)
			default:
				same++
			}
		}
	}
	fmt.Printf("%d facts are the same on Apache Kafka %s and on skein, %d are not\n", same, services.KafkaVersion, wrong)
	return wrong
}

func compact(raw json.RawMessage) []byte {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}
