package services

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// KafkaJars resolves Apache Kafka's broker and tools and returns their folder.
func KafkaJars() (string, error) {
	return Jars("kafka-"+KafkaVersion,
		"org.apache.kafka:kafka_2.13:"+KafkaVersion,
		"org.apache.kafka:kafka-tools:"+KafkaVersion,
		"org.apache.logging.log4j:log4j-slf4j-impl:2.25.4")
}

// Tool is a class of Kafka's distribution as a command that has not run yet.
// lib is the folder that KafkaJars returned. The JVM is set up to start fast.
func Tool(ctx context.Context, lib, class string, args ...string) *exec.Cmd {
	all := []string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"}
	if config, err := toolLogging(); err == nil {
		all = append(all, "-Dlog4j2.configurationFile="+config)
	}
	all = append(all, "-cp", lib+"/*", class)
	cmd := exec.CommandContext(ctx, "java", append(all, args...)...)
	cmd.SysProcAttr = dieWithParent()
	return cmd
}

// toolLogging writes the tools' logging file once: errors only, to stderr.
func toolLogging() (string, error) {
	dir, err := Once("tool-logging", func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "log4j2.xml"), []byte(logging("ERROR")), 0o644)
	})
	return filepath.Join(dir, "log4j2.xml"), err
}

// logging is a log4j2 configuration that writes everything to stderr.
func logging(level string) string {
	return fmt.Sprintf(`<Configuration status="error">
  <Appenders><Console name="err" target="SYSTEM_ERR"><PatternLayout pattern="%%d %%p %%c{1}: %%m%%n"/></Console></Appenders>
  <Loggers><Root level="%s"><AppenderRef ref="err"/></Root></Loggers>
</Configuration>
`, level)
}
