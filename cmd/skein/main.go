// Command skein is the broker and its tools in one binary.
package main

import (
	"os"

	"github.com/skein-io/skein/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
