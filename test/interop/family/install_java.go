package family

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/skein-io/skein/test/services"
)

// java resolves one version of kafka-clients and compiles the program in
// clients/java against it.
func java(version string) func(context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		lib, err := services.Jars("java-clients-"+version, "org.apache.kafka:kafka-clients:"+version,
			"com.google.code.gson:gson:2.10.1", "org.slf4j:slf4j-simple:1.7.36")
		if err != nil {
			return nil, err
		}
		sources, mark, err := javaSources()
		if err != nil {
			return nil, err
		}
		classes, err := services.Once("java-classes-"+version+"-"+mark, func(dir string) error {
			args := append([]string{"-nowarn", "-Xlint:none", "-cp", lib + "/*", "-d", dir}, sources...)
			return run(exec.CommandContext(ctx, "javac", args...))
		})
		if err != nil {
			return nil, err
		}
		return []string{"java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto",
			"-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", classes + ":" + lib + "/*", "interop.Main"}, nil
	}
}

// javaSources lists the program's files and a mark that changes with them.
func javaSources() ([]string, string, error) {
	pattern, err := clientSource("java", "interop", "*.java")
	if err != nil {
		return nil, "", err
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.New()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, "", err
		}
		sum.Write(text)
	}
	return files, fmt.Sprintf("%x", sum.Sum(nil)[:6]), nil
}
