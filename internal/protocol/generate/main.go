// Command generate writes the message types of internal/protocol from Kafka's message schemas. It reads the schemas
// from Kafka's jars, or from folders that hold jars or JSON files, and copies no description out of them. The schemas of
// skein's own APIs, which have keys from 0x4000 on, are in the folder private. It fetches nothing: schemas.sh does. Start with schema.go for what it reads and message.go for what it makes of it.
//
//	go run ./internal/protocol/generate -schemas JAR_OR_FOLDER...
//	go run ./internal/protocol/generate -check -schemas JAR_OR_FOLDER...
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("out", "internal/protocol", "the `folder` of the generated package")
	check := flag.Bool("check", false, "write nothing; name the files that differ and exit with 1 if there are any")
	private := flag.String("private", "internal/protocol/generate/private", "the `folder` with the schemas of skein's own APIs")
	schemas := flag.Bool("schemas", false, "the arguments are jars and folders with the schemas (always so)")
	flag.Parse()
	if !*schemas || flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: generate [-check] [-out FOLDER] -schemas JAR_OR_FOLDER...")
		os.Exit(2)
	}
	if err := run(*out, *check, append(flag.Args(), *private)); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(out string, check bool, sources []string) error {
	specs, err := load(sources)
	if err != nil {
		return err
	}
	files, err := generate(specs)
	if err != nil {
		return err
	}
	if check {
		return compare(out, files)
	}
	return write(out, files)
}
