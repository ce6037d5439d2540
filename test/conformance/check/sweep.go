package check

import "github.com/twmb/franz-go/pkg/kmsg"

// dropGroup deletes a group, with the members that are still in it. It tries once and expects nothing: the row has its
// verdict already.
func (p *probe) dropGroup(name string) {
	found := p.find(p.upTo(10, 4), 0, name)
	if found.code != 0 {
		return
	}
	g := &group{p: p, name: name, addr: found.addr}
	if d := g.describe(); len(d.Members) > 0 {
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Group = name
		for i := range d.Members {
			m := kmsg.NewLeaveGroupRequestMember()
			m.MemberID, m.InstanceID = d.Members[i].MemberID, d.Members[i].InstanceID
			req.Members = append(req.Members, m)
		}
		ask[*kmsg.LeaveGroupResponse](p, found.addr, p.upTo(13, 3), req)
	}
	g.remove()
}
