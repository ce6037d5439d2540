// Command consumers is one consumer in a process of its own: this project's library, or one of those beside it. Its
// module is apart, because nobody but the benchmark needs the others.
//
//	consumers laps    CLIENT ADDR TOPIC PARTITIONS RECORDS LAPS SECONDS
//	consumers join    CLIENT ADDR TOPIC PARTITIONS MEMBERS SECONDS
//	consumers keyed   ADDR TOPIC KEYS RECORDS SECONDS
//
// It prints one line of JSON. SECONDS is the time after which it gives up.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "consumers:", err)
		os.Exit(1)
	}
}

var commands = map[string]struct {
	args int
	run  func(ctx context.Context, args []string) (any, error)
}{
	"laps":  {6, laps},
	"join":  {5, join},
	"keyed": {4, keyed},
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("which command: laps, join or keyed")
	}
	c, known := commands[args[0]]
	if !known || len(args) != c.args+2 {
		return fmt.Errorf("%q is no command, or its arguments are not right: see the package", args[0])
	}
	seconds, err := strconv.Atoi(args[len(args)-1])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second)
	defer cancel()
	result, err := c.run(ctx, args[1:len(args)-1])
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// numbers reads arguments that are numbers.
func numbers(args ...string) ([]int, error) {
	all := make([]int, len(args))
	for i, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a positive number", arg)
		}
		all[i] = n
	}
	return all, nil
}
