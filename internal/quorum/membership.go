package quorum

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
	"google.golang.org/protobuf/proto"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
)

// The members change one at a time, each by an entry of the log, which counts when it is committed and a node applies it.
// Such an entry is raft's ConfChangeV2 with one change. Its context is
//
//	version u8 = 1 | members, see members.append: the one that changes, and the leader, with their addresses
//
// Two nodes may act on memberships that are one change apart, and their majorities overlap. They must never be two apart:
// so before a node says that it has taken a change, it has durably noted that the change before it is committed. See
// noteMembers.
const contextVersion = 1

// change is a change of the members that the leader has proposed.
type change struct {
	kind raftpb.ConfChangeType
	id   metadata.NodeID
	done func([]Member, error)
}

// Members are the members of the quorum as far as this node knows, sorted by id. The caller must not change the list.
func (n *Node) Members() []Member { return *n.membership.Load() }

// Decides says whether this node is the only voter, as Members has them: nobody else can be the controller.
func (n *Node) Decides() bool { return members(n.Members()).decides(n.config.NodeID) }

// Alone says whether this node is the only member, as Members has them.
func (n *Node) Alone() bool {
	m := n.Members()
	return len(m) == 1 && m[0].ID == n.config.NodeID
}

func (n *Node) setMembers(m members) {
	n.members = m.told(members{{ID: n.config.NodeID, Address: n.config.Address, Directory: n.config.Dir.ID()}})
	n.storage.log.apart = !n.members.alone(n.config.NodeID)
	shown := []Member(n.members)
	n.membership.Store(&shown)
	for id := range n.contacts {
		if _, ok := n.members.find(id); !ok {
			delete(n.contacts, id)
		}
	}
}

// tellMembers tells of members that have changed.
func (n *Node) tellMembers() {
	if n.config.OnMembers != nil && n.opened {
		n.config.OnMembers(n.Members())
	}
}

// Join makes a node that is no member a learner. done is called once, on the node's goroutine, with the members when
// that is committed; it must not wait. For a member that comes with the same log directory it says who the members are, and
// notes a new address; the leader may announce itself so. The leader refuses with INVALID_VOTER_KEY a voter that comes with
// another log directory, for it has lost what it promised, and with INVALID_REQUEST what cannot be; any other node with
// NOT_CONTROLLER. With REQUEST_TIMED_OUT another change is under way: ask again. A learner has promised nothing: one that
// comes with another log directory when the former is silent is removed, and has to ask again too.
func (n *Node) Join(member Member, done func([]Member, error)) {
	replaces := false
	n.change(func(all []Member, err error) {
		if err == nil && replaces {
			err = protocol.Fail(protocol.RequestTimedOut, "node %d was a learner with another log directory, and was removed: ask again", member.ID)
		}
		done(all, err)
	}, func() (single *raftpb.ConfChangeSingle, after members, err error) {
		single, after, err = n.planJoin(member)
		replaces = single != nil && single.GetType() == raftpb.ConfChangeRemoveNode
		return single, after, err
	})
}

// AddVoter lets a learner vote. It is refused with INELIGIBLE_REPLICA while the learner has not caught up, with
// VOTER_NOT_FOUND for a node that is no member, with DUPLICATE_VOTER for a voter. See Join.
func (n *Node) AddVoter(id metadata.NodeID, done func([]Member, error)) {
	n.change(done, func() (*raftpb.ConfChangeSingle, members, error) { return n.planVoter(id) })
}

// RemoveVoter takes a voter out of the quorum: it is no member then, and gets nothing any more. If it is the leader, it lets
// another lead first, and answers with NOT_CONTROLLER. VOTER_NOT_FOUND says that it is no voter, INVALID_REQUEST that it is the last. See Join.
func (n *Node) RemoveVoter(id metadata.NodeID, done func([]Member, error)) {
	n.change(done, func() (*raftpb.ConfChangeSingle, members, error) { return n.planRemoval(id, true) })
}

// RemoveLearner takes a learner out of the quorum. VOTER_NOT_FOUND says that it is none. See Join.
func (n *Node) RemoveLearner(id metadata.NodeID, done func([]Member, error)) {
	n.change(done, func() (*raftpb.ConfChangeSingle, members, error) { return n.planRemoval(id, false) })
}

// change has a change of the members planned and proposed, on the node's goroutine.
func (n *Node) change(done func([]Member, error), plan func() (*raftpb.ConfChangeSingle, members, error)) {
	refuse := func(_ protocol.Message, err error) { done(nil, err) }
	err := n.inbox.Put(seat.Message{Done: refuse, Work: func(now time.Time) error {
		n.lead(now) // what came before in this round may have changed who leads
		single, after, err := n.planned(plan)
		switch {
		case err != nil:
			done(nil, err)
		case single == nil:
			done(n.members, nil)
		default:
			n.proposeChange(single, after, done)
		}
		return nil
	}})
	if err != nil {
		done(nil, err)
	}
}

// planned looks whether the members may change now, and asks how. Nil and no error: nothing has to.
func (n *Node) planned(plan func() (*raftpb.ConfChangeSingle, members, error)) (*raftpb.ConfChangeSingle, members, error) {
	switch {
	case !n.seat.Controller.Leading():
		return nil, nil, n.notLeading()
	case n.changing != nil:
		return nil, nil, protocol.Fail(protocol.RequestTimedOut, "the members are being changed, by node %d: ask again", n.changing.id)
	}
	single, after, err := plan()
	if err != nil || single == nil {
		return nil, nil, err
	}
	state := n.state.state
	state.members = after
	if _, err := state.encode(); err != nil {
		return nil, nil, protocol.Fail(protocol.InvalidRequest, "%w", err)
	}
	return single, after, nil
}

// notLeading says who does lead, if that is known.
func (n *Node) notLeading() error {
	if leader, _, ok := n.Leader(); ok && leader != n.config.NodeID {
		return protocol.Fail(protocol.NotController, "node %d is not the controller, node %d is", n.config.NodeID, leader)
	}
	return protocol.Fail(protocol.NotController, "node %d is not the controller", n.config.NodeID)
}

func single(kind raftpb.ConfChangeType, id metadata.NodeID) *raftpb.ConfChangeSingle {
	return &raftpb.ConfChangeSingle{Type: kind.Enum(), NodeId: new(raftID(id))}
}

func (n *Node) planJoin(member Member) (*raftpb.ConfChangeSingle, members, error) {
	if n.config.Transport == nil {
		return nil, nil, protocol.Fail(protocol.InvalidRequest, "node %d has no way to other nodes: nobody can join it", n.config.NodeID)
	}
	known, ok := n.members.find(member.ID)
	self := ok && member.ID == n.config.NodeID && member.Address == known.Address && member.Directory == known.Directory
	if member.ID < 0 || member.ID == n.config.NodeID && !self || member.Address == "" || len(member.Address) > addressBytesMax {
		return nil, nil, protocol.Fail(protocol.InvalidRequest, "node %d at %.40q cannot join: it needs an id that is not the leader's, %d, "+
			"and an address of at most %d bytes", member.ID, member.Address, n.config.NodeID, addressBytesMax)
	}
	if !ok {
		member.Voter = false
		return single(raftpb.ConfChangeAddLearnerNode, member.ID), n.members.with(member), nil
	}
	if !known.Directory.IsZero() && !member.Directory.IsZero() && known.Directory != member.Directory {
		if silent := n.now.Sub(n.contacts[member.ID].heard); !known.Voter && silent <= electionTimeout {
			return nil, nil, protocol.Fail(protocol.RequestTimedOut, "a node %d with the log directory %s runs at %s, and another comes with %s from %s: each node needs a node.id of its own",
				member.ID, known.Directory, known.Address, member.Directory, member.Address)
		}
		if !known.Voter {
			return single(raftpb.ConfChangeRemoveNode, member.ID), n.members.without(member.ID), nil
		}
		return nil, nil, protocol.Fail(protocol.InvalidVoterKey, "node %d is a voter with the log directory %s and comes with %s: "+
			"what it promised is lost. Remove it from the quorum first (skein cluster remove-voter %d), then it can join", member.ID, known.Directory, member.Directory, member.ID)
	}
	if !known.Directory.IsZero() {
		member.Directory = known.Directory
	}
	member.Voter = known.Voter
	if member == known && (!self || n.said) {
		return nil, nil, nil
	}
	return single(raftpb.ConfChangeUpdateNode, member.ID), n.members.with(member), nil
}

// lagMax is how many entries a learner may be behind when it becomes a voter. From then on the others may wait for it.
const lagMax = 100

func (n *Node) planVoter(id metadata.NodeID) (*raftpb.ConfChangeSingle, members, error) {
	member, ok := n.members.find(id)
	switch {
	case !ok:
		return nil, nil, protocol.Fail(protocol.VoterNotFound, "node %d is no member of the quorum: it has to join first", id)
	case member.Voter:
		return nil, nil, protocol.Fail(protocol.DuplicateVoter, "node %d is a voter already", id)
	}
	p, last := n.progress(id), n.storage.last()
	match := p.Match
	if silent := n.now.Sub(n.contacts[id].heard); silent > electionTimeout {
		if n.contacts[id].heard.IsZero() {
			return nil, nil, protocol.Fail(protocol.IneligibleReplica, "node %d cannot vote yet: the leader has not heard of it; it holds %d of %d entries", id, match, last)
		}
		return nil, nil, protocol.Fail(protocol.IneligibleReplica, "node %d cannot vote: the leader has not heard of it for %v; it holds %d of %d entries", id, silent, match, last)
	}
	if match+lagMax < last || p.State != tracker.StateReplicate || match == 0 { // one without a log cannot vote at all
		return nil, nil, protocol.Fail(protocol.IneligibleReplica, "node %d cannot vote yet: it holds %d of %d entries, %d are missing; at most %d may be, and none while it waits for a snapshot",
			id, match, last, last-match, lagMax)
	}
	member.Voter = true
	return single(raftpb.ConfChangeAddNode, id), n.members.with(member), nil
}

func (n *Node) planRemoval(id metadata.NodeID, voter bool) (*raftpb.ConfChangeSingle, members, error) {
	kind := map[bool]string{true: "voter", false: "learner"}[voter]
	member, ok := n.members.find(id)
	switch {
	case !ok || member.Voter != voter:
		return nil, nil, protocol.Fail(protocol.VoterNotFound, "node %d is no %s of the quorum, whose members are %v", id, kind, nodeIDs(n.members))
	case voter && n.members.voters() == 1:
		return nil, nil, protocol.Fail(protocol.InvalidRequest, "node %d is the last voter", id)
	case voter && id == n.config.NodeID && n.members.voters() == 2:
		return nil, nil, n.goAside()
	}
	after := n.members.without(id)
	if voter {
		if err := n.checkMajority(id, after); err != nil {
			return nil, nil, err
		}
	}
	if voter && id == n.config.NodeID {
		return nil, nil, n.goAside()
	}
	return single(raftpb.ConfChangeRemoveNode, id), after, nil
}

// goAside has another voter lead, which then removes this one, and says so. If this one went first nobody would lead until the others
// have missed it; and where one other voter is left, that one might never learn that this was agreed upon, and without this node could
// not find out.
func (n *Node) goAside() error {
	id := n.config.NodeID
	if !n.yield(n.now) {
		return protocol.Fail(protocol.RequestTimedOut, "node %d leads and the other voters are silent: nobody can lead in its place", id)
	}
	return protocol.Fail(protocol.NotController, "node %d leads, and lets another voter lead before it goes: ask that one", id)
}

// checkMajority refuses a removal after which those voters that are left could agree on nothing, for too many of them are
// silent: nothing would bring the quorum back but their return.
func (n *Node) checkMajority(id metadata.NodeID, after members) error {
	var silent []metadata.NodeID
	for _, m := range after {
		if m.Voter && m.ID != n.config.NodeID && n.now.Sub(n.contacts[m.ID].heard) > electionTimeout {
			silent = append(silent, m.ID)
		}
	}
	left := after.voters()
	switch led := n.now.Sub(n.since); {
	case left-len(silent) >= left/2+1:
	case led <= electionTimeout: // it took over a moment ago, and has not done anything: who asks again is answered
		return protocol.Fail(protocol.NotController, "node %d has led for %v, and has not heard of the voters %v yet: ask again", n.config.NodeID, led, silent)
	default:
		return protocol.Fail(protocol.RequestTimedOut, "without node %d most of the %d voters left would be needed, and of those %v are silent: bring them back, or remove them first", id, left, silent)
	}
	return nil
}

func (n *Node) proposeChange(single *raftpb.ConfChangeSingle, after members, done func([]Member, error)) {
	told := make(members, 0, 2)
	for _, id := range []metadata.NodeID{nodeID(single.GetNodeId()), n.config.NodeID} {
		if one, ok := after.find(id); ok {
			told = told.with(one)
		}
	}
	cc := &raftpb.ConfChangeV2{Changes: []*raftpb.ConfChangeSingle{single}, Context: told.append([]byte{contextVersion})}
	data, err := proto.Marshal(cc)
	if err != nil {
		done(nil, err)
		return
	}
	entry := &raftpb.Entry{Type: raftpb.EntryConfChangeV2.Enum(), Data: data}
	proposal := &raftpb.Message{Type: raftpb.MsgProp.Enum(), From: new(raftID(n.config.NodeID)), Entries: []*raftpb.Entry{entry}}
	err = n.raft.Step(proposal)
	switch {
	case errors.Is(err, raft.ErrProposalDropped):
		done(nil, n.notLeading())
	case err != nil:
		done(nil, err)
	case proposal.GetEntries()[0].GetType() != raftpb.EntryConfChangeV2: // raft has put nothing in its place
		done(nil, protocol.Fail(protocol.RequestTimedOut, "the members are being changed: ask again"))
	default:
		n.changing = &change{kind: single.GetType(), id: nodeID(single.GetNodeId()), done: done}
	}
}

// abandonChange tells who waits for a change that this node will not see through.
func (n *Node) abandonChange(reason error) {
	if c := n.changing; c != nil {
		n.changing = nil
		c.done(nil, reason)
	}
}

func changesMembers(e *raftpb.Entry) bool { return e.GetType() != raftpb.EntryNormal }

// decodeChange reads an entry that changes the members: what raft is told, and what becomes of the members.
func decodeChange(e *raftpb.Entry, before members) (*raftpb.ConfChangeV2, members, error) {
	cc := &raftpb.ConfChangeV2{}
	if e.GetType() == raftpb.EntryConfChange {
		v1 := &raftpb.ConfChange{}
		if err := proto.Unmarshal(e.GetData(), v1); err != nil {
			return nil, nil, err
		}
		cc = v1.AsV2()
	} else if err := proto.Unmarshal(e.GetData(), cc); err != nil {
		return nil, nil, err
	}
	context := cc.GetContext()
	if len(cc.GetChanges()) != 1 || cc.GetTransition() != raftpb.ConfChangeTransitionAuto || len(context) == 0 || context[0] != contextVersion {
		return nil, nil, errors.New("it changes the members in a way that this version of skein does not know")
	}
	told, rest, ok := readMembers(context[1:])
	one := cc.GetChanges()[0]
	if !ok || len(rest) > 0 || one.GetNodeId() == 0 || one.GetNodeId() > 1<<31 {
		return nil, nil, errors.New("it changes the members, and is damaged")
	}
	id, after := nodeID(one.GetNodeId()), before
	member, _ := before.find(id)
	switch one.GetType() {
	case raftpb.ConfChangeAddNode, raftpb.ConfChangeAddLearnerNode:
		member.Voter = one.GetType() == raftpb.ConfChangeAddNode
		after = before.with(member)
	case raftpb.ConfChangeRemoveNode:
		after = before.without(id)
	case raftpb.ConfChangeUpdateNode:
	default:
		return nil, nil, fmt.Errorf("it changes the members by %v, which this version of skein does not know", one.GetType())
	}
	if after.voters() == 0 {
		return nil, nil, fmt.Errorf("it leaves no voter of the members %v", nodeIDs(before))
	}
	return cc, after.told(told), nil
}

// noteMembers makes durable what committed changes make of the members, before they have any effect and before anybody is
// told that the entries beside them were taken: with the term and the vote, which a node that was alone had not written,
// and with the fact that they are committed. A node that starts again goes on from the same members or from later ones.
//
// It looks at all that is committed and in the log, not at what raft hands over to be applied: behind a snapshot raft
// hands that over one round later.
func (n *Node) noteMembers() error {
	if !slices.ContainsFunc(n.storage.between(n.applied+1, n.storage.last()), changesMembers) {
		return nil
	}
	status := n.raft.BasicStatus()
	after, index := n.members, uint64(0)
	for _, e := range n.storage.between(n.applied+1, status.GetCommit()) {
		if changesMembers(e) {
			var err error
			if _, after, err = decodeChange(e, after); err != nil {
				return fmt.Errorf("offset %d of %s: %w", offsetOf(e.GetIndex()), logFolder, err)
			}
			index = e.GetIndex()
		}
	}
	if index <= n.state.state.commit || n.config.faults.changeForgotten { // no change, or noted a round before
		return nil
	}
	s := n.state.state
	if !n.config.faults.termForgotten {
		s.term, s.vote = status.GetTerm(), status.GetVote()
	}
	s.commit, s.members = index, after
	return n.state.write(s)
}

// applyChange lets a change of the members have its effect. What was before it is applied and seen.
func (n *Node) applyChange(e *raftpb.Entry) error {
	cc, after, err := decodeChange(e, n.members)
	if err != nil {
		return err
	}
	n.setMembers(after)
	n.said = n.said || e.GetTerm() == n.term // a leader's proposal has its own address
	if got := n.raft.ApplyConfChange(cc); !n.members.sameConf(got) {
		panic(fmt.Sprintf("quorum: after entry %d the members are %v, and raft's are %v", e.GetIndex(), n.members, got))
	}
	n.logger.Info("the members of the metadata quorum have changed", "members", n.members, "offset", offsetOf(e.GetIndex()))
	n.tellMembers()
	if n.seat.Controller.Leading() {
		if err := n.step(n.now, &controller.SeveralChanged{Several: !n.members.decides(n.config.NodeID)}); err != nil {
			return err
		}
	}
	c, one := n.changing, cc.GetChanges()[0]
	if c != nil && e.GetTerm() == n.term && c.id == nodeID(one.GetNodeId()) && c.kind == one.GetType() {
		n.changing = nil
		c.done(n.members, nil)
	}
	return nil
}
