package main

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// load reads the schemas of all sources, sorted by name. The same schema may come twice, different ones of one name
// may not.
func load(sources []string) ([]messageSpec, error) {
	byName := map[string]messageSpec{}
	for _, source := range sources {
		err := eachSchema(source, func(where string, text []byte) error {
			spec, err := parseSchema(text)
			if err != nil {
				return fmt.Errorf("%s: %w", where, err)
			}
			if old, seen := byName[spec.Name]; seen && !reflect.DeepEqual(old, spec) {
				return fmt.Errorf("%s: another version of %s was read before; give the jars of one release", where, spec.Name)
			}
			byName[spec.Name] = spec
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	specs := make([]messageSpec, 0, len(byName))
	for _, spec := range byName {
		specs = append(specs, spec)
	}
	slices.SortFunc(specs, func(a, b messageSpec) int { return strings.Compare(a.Name, b.Name) })
	if len(specs) == 0 {
		return nil, fmt.Errorf("no schema in %s", strings.Join(sources, ", "))
	}
	return specs, nil
}

// eachSchema calls visit for every schema in a jar, a JSON file, or a folder of those.
func eachSchema(source string, visit func(where string, text []byte) error) error {
	return filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir():
			return err
		case strings.HasSuffix(path, ".jar"):
			return eachInJar(path, visit)
		case strings.HasSuffix(path, ".json"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return visit(path, text)
		}
		return nil
	})
}

func eachInJar(path string, visit func(where string, text []byte) error) error {
	jar, err := zip.OpenReader(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer jar.Close()
	for _, entry := range jar.File {
		if !strings.HasSuffix(entry.Name, ".json") || !strings.HasPrefix(entry.Name, "common/") {
			continue
		}
		text, err := readEntry(entry)
		if err == nil {
			err = visit(path+":"+entry.Name, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func readEntry(entry *zip.File) ([]byte, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
