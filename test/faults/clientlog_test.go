//go:build linux

package faults

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// clientLogs names the variable that names a folder for what the clients log, each into a file of its own.
const clientLogs = "SKEIN_FAULTS_LOGS"

// clientLog is where a client of a test logs. It is closed when the test has ended.
func clientLog(t *testing.T, name string) io.Writer {
	t.Helper()
	dir := os.Getenv(clientLogs)
	if dir == "" {
		return io.Discard
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+"."+name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}
