package services

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Jars resolves Maven coordinates (group:artifact:version) with everything
// they need at run time into one folder of the cache, and returns it.
func Jars(name string, coordinates ...string) (string, error) {
	return Once(name, func(dir string) error {
		pom := filepath.Join(dir, "pom.xml")
		if err := os.WriteFile(pom, projectFile(name, coordinates), 0o644); err != nil {
			return err
		}
		mvn := exec.Command("mvn", "-B", "-q", "-f", pom, "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+dir)
		if out, err := mvn.CombinedOutput(); err != nil {
			return fmt.Errorf("mvn: %w\n%s", err, out[max(0, len(out)-3000):])
		}
		return nil
	})
}

// projectFile is the smallest Maven project that depends on the coordinates.
func projectFile(name string, coordinates []string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<project><modelVersion>4.0.0</modelVersion>"+
		"<groupId>skein.test</groupId><artifactId>%s</artifactId><version>1</version><dependencies>\n", name)
	for _, c := range coordinates {
		part := strings.SplitN(c, ":", 3)
		fmt.Fprintf(&b, "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n",
			part[0], part[1], part[2])
	}
	b.WriteString("</dependencies></project>\n")
	return b.Bytes()
}
