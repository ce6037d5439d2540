package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// heardMax is how old what a service told may be: it tells it each second.
const heardMax = 15 * time.Second

// Listed returns the files of a folder, and what a service makes of them. served is false if none runs there: then the files are
// looked at here.
func Listed(dir string) (files []Served, served bool, err error) {
	there := &service{dir: dir}
	found, err := there.scan()
	if err != nil {
		return nil, false, err
	}
	var said told
	text, err := os.ReadFile(filepath.Join(dir, serviceFile))
	if err == nil && json.Unmarshal(text, &said) == nil {
		served = time.Since(said.At) < heardMax
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, false, err
	}
	files = []Served{}
	for name, f := range found {
		one := Served{File: name, State: "not run"}
		if at := slices.IndexFunc(said.Files, func(s Served) bool { return s.File == name }); served && at >= 0 {
			one = said.Files[at]
		} else if c, err := Load(filepath.Join(dir, name)); err != nil {
			one.State, one.Problem = Broken, err.Error()
		} else {
			one.Pipeline = c.Name
		}
		if f.paused && !served {
			one.State = Paused
		}
		files = append(files, one)
	}
	for _, f := range said.Files {
		if _, there := found[f.File]; served && !there && f.State == string(Running) {
			f.State = Ending
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b Served) int { return strings.Compare(a.File, b.File) })
	return files, served, nil
}

// inFolder are the files that Listed finds, without those that are gone.
func inFolder(dir string) ([]Served, error) {
	files, _, err := Listed(dir)
	return slices.DeleteFunc(files, func(s Served) bool { return s.State == Ending }), err
}

// inDir finds a file of a folder, by its name or that of its pipeline.
func inDir(dir, name string) (string, error) {
	files, err := inFolder(dir)
	if err != nil {
		return "", err
	}
	var names []string
	for _, f := range files {
		if f.File == name || f.Pipeline == name || strings.TrimSuffix(f.File, filepath.Ext(f.File)) == name {
			return f.File, nil
		}
		names = append(names, f.File)
	}
	if len(names) == 0 {
		return "", fmt.Errorf("%s has no pipeline", dir)
	}
	return "", fmt.Errorf("%s has no pipeline %s: it has %s", dir, name, strings.Join(names, ", "))
}

// Pause lets the service of a folder end a pipeline, named by its file or by itself, until it is resumed. It returns its file.
func Pause(dir, name string) (string, error) {
	file, err := inDir(dir, name)
	if err != nil {
		return "", err
	}
	return file, os.WriteFile(filepath.Join(dir, file+pausedSuffix), nil, 0o600)
}

// Resume takes Pause back, or lets a pipeline that has failed or ended begin again. It returns its file.
func Resume(dir, name string) (string, error) {
	file, err := inDir(dir, name)
	if err != nil {
		return "", err
	}
	if err = os.Remove(filepath.Join(dir, file+pausedSuffix)); !errors.Is(err, os.ErrNotExist) {
		return file, err
	}
	files, err := inFolder(dir)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if f.File == file && (f.State == string(Failed) || f.State == string(Ended)) {
			now := time.Now() // a file that has changed is begun anew
			return file, os.Chtimes(filepath.Join(dir, file), now, now)
		}
	}
	return file, fmt.Errorf("%s is neither paused nor failed", file)
}

// Add puts a file into a folder, if it is without faults and no other has its name. It returns its name there.
func Add(dir, path string) (string, error) {
	c, err := Load(path)
	if err != nil {
		return "", err
	}
	name := filepath.Base(path)
	if !isPipelineFile(name) {
		return "", fmt.Errorf("%s: a pipeline's file ends in .yaml or .yml", path)
	}
	files, err := inFolder(dir)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if f.File == name || f.Pipeline == c.Name {
			return "", fmt.Errorf("%s has the pipeline %s already, in %s", dir, f.Pipeline, f.File)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return name, replace(filepath.Join(dir, name), text)
}

// Remove takes a file out of a folder: the service ends it. What its group has acknowledged and its source has kept stays. It returns
// its name.
func Remove(dir, name string) (string, error) {
	file, err := inDir(dir, name)
	if err != nil {
		return "", err
	}
	if err := os.Remove(filepath.Join(dir, file)); err != nil {
		return "", err
	}
	if err := os.Remove(filepath.Join(dir, file+pausedSuffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return file, err
	}
	return file, nil
}
