package family

import (
	"context"
	"os/exec"
	"path/filepath"

	"github.com/skein-io/skein/test/services"
)

const (
	confluentVersion   = "2.16.1"
	kafkaPythonVersion = "3.0.12"
)

// pythonPackages go into one virtual environment, pinned.
var pythonPackages = []string{
	"confluent-kafka==" + confluentVersion, "kafka-python==" + kafkaPythonVersion,
	"python-snappy==0.7.3", "lz4==4.4.5", "zstandard==0.25.0",
}

// python starts one of the programs in clients/python.
func python(program string) func(context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		dir, err := services.Once("python-"+confluentVersion+"-"+kafkaPythonVersion, func(dir string) error {
			if err := run(exec.CommandContext(ctx, "python3", "-m", "venv", dir)); err != nil {
				return err
			}
			args := append([]string{"install", "--quiet", "--disable-pip-version-check"}, pythonPackages...)
			return run(exec.CommandContext(ctx, filepath.Join(dir, "bin", "pip"), args...))
		})
		if err != nil {
			return nil, err
		}
		source, err := clientSource("python", program)
		return []string{filepath.Join(dir, "bin", "python"), source}, err
	}
}
