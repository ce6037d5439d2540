package member

import (
	"strings"
	"testing"
	"time"
)

// told steps a member and returns what it asks next.
func told(m *Machine, now time.Time, e Event) *Request {
	var out Effects
	m.Step(now, e, &out)
	return out.Request
}

// TestWatchFiresBeforeItsAnswer: a watch that fires before the answer to the request that set it has been seen is set again.
func TestWatchFiresBeforeItsAnswer(t *testing.T) {
	now := time.Unix(100, 0)
	m := New(Config{Self: 1, ClusterID: "c"})
	r := told(m, now, &Connected{Session: 5, Timeout: time.Second})
	answers := map[string]*Answer{ClusterIDPath: {Data: ClusterIDNode("c")}, BrokerPath(1): {Owner: 5, Data: []byte("{}")},
		ControllerPath: {Owner: 9, Data: []byte(`{"brokerid":2}`)}, EpochPath: {Data: []byte("3"), Version: 3}, HeadPath: {Data: FirstHead()}}
	for r.Path != HeadPath || r.Kind != Get || !r.Watch { // without a watch a new session looks whether the log is in use
		a := Answer{}
		if known := answers[r.Path]; known != nil && r.Kind == Get {
			a = *known
		}
		a.ID = r.ID
		if r = told(m, now, &a); r == nil {
			t.Fatal("the head is not looked at")
		}
	}
	if more := told(m, now, &Fired{Path: HeadPath}); more != nil {
		t.Fatalf("two requests at a time: %+v", more)
	}
	a := *answers[HeadPath]
	a.ID = r.ID
	if r = told(m, now, &a); r == nil || r.Path != HeadPath || !r.Watch {
		t.Fatalf("the head is not watched again: %+v", r)
	}
	a.ID = r.ID
	if r = told(m, now, &a); r != nil {
		t.Fatalf("there is nothing to ask, and it asks %+v", r)
	}
	if at, ok := m.Deadline(); !ok || at.Sub(now) != time.Second/6 {
		t.Errorf("it looks again after %v, %v", at.Sub(now), ok)
	}
}

// TestMigratedMeanwhile: a member that stood still while the log was migrated has another session then, and fails before it asks for
// anything to be written.
func TestMigratedMeanwhile(t *testing.T) {
	now := time.Unix(100, 0)
	m := New(Config{Self: 1, ClusterID: "c"})
	mark := Migrated{Epoch: 4, Voters: []Voter{{ID: 1, Address: "a:9093", Directory: "d"}}}
	answers := map[string]*Answer{ClusterIDPath: {Data: ClusterIDNode("c")}, HeadPath: {Data: MigratedHead(Head{Offset: 7, Epoch: 3}, mark)}}
	r, looked := told(m, now, &Connected{Session: 6, Timeout: time.Second}), 0
	for r != nil {
		if r.Kind == Multi {
			t.Fatalf("it writes %+v", r)
		}
		a := Answer{}
		if r.Kind == Get {
			looked++
			if answers[r.Path] == nil {
				t.Fatalf("it looks at %s", r.Path)
			}
			a = *answers[r.Path]
		}
		a.ID = r.ID
		var out Effects
		m.Step(now, &a, &out)
		r = out.Request
		if len(out.Outcomes) > 0 {
			failed, ok := out.Outcomes[0].(*Failed)
			if !ok || !strings.Contains(failed.Reason.Error(), "controller.quorum.voters=1@a:9093") {
				t.Fatalf("what comes of it is %+v", out.Outcomes[0])
			}
		}
	}
	if !m.failed || looked != 2 {
		t.Errorf("failed: %v, after %d looks", m.failed, looked)
	}
}

// TestSure: the session is sure for two thirds of its timeout from when a question was asked that the ensemble's leader has
// answered; a server's own answers do not count, and nor do lost ones.
func TestSure(t *testing.T) {
	now := time.Unix(100, 0)
	m := New(Config{Self: 1, ClusterID: "c"})
	r := told(m, now, &Connected{Session: 5, Timeout: 3 * time.Second})
	if r == nil || r.Kind != Sync {
		t.Fatalf("it asks first %+v", r)
	}
	later := now.Add(time.Second)
	r = told(m, later, &Answer{ID: r.ID, Code: Lost})
	if r != nil || !m.Sure().IsZero() {
		t.Fatalf("an answer that was lost makes the session sure until %v; next %+v", m.Sure(), r)
	}
	asked := later.Add(lostPause)
	r = told(m, asked, &Due{})
	r = told(m, asked.Add(100*time.Millisecond), &Answer{ID: r.ID})
	r = told(m, asked, &Answer{ID: r.ID, Data: ClusterIDNode("c")})
	r = told(m, asked, &Answer{ID: r.ID, Data: FirstHead()})
	told(m, asked.Add(400*time.Millisecond), &Answer{ID: r.ID, Owner: 5, Data: []byte("{}")})
	if want := asked.Add(2 * time.Second); !m.Sure().Equal(want) {
		t.Errorf("sure until %v, want %v", m.Sure().Sub(asked), want.Sub(asked))
	}
}
