package tour

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/skein-io/skein/internal/tour/lane"
	"github.com/skein-io/skein/internal/tour/text"
)

// Scene shows one thing. Its Name is the first part of the keys of its words: NAME.title, NAME.about, and NAME.STEP for
// what each step says.
type Scene struct {
	Name string
	// Cluster says that it needs several brokers, and what may be done to them (Broker.Faults).
	Cluster bool
	// Begin makes the steps, which share what they need. They are done in order, on a broker of their own.
	Begin func(*Act) []Step
}

// Step is one part of a scene: something happens, and what it left behind is shown.
type Step struct {
	Name string
	// Key makes it a fault that a person at a terminal chooses, as often as wanted. It is 0 for a step of every run.
	Key rune
	Do  func() error
}

// Scenes is every scene, in the order in which they are best seen.
func Scenes() []Scene {
	return []Scene{coordinatorScene, joinScene, membersScene, commitsScene, replicasScene, electionsScene, controllerScene, recordScene, herdScene, newestScene}
}

// Find is the scene with a name, or with a number: 1 is the first of Scenes.
func Find(name string) (Scene, bool) {
	for i, s := range Scenes() {
		if name == s.Name || name == strconv.Itoa(i+1) {
			return s, true
		}
	}
	return Scene{}, false
}

// Page is what a Viewer is shown of a step: before it without evidence, after it with.
type Page struct {
	Scene, Step   string
	Title         string // of the scene
	About         string // of the scene; on its first page only
	Number, Total int    // of the step, from 1
	Broker        string // host:port, for those who want to look with other tools
	Say           string // what will happen, and why
	Chosen        bool   // a person chose it just now

	Sheet  lane.Sheet
	Tables []Table
	Facts  []Fact
}

// Table is evidence in rows.
type Table struct {
	Header []string
	Rows   [][]string
}

// Viewer shows a run to somebody. Its methods are called one at a time.
type Viewer interface {
	// Before announces a step. It returns when the step may be done, or an error that ends the run.
	Before(*Page) error
	// After shows what the step led to.
	After(*Page) error
	// Choose lets a person choose one of the faults. ok is false where nobody is there to choose; a nil step ends the scene.
	Choose(faults []Step) (chosen *Step, ok bool, err error)
}

// Result is what a scene showed: the document of `skein tour --check`.
type Result struct {
	Scene string `json:"scene"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	Facts []Fact `json:"facts"`
}

// ErrEnded is what a Viewer returns whose person has seen enough.
var ErrEnded = errors.New("the tour was ended")

// Run plays scenes one after the other, each on a broker or a cluster that open starts. The error is of the viewer or of open; what
// goes wrong in a scene is in its Result.
func Run(ctx context.Context, scenes []Scene, open func(Scene) (*Broker, error), words text.Language, view Viewer) ([]Result, error) {
	var results []Result
	for _, scene := range scenes {
		broker, err := open(scene)
		if err != nil {
			return results, err
		}
		result, err := play(ctx, scene, broker, words, view)
		broker.Close()
		if err != nil {
			return results, err
		}
		results = append(results, result)
	}
	return results, nil
}

// sceneLimit ends a scene that hangs. Nobody is waited for in it: what people take to read does not count.
const sceneLimit = 2 * time.Minute

func play(ctx context.Context, scene Scene, broker *Broker, words text.Language, view Viewer) (Result, error) {
	a := &Act{broker: broker, words: words, scene: scene.Name, begun: time.Now(), lanes: []string{words.Say("lane.coordinator")},
		topic: "orders", group: "readers"}
	if broker.Keeps {
		a.topic, a.group = "skein-tour-"+scene.Name, "skein-tour-"+scene.Name
	}
	defer a.close()
	result := Result{Scene: scene.Name, Facts: []Fact{}}
	run := stepper{Act: a, view: view, result: &result, limit: sceneLimit}
	err := run.all(ctx, scene.Begin(a))
	if failed := (*stepError)(nil); errors.As(err, &failed) {
		result.Error, err = failed.Error(), nil
	}
	result.OK = result.Error == ""
	for _, f := range result.Facts {
		result.OK = result.OK && f.OK
	}
	return result, err
}

// stepError is a step that could not be done: the scene has failed, the tour goes on.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return fmt.Sprintf("step %s: %v", e.step, e.err) }

// stepper takes a scene from step to step.
type stepper struct {
	*Act
	view   Viewer
	result *Result
	limit  time.Duration
	number int
	total  int
}

func (s *stepper) all(ctx context.Context, steps []Step) error {
	s.total = len(steps)
	for i := range steps {
		if steps[i].Key != 0 {
			return s.faults(ctx, steps[i:])
		}
		if err := s.one(ctx, &steps[i], false); err != nil {
			return err
		}
	}
	return nil
}

// faults does what a person chooses, or everything in order.
func (s *stepper) faults(ctx context.Context, steps []Step) error {
	for next := 0; ; next++ {
		chosen, asked, err := s.view.Choose(steps)
		switch {
		case err != nil:
			return err
		case asked && chosen == nil:
			return nil
		case !asked && next == len(steps):
			return nil
		case !asked:
			chosen = &steps[next]
		}
		if err := s.one(ctx, chosen, asked); err != nil {
			return err
		}
	}
}

func (s *stepper) one(ctx context.Context, step *Step, chosen bool) error {
	s.number++
	page := &Page{Scene: s.scene, Step: step.Name, Title: s.words.Say(s.scene + ".title"), Number: s.number, Total: max(s.total, s.number),
		Broker: s.broker.Bootstrap, Say: s.words.Say(s.scene + "." + step.Name), Chosen: chosen}
	if s.number == 1 {
		page.About = s.words.Say(s.scene + ".about")
	}
	if err := s.view.Before(page); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	s.ctx, s.step, s.facts, s.tables = limited, step.Name, nil, nil
	failed := step.Do()
	if ctx.Err() != nil {
		return ErrEnded
	}
	sheet, err := s.sheet()
	if failed == nil {
		failed = err
	}
	page.Sheet, page.Tables, page.Facts = sheet, s.tables, s.facts
	s.result.Facts = append(s.result.Facts, s.facts...)
	if err := s.view.After(page); err != nil {
		return err
	}
	if failed != nil {
		return &stepError{step.Name, failed}
	}
	return nil
}
