package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/binlog"
)

// Status is how a pipeline is doing, whoever runs it.
type Status struct {
	Pipeline string        `json:"pipeline"`
	At       time.Time     `json:"at"`
	Source   *SourceStatus `json:"source,omitempty"`
	Sinks    []SinkStatus  `json:"sinks"`
}

// Process is what one process told of a part.
type Process struct {
	Report
	// Stale: nothing has been heard of it for AgeMs, which is too long: it was killed, or cannot reach the brokers.
	Stale bool  `json:"stale"`
	AgeMs int64 `json:"age_ms"`
}

// SourceStatus is a source's.
type SourceStatus struct {
	Processes []Process `json:"processes"`
	// Kept is the place that was kept in the topic; nil if there is none.
	Kept     *binlog.Position `json:"kept,omitempty"`
	Snapshot *SnapshotSums    `json:"snapshot,omitempty"`
	// Server is where the server's binlog ends; nil if it could not be asked, as ServerProblem says.
	Server        *binlog.Position `json:"server,omitempty"`
	ServerProblem string           `json:"server_problem,omitempty"`
	// BehindBytes is what lies between the two; nil if they are not of the same file.
	BehindBytes *uint64 `json:"behind_bytes,omitempty"`
}

// SinkStatus is a sink's.
type SinkStatus struct {
	Name      string        `json:"name"`
	Type      string        `json:"type"`
	Group     string        `json:"group"`
	Processes []Process     `json:"processes"`
	Topics    []TopicStatus `json:"topics"`
	// Tables are what became of changes, of all processes that are heard of.
	Tables map[string]TableSums `json:"tables"`
	// Lag are the records of all topics that are not acknowledged.
	Lag int64 `json:"lag"`
	// Blocked are the records that do not let others be acknowledged.
	Blocked []Blocked `json:"blocked,omitempty"`
	// TimesProblem says why no times are told.
	TimesProblem string `json:"times_problem,omitempty"`
}

// Blocked is the first record of a partition that is not acknowledged, while the sink does not go on.
type Blocked struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Why       string    `json:"why"`
	Since     time.Time `json:"since"`
}

// TopicStatus is how far a sink is with a topic. Times are what its records carry, in milliseconds since 1970: of a topic of
// skein's the execute time of the change.
type TopicStatus struct {
	Topic string `json:"topic"`
	// Table is DATABASE.TABLE, empty for a topic that has several.
	Table      string            `json:"table,omitempty"`
	Partitions []PartitionStatus `json:"partitions"`
	Lag        int64             `json:"lag"`
	Newest     *int64            `json:"newest,omitempty"`
	// Applied is the time up to which everything is acknowledged.
	Applied *int64 `json:"applied,omitempty"`
	// BehindMs is Newest less Applied, SinceMs is now less Applied; 0 of a topic without lag.
	BehindMs *int64 `json:"behind_ms,omitempty"`
	SinceMs  *int64 `json:"since_ms,omitempty"`
	Problem  string `json:"problem,omitempty"`
}

// PartitionStatus is how far a sink is with a partition.
type PartitionStatus struct {
	Partition int32 `json:"partition"`
	Start     int64 `json:"start"`
	End       int64 `json:"end"`
	// Committed is -1 if nothing is.
	Committed int64  `json:"committed"`
	Lag       int64  `json:"lag"`
	Newest    *int64 `json:"newest,omitempty"`
	Applied   *int64 `json:"applied,omitempty"`
}

// Inspect finds how a pipeline is doing. It needs the brokers; what the source's server does not answer is told as a problem.
func Inspect(ctx context.Context, c *Config, more ...kgo.Opt) (*Status, error) {
	to, err := openCluster(c, more...)
	if err != nil {
		return nil, err
	}
	defer to.close()
	all, err := reports(ctx, to, statusTopic(c))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	s := &Status{Pipeline: c.Name, At: now.UTC(), Sinks: []SinkStatus{}}
	if c.Source != nil {
		s.Source = &SourceStatus{Processes: processes(all, c.Name, SourcePart, now)}
		if err := s.Source.find(ctx, c, to); err != nil {
			return nil, err
		}
	}
	names, err := to.topics(ctx)
	if err != nil {
		return nil, err
	}
	for i := range c.Sinks {
		of := &c.Sinks[i]
		one := SinkStatus{Name: of.Name, Type: of.Type, Group: of.Group, Processes: processes(all, c.Name, SinkPart(of.Name), now), Tables: map[string]TableSums{}}
		for _, p := range one.Processes {
			if p.Sink != nil && !p.Stale {
				for name, t := range p.Sink.Tables {
					one.Tables[name] = one.Tables[name].add(t)
				}
			}
		}
		topics := c.Read.Topics
		if len(topics) == 0 {
			for _, t := range TablesOf(c, of, names) {
				topics = append(topics, TopicOf(c, t))
			}
		}
		if err := one.lag(ctx, c, to, topics, now); err != nil {
			return nil, err
		}
		one.block()
		s.Sinks = append(s.Sinks, one)
	}
	return s, nil
}

// Listen returns what all processes of all pipelines tell in PREFIX.status, sorted.
func Listen(ctx context.Context, c *Config, more ...kgo.Opt) ([]Process, error) {
	to, err := openCluster(c, more...)
	if err != nil {
		return nil, err
	}
	defer to.close()
	all, err := reports(ctx, to, statusTopic(c))
	if err != nil {
		return nil, err
	}
	return processes(all, "", "", time.Now()), nil
}

// staleAfter is how many reports may be missing.
const staleAfter = 4

// staleMin is for processes that report so often that a pause of the machine would make them stale.
const staleMin = 10 * time.Second

// processes are those that told of a part, of all if it is empty, sorted.
func processes(all map[string]Report, pipeline, part string, now time.Time) []Process {
	found := []Process{}
	for _, r := range all {
		if pipeline != "" && (r.Pipeline != pipeline || r.Part != part) {
			continue
		}
		age := max(now.Sub(r.At), 0)
		limit := max(staleMin, staleAfter*time.Duration(r.EveryMs)*time.Millisecond)
		ended := r.State == Failed || r.State == Ended // nothing more is to be heard of it
		found = append(found, Process{Report: r, AgeMs: age.Milliseconds(), Stale: age > limit && !ended})
	}
	slices.SortFunc(found, func(a, b Process) int {
		return strings.Compare(a.Pipeline+"/"+a.Part+"/"+a.Instance, b.Pipeline+"/"+b.Part+"/"+b.Instance)
	})
	return found
}

// find asks for the position that is kept, and the server for where its binlog ends.
func (s *SourceStatus) find(ctx context.Context, c *Config, to *cluster) error {
	at, found, err := to.kept(ctx, c)
	if err != nil {
		return err
	}
	if found {
		s.Kept, s.Snapshot = &at.Position, snapshotSums(&at)
	}
	b, err := BinlogConfig(c)
	if err != nil {
		s.ServerProblem = err.Error()
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, askMax/2)
	defer cancel()
	end, err := binlog.Current(asking, b)
	if err != nil {
		s.ServerProblem = err.Error()
		return nil
	}
	s.Server = &end
	if s.Kept != nil && s.Kept.File == end.File && s.Kept.Server == end.Server && s.Kept.Offset <= end.Offset {
		behind := end.Offset - s.Kept.Offset
		s.BehindBytes = &behind
	}
	return nil
}

// block finds the records at which the sink is held up, if it is.
func (s *SinkStatus) block() {
	for _, p := range s.Processes {
		if p.Stale || p.Problem == "" || p.State != Waiting && p.State != Failed {
			continue
		}
		for _, t := range s.Topics {
			for _, part := range t.Partitions {
				if part.Lag > 0 {
					s.Blocked = append(s.Blocked, Blocked{t.Topic, part.Partition, max(part.Committed, part.Start), p.Problem, *p.Since})
				}
			}
		}
		return // the others are held up by the same
	}
}

var errNoTimes = errors.New("the records did not come in time")
