package group

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// TestScenarios runs the scripts in testdata. Each file begins with the checklist lines that it shows. The commands:
//
//	config [initial-delay=3s] [settle=0s] [size=n] [hold] [retention=1h] ...   starts anew; before anything else
//	join | sync | heartbeat | nudge | leave | commit | fetch | describe | why | list | delete | delete-offsets | delete-topic
//	batch       the lines below, while none of their joins is the last in the inbox
//	repeat times=n every=1s   the lines below, again and again
//	pass d=3s   lets time pass; what rings is shown with its time
//	manual      from here on appending and committing are commands: append, high-watermark, refuse code=X, time-out
//	crash       a new shard is loaded from the log
//	unload      another node leads
//	shutting-down  the node ends soon
//	show        the group as it is
//	cycle       generations of a group with one member, which joins and syncs again and again; only the end is shown
//	slots       which entries of the diary are in which slots
//	compact     the log keeps the last record of each key
//	diary       from here on records of the diary are shown and counted; why tells the diary
//
// Replies, timers and appended records are shown as they come. Regenerate with -rewrite and read the difference.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := newScript(t)
		datadriven.RunTest(t, path, s.run)
	})
}

// script interprets one file.
type script struct {
	*rig
	cfg   Config
	out   strings.Builder
	names map[Token]string
	token Token
	fresh int
	quiet bool // timers are not shown
	diary bool // records of the diary are shown
	kept  Seq  // how many of them were not shown, nor counted, since the load

	entries int // how many of a diary's are shown
}

func newScript(t *testing.T) *script {
	s := &script{names: map[Token]string{}}
	s.cfg = DefaultConfig()
	s.cfg.InitialDelay, s.cfg.JoinSettle, s.cfg.HoldHeartbeats, s.cfg.CleanupInterval = 0, 0, false, 0
	s.start(t)
	return s
}

func (s *script) start(t testing.TB) {
	s.rig = newRig(t, s.cfg)
	s.onReply = func(r Reply) {
		if why, ok := r.Body.(*WhyReply); ok && len(why.Entries) > s.entries {
			cut := *why
			cut.Entries = why.Entries[:s.entries]
			s.say("%s: %s\n  and %d older entries", s.names[r.Token], describeBody(&cut), len(why.Entries)-s.entries)
			return
		}
		s.say("%s: %s", s.names[r.Token], describeBody(r.Body))
	}
	s.kept = 0
	s.onRecord = func(r Record) {
		if r.Diary != nil && !s.diary {
			s.kept++
			return
		}
		s.say("append %d: %s", r.Seq-s.kept, describeRecord(&r))
	}
	s.onTimer = func(c TimerChange) {
		switch {
		case s.quiet:
		case c.Cancel:
			s.say("cancel %s", describeKey(c.Key))
		default:
			s.say("timer %s +%v", describeKey(c.Key), c.At.Sub(s.now))
		}
	}
}

func (s *script) say(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	s.out.Reset()
	switch a := (args{t: t, d: d, list: d.CmdArgs}); d.Cmd {
	case "batch":
		s.lines(t, d)
	case "repeat":
		for range a.int("times", 1) {
			s.lines(t, d)
			s.settle()
			s.advance(a.duration("every", 0), func(k TimerKey) { s.say("-- %v: %s rings", s.now.Sub(rigStart), describeKey(k)) })
		}
	default:
		s.command(t, d, d.Cmd, d.CmdArgs)
	}
	s.settle()
	return s.out.String()
}

func (s *script) lines(t *testing.T, d *datadriven.TestData) {
	for line := range strings.Lines(d.Input) {
		cmd, args, err := datadriven.ParseLine(strings.TrimSpace(line))
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		s.command(t, d, cmd, args)
	}
}

func (s *script) command(t *testing.T, d *datadriven.TestData, cmd string, list []datadriven.CmdArg) {
	a := args{t: t, d: d, list: list}
	switch cmd {
	case "config":
		s.configure(t, a)
	case "quiet":
		s.quiet = true
	case "diary":
		s.diary = true
	case "cycle":
		s.cycle(a)
	case "slots":
		s.slots(a.str("group", "g"))
	case "compact":
		s.compact()
	case "loud":
		s.quiet = false
	case "pass":
		s.advance(a.duration("d", 0), func(k TimerKey) { s.say("-- %v: %s rings", s.now.Sub(rigStart), describeKey(k)) })
	case "manual":
		s.manual = true
	case "append":
		s.rig.append()
	case "high-watermark":
		s.rig.append()
		s.commit(Seq(a.int("to", int(s.appended))))
	case "refuse":
		for i := range s.fx.Records {
			if s.fx.Records[i].Diary != nil && !s.diary {
				s.kept++
			}
		}
		s.refuse(a.code())
	case "time-out":
		s.rig.append()
		s.timeOut()
	case "crash":
		s.fx.Reset()
		s.kept = 0
		s.load()
	case "unload":
		s.raw(&Unload{Code: protocol.NotCoordinator, Reason: "another node leads the partition"})
		s.failDeferred(0, s.shard.seq, protocol.Fail(protocol.NotCoordinator, "another node leads the partition"))
	case "shutting-down":
		s.step(&ShuttingDown{Code: protocol.NotCoordinator, Reason: "the node is shutting down"})
	case "show":
		s.show(a.str("group", "g"))
	default:
		s.step(s.event(cmd, a))
	}
}

func (s *script) show(id string) {
	if g := s.shard.groups[id]; g != nil {
		s.out.WriteString(g.dump())
		return
	}
	s.say("no group %s", id)
}

func (s *script) configure(t *testing.T, a args) {
	c := &s.cfg
	c.InitialDelay = a.duration("initial-delay", c.InitialDelay)
	c.JoinSettle = a.duration("settle", c.JoinSettle)
	c.SizeMax = a.int("size", c.SizeMax)
	c.PendingMax = a.int("pending", c.PendingMax)
	c.IdleGroupsMax = a.int("idle-groups", c.IdleGroupsMax)
	c.OffsetsRetention = a.duration("retention", c.OffsetsRetention)
	c.CleanupInterval = a.duration("cleanup", c.CleanupInterval)
	c.MetadataLengthMax = a.int("metadata", c.MetadataLengthMax)
	c.HoldHeartbeats = c.HoldHeartbeats || a.has("hold")
	c.DiaryBytesMax = a.int("diary-bytes", c.DiaryBytesMax)
	if a.has("keep") { // the groups stay, as after a restart with another configuration
		log, now := s.log, s.now
		s.start(t)
		s.log, s.now = log, now
		s.load()
		return
	}
	s.start(t)
}

// event makes the event of a request command.
func (s *script) event(cmd string, a args) Event {
	s.token++
	s.names[s.token] = a.str("as", a.str("member", a.str("client", cmd)))
	switch cmd {
	case "join":
		return s.joinEvent(a)
	case "sync":
		e := &Sync{Token: s.token, SyncRequest: SyncRequest{GroupID: a.str("group", "g"), MemberID: a.str("member", ""), InstanceID: a.str("instance", ""),
			Generation: int32(a.int("gen", 1)), ProtocolType: a.maybe("type"), Protocol: a.maybe("protocol")}}
		for _, pair := range a.values("assign") {
			id, data, _ := strings.Cut(pair, ":")
			e.Assignments = append(e.Assignments, Assignment{id, assignment(data)})
		}
		for _, pair := range a.values("give") { // a-1:t+0+1 gives t-0 and t-1 as consumers write it
			id, data, _ := strings.Cut(pair, ":")
			e.Assignments = append(e.Assignments, Assignment{id, consumerAssignment(data)})
		}
		return e
	case "heartbeat":
		return &Heartbeat{Token: s.token, HeartbeatRequest: HeartbeatRequest{GroupID: a.str("group", "g"), MemberID: a.str("member", ""),
			InstanceID: a.str("instance", ""), Generation: int32(a.int("gen", 1)), Aside: a.has("aside"), Behind: a.has("behind")}}
	case "nudge":
		return &Nudge{Token: s.tokenOf(a.str("of", "")), GroupID: a.str("group", "g"), MemberID: a.str("member", "")}
	case "leave":
		e := &Leave{Token: s.token, LeaveRequest: LeaveRequest{GroupID: a.str("group", "g")}}
		for _, m := range a.values("members") {
			id, instance, _ := strings.Cut(m, "/")
			instance, reason, said := strings.Cut(instance, "/") // a-1//moved says why
			if !said {
				reason = a.str("reason", "")
			}
			e.Members = append(e.Members, LeavingMember{MemberID: id, InstanceID: instance, Reason: reason})
		}
		return e
	case "describe":
		return &Describe{Token: s.token, GroupID: a.str("group", "g")}
	case "why":
		s.entries = a.int("entries", DiarySlots)
		return &Why{Token: s.token, GroupID: a.str("group", "g"), Offsets: a.has("offsets")}
	case "inspect":
		return &Inspect{Token: s.token, GroupID: a.str("group", "g")}
	case "list":
		return &List{Token: s.token, States: a.values("states"), Types: a.values("types")}
	case "delete":
		return &Delete{Token: s.token, GroupID: a.str("group", "g")}
	case "delete-topic":
		return &TopicsDeleted{Topics: []DeletedTopic{{Name: a.str("topic", "t"), ID: a.id("id")}}}
	default:
		return s.offsetEvent(cmd, a)
	}
}

// assignment is the bytes themselves, or after "@" a consumer's assignment: "@t-0+t-1".
func assignment(text string) []byte {
	list, consumer := strings.CutPrefix(text, "@")
	if !consumer {
		return []byte(text)
	}
	a := protocol.NewConsumerProtocolAssignment()
	for _, v := range strings.Split(list, "+") {
		topic, partition := topicPartition(v)
		a.AssignedPartitions = append(a.AssignedPartitions, protocol.ConsumerProtocolAssignmentTopicPartition{Topic: topic, Partitions: []int32{partition}})
	}
	return protocol.AppendMessage([]byte{0, 1}, a, 1)
}

func (s *script) joinEvent(a args) Event {
	version := a.int("v", 9)
	s.fresh++
	e := &Join{Token: s.token, FreshID: strconv.Itoa(s.fresh), JoinRequest: JoinRequest{
		GroupID: a.str("group", "g"), MemberID: a.str("member", ""), InstanceID: a.str("instance", ""), ClientID: a.str("client", "c"),
		ClientHost: "/127.0.0.1", SessionTimeout: a.duration("session", 10*time.Second), RebalanceTimeout: a.duration("rebalance", time.Minute),
		ProtocolType: a.str("type", "consumer"), Reason: a.str("reason", ""),
		RequiresKnownMemberID: version >= 4, SupportsSkippingAssignment: version >= 9}}
	protocols := a.values("protocols")
	if len(protocols) == 0 && !a.has("no-protocols") {
		protocols = []string{"range:t"}
	}
	for _, p := range protocols {
		name, topics, _ := strings.Cut(p, ":")
		e.Protocols = append(e.Protocols, Protocol{name, []byte(topics)})
	}
	if a.has("subscribe") {
		e.Protocols = []Protocol{{"range", subscription(a.values("subscribe")...)}}
	}
	return e
}

// consumerAssignment reads "t+0+1": partitions 0 and 1 of topic t.
func consumerAssignment(text string) []byte {
	topic, numbers, _ := strings.Cut(text, "+")
	b := append([]byte{0, 1, 0, 0, 0, 1, 0, byte(len(topic))}, topic...)
	partitions := strings.Split(numbers, "+")
	if numbers == "" {
		partitions = nil
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(partitions)))
	for _, p := range partitions {
		n, _ := strconv.Atoi(p)
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return append(b, 0xff, 0xff, 0xff, 0xff) // no user data
}

func subscription(topics ...string) []byte {
	b := []byte{0, 1, 0, 0, 0, byte(len(topics))}
	for _, t := range topics {
		b = append(append(b, 0, byte(len(t))), t...)
	}
	return append(b, 0, 0, 0, 0) // user data
}

func (s *script) offsetEvent(cmd string, a args) Event {
	switch cmd {
	case "commit":
		e := &Commit{Token: s.token, CommitRequest: CommitRequest{GroupID: a.str("group", "g"), MemberID: a.str("member", ""), InstanceID: a.str("instance", ""),
			Generation: int32(a.int("gen", -1)), Retention: a.duration("retention", -1), ReportsUnknownGroup: a.int("v", 9) >= 9}}
		for _, o := range a.values("offsets") {
			e.Topics = append(e.Topics, commitTopic(a, o))
		}
		return e
	case "fetch":
		e := &Fetch{Token: s.token, FetchRequest: FetchRequest{GroupID: a.str("group", "g"), All: !a.has("partitions"), RequireStable: a.has("stable")}}
		e.Topics = topicsOf(a)
		return e
	case "delete-offsets":
		return &DeleteOffsets{Token: s.token, DeleteOffsetsRequest: DeleteOffsetsRequest{GroupID: a.str("group", "g"), Topics: topicsOf(a)}}
	default:
		a.d.Fatalf(a.t, "unknown command %s", cmd)
		return nil
	}
}

// commitTopic reads "t-0=5" or "t-0=5:metadata".
func commitTopic(a args, o string) CommitTopic {
	where, value, _ := strings.Cut(o, "=")
	value, metadata, _ := strings.Cut(value, ":")
	topic, partition := topicPartition(where)
	offset, _ := strconv.Atoi(value)
	return CommitTopic{Name: topic, ID: a.id("id"), Partitions: []CommitPartition{{Partition: partition, Offset: record.Offset(offset),
		LeaderEpoch: record.LeaderEpoch(a.int("epoch", -1)), Metadata: metadata, CommitTime: Instant(a.int("time", -1))}}}
}

func topicsOf(a args) []FetchTopic {
	var topics []FetchTopic
	for _, v := range a.values("partitions") {
		topic, partition := topicPartition(v)
		topics = append(topics, FetchTopic{Name: topic, ID: a.id("id"), Partitions: []int32{partition}})
	}
	return topics
}

func topicPartition(s string) (string, int32) {
	i := strings.LastIndexByte(s, '-')
	n, _ := strconv.Atoi(s[i+1:])
	return s[:i], int32(n)
}

func (s *script) tokenOf(name string) Token {
	for t := s.token; t > 0; t-- {
		if s.names[t] == name {
			return t
		}
	}
	return 0
}

// args are the arguments of a command.
type args struct {
	t    *testing.T
	d    *datadriven.TestData
	list []datadriven.CmdArg
}

func (a args) values(key string) []string {
	for _, arg := range a.list {
		if arg.Key == key {
			values := slices.Clone(arg.Vals)
			for i := range values {
				values[i] = strings.Trim(values[i], `"`)
			}
			return values
		}
	}
	return nil
}

func (a args) has(key string) bool {
	for _, arg := range a.list {
		if arg.Key == key {
			return true
		}
	}
	return false
}

func (a args) str(key, otherwise string) string {
	if v := a.values(key); len(v) > 0 {
		return v[0]
	}
	return otherwise
}

func (a args) maybe(key string) *string {
	if v := a.values(key); len(v) > 0 {
		return &v[0]
	}
	return nil
}

func (a args) int(key string, otherwise int) int {
	v := a.values(key)
	if len(v) == 0 {
		return otherwise
	}
	n, err := strconv.Atoi(v[0])
	if err != nil {
		a.d.Fatalf(a.t, "%s: %v", key, err)
	}
	return n
}

func (a args) duration(key string, otherwise time.Duration) time.Duration {
	v := a.values(key)
	if len(v) == 0 {
		return otherwise
	}
	d, err := time.ParseDuration(v[0])
	if err != nil {
		a.d.Fatalf(a.t, "%s: %v", key, err)
	}
	return d
}

func (a args) id(key string) (id protocol.UUID) {
	copy(id[:], a.str(key, ""))
	return id
}

func (a args) code() protocol.Code {
	for c := protocol.Code(-1); c < 200; c++ {
		if c.String() == a.str("code", "") {
			return c
		}
	}
	a.d.Fatalf(a.t, "no error code %s", a.str("code", ""))
	return 0
}
