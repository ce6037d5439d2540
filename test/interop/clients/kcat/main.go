// Command kcat speaks the line protocol for kcat: each command runs the kcat
// program and turns what it prints into events. kcat tells no offsets of what
// it wrote, has one set of headers a run, and commits by itself.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/skein-io/skein/test/interop/line"
)

// broker is the address of the broker under test.
var broker = os.Args[1]

func main() {
	line.Serve(map[string]line.Handler{
		"produce": produce, "consume": consume, "group": group,
		"list_topics": listTopics, "describe_topic": describeTopic, "describe_cluster": describeCluster, "offsets": offsets,
	})
}

// kcat is the program with a broker, quiet, and the given arguments.
func kcat(args ...string) *exec.Cmd {
	cmd := exec.Command("kcat", append([]string{"-b", broker, "-X", "client.id=interop-kcat"}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd
}

// message is what kcat -J prints.
type message struct {
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	TS        int64    `json:"ts"`
	Key       string   `json:"key"`
	Payload   string   `json:"payload"`
	Headers   []string `json:"headers"`
}

func (m message) event() line.Event {
	e := line.Event{E: line.Rec, P: m.Partition, O: m.Offset, T: m.TS, K: m.Key, V: m.Payload}
	for i := 0; i+1 < len(m.Headers); i += 2 {
		e.H = append(e.H, [2]string{m.Headers[i], m.Headers[i+1]})
	}
	return e
}

// readAhead is how many bytes of kcat's output may wait for take, in the pipe
// and again in the buffer behind it. kcat has committed what it has printed, so
// a member that is to take its time must not print much before: with the usual
// 64 KiB the first member of a group took all of a small topic.
const readAhead = 4096

// eachMessage runs kcat and calls take for every message until take is false.
func eachMessage(cmd *exec.Cmd, take func(message) bool) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := setPipeSize(out.(*os.File), readAhead); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return fmt.Errorf("pipe of kcat: %w", err)
	}
	decoder := json.NewDecoder(bufio.NewReaderSize(out, readAhead))
	for {
		var m message
		if err := decoder.Decode(&m); err == io.EOF {
			return cmd.Wait()
		} else if err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return fmt.Errorf("output of kcat: %w", err)
		}
		if !take(m) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return nil
		}
	}
}

// metadata is what kcat -L -J prints.
type metadata struct {
	Brokers []struct {
		ID int `json:"id"`
	} `json:"brokers"`
	Topics []struct {
		Topic      string            `json:"topic"`
		Partitions []json.RawMessage `json:"partitions"`
	} `json:"topics"`
}

func list(args ...string) (metadata, error) {
	var m metadata
	out, err := kcat(append([]string{"-L", "-J"}, args...)...).Output()
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(out, &m)
}

func listTopics(*line.Session, line.Request) (any, error) {
	m, err := list()
	var names []string
	for _, t := range m.Topics {
		names = append(names, t.Topic)
	}
	return map[string]any{"topics": names}, err
}

func describeTopic(_ *line.Session, r line.Request) (any, error) {
	m, err := list("-t", r.Topic)
	if err != nil {
		return nil, err
	}
	return map[string]any{"partitions": len(m.Topics[0].Partitions)}, nil
}

func describeCluster(*line.Session, line.Request) (any, error) {
	m, err := list()
	return map[string]any{"brokers": len(m.Brokers)}, err
}

// offsets asks with kcat -Q, which prints "topic [partition] offset N".
func offsets(_ *line.Session, r line.Request) (any, error) {
	found := map[string]int64{}
	for name, time := range map[string]int{"earliest": -2, "latest": -1} {
		out, err := kcat("-Q", "-t", fmt.Sprintf("%s:%d:%d", r.Topic, r.Partition, time)).Output()
		if err != nil {
			return nil, err
		}
		var offset int64
		_, text, _ := strings.Cut(string(out), "offset ")
		if _, err := fmt.Sscan(text, &offset); err != nil {
			return nil, fmt.Errorf("output of kcat -Q: %q: %w", out, err)
		}
		found[name] = offset
	}
	return found, nil
}
