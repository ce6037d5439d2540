package family

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/skein-io/skein/test/services"
)

// sourceDir is the folder of the interop module, found from this file.
func sourceDir() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("the interop module's folder is unknown")
	}
	return filepath.Dir(filepath.Dir(file)), nil
}

// clientSource is a path under clients/.
func clientSource(parts ...string) (string, error) {
	dir, err := sourceDir()
	return filepath.Join(append([]string{dir, "clients"}, parts...)...), err
}

// run runs an installer and puts the end of its output into the error.
func run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out[max(0, len(out)-2000):])
	}
	return nil
}

// goProgram builds one of the Go programs under clients/. The go command
// decides whether there is something to do.
func goProgram(name string) func(context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		cache, err := services.Cache()
		if err != nil {
			return nil, err
		}
		source, err := sourceDir()
		if err != nil {
			return nil, err
		}
		binary := filepath.Join(cache, "bin", name)
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./clients/"+name)
		build.Dir = source
		return []string{binary}, run(build)
	}
}

// kcat is Debian's; the Go program beside it speaks the line protocol for it.
func kcat(ctx context.Context) ([]string, error) {
	if _, err := exec.LookPath("kcat"); err != nil {
		if err := debianPackage(ctx, "kcat"); err != nil {
			return nil, err
		}
	}
	return goProgram("kcat")(ctx)
}

// debianPackage installs a package with apt-get, as root only.
func debianPackage(ctx context.Context, name string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%s is not installed; run: apt-get install %s", name, name)
	}
	if err := run(exec.CommandContext(ctx, "apt-get", "update", "-qq")); err != nil {
		return err
	}
	return run(exec.CommandContext(ctx, "apt-get", "install", "-y", "-qq", name))
}

const kafkajsVersion = "2.2.4"

// kafkajs goes into a folder of the cache together with its snappy codec.
func kafkajs(ctx context.Context) ([]string, error) {
	dir, err := services.Once("kafkajs-"+kafkajsVersion, func(dir string) error {
		npm := exec.CommandContext(ctx, "npm", "install", "--no-save", "--no-audit", "--no-fund", "--silent",
			"--prefix", dir, "kafkajs@"+kafkajsVersion, "kafkajs-snappy@1.1.0")
		npm.Dir = dir
		return run(npm)
	})
	if err != nil {
		return nil, err
	}
	source, err := clientSource("kafkajs", "client.js")
	return []string{"env", "NODE_PATH=" + filepath.Join(dir, "node_modules"), "KAFKAJS_NO_PARTITIONER_WARNING=1", "node", source}, err
}
