package group

// count adds a member's protocols to the group's, or takes them away.
func (g *group) count(m *member, by int) {
	if g.support == nil {
		g.support = make(map[string]int)
	}
	for i := range m.protocols {
		name := m.protocols[i].Name
		if n := g.support[name] + by; n != 0 {
			g.support[name] = n
		} else {
			delete(g.support, name)
		}
	}
}

// accepts says whether a member with these protocols fits in (J6). A protocol without a name fits nowhere, for a group
// could not say that it chose it.
func (g *group) accepts(protocolType string, protocols []Protocol) bool {
	for i := range protocols {
		if protocols[i].Name == "" {
			return false
		}
	}
	if g.state == Empty {
		return protocolType != "" && len(protocols) > 0
	}
	if g.protocolType == "" || g.protocolType != protocolType {
		return false
	}
	for i := range protocols {
		if g.support[protocols[i].Name] == g.members.len() {
			return true
		}
	}
	return false
}

// vote chooses the protocol of a generation (J13): each member votes for the first of its list that all members offer.
// Between equals the one that had a vote first wins: Kafka leaves that to chance. Since accepts let nobody in who would
// leave no protocol that all offer, there is a winner if there are members.
func (g *group) vote() string {
	votes := make(map[string]int)
	var ballot []string
	for m := g.members.first; m != nil; m = m.next {
		choice, ok := g.choice(m)
		if !ok {
			continue
		}
		if votes[choice] == 0 {
			ballot = append(ballot, choice)
		}
		votes[choice]++
	}
	winner := ""
	for _, name := range ballot {
		if winner == "" || votes[name] > votes[winner] {
			winner = name
		}
	}
	return winner
}

func (g *group) choice(m *member) (name string, ok bool) {
	for i := range m.protocols {
		if g.support[m.protocols[i].Name] == g.members.len() {
			return m.protocols[i].Name, true
		}
	}
	return "", false
}
