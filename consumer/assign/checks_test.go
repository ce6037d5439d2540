package assign

import (
	"fmt"
	"maps"
	"slices"
)

// Checkers of plans. Each returns what is wrong, or "". They know nothing of how a plan was made.

// checkValid: each partition that somebody subscribes to has one owner, who subscribes to its topic; each member has an
// entry, sorted.
func checkValid(g Group, plan Plan) string { return valid(g, plan, nil) }

// valid lets the withheld partitions be nobody's.
func valid(g Group, plan Plan, withheld map[TopicPartition]bool) string {
	if len(plan) != len(g.Members) {
		return fmt.Sprintf("%d members, %d in the plan", len(g.Members), len(plan))
	}
	owners := map[TopicPartition]string{}
	for _, m := range g.Members {
		list, ok := plan[m.ID]
		if !ok {
			return m.ID + " is not in the plan"
		}
		if !slices.IsSortedFunc(list, TopicPartition.Compare) {
			return m.ID + " has partitions that are not sorted"
		}
		for _, p := range list {
			if owner, twice := owners[p]; twice {
				return fmt.Sprintf("%v is given to %s and to %s", p, owner, m.ID)
			}
			if !slices.Contains(m.Topics, p.Topic) {
				return fmt.Sprintf("%v is given to %s, which does not subscribe", p, m.ID)
			}
			if p.Partition < 0 || p.Partition >= g.Partitions[p.Topic] {
				return fmt.Sprintf("%v does not exist", p)
			}
			owners[p] = m.ID
		}
	}
	for topic, n := range g.Partitions {
		wanted := slices.ContainsFunc(g.Members, func(m Member) bool { return slices.Contains(m.Topics, topic) })
		for p := range n {
			tp := TopicPartition{topic, p}
			if _, given := owners[tp]; !given && wanted && !withheld[tp] {
				return fmt.Sprintf("%v is given to nobody", tp)
			}
		}
	}
	return ""
}

// checkBalanced: no chain of members, each passing a partition to the next, makes the loads more even. A chain of one
// is the single move; members with equal subscriptions so differ by one at most.
func checkBalanced(g Group, plan Plan) string {
	subscribers := map[string][]string{}
	for _, m := range g.Members {
		for _, topic := range m.Topics {
			subscribers[topic] = append(subscribers[topic], m.ID)
		}
	}
	for _, from := range slices.Sorted(maps.Keys(plan)) {
		reached := map[string]bool{from: true}
		for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
			for _, p := range plan[queue[0]] {
				for _, to := range subscribers[p.Topic] {
					if reached[to] {
						continue
					}
					if len(plan[from]) > len(plan[to])+1 {
						return fmt.Sprintf("%s has %d and %s %d, and could get one of them", from, len(plan[from]), to, len(plan[to]))
					}
					reached[to] = true
					queue = append(queue, to)
				}
			}
		}
	}
	return ""
}

// owners is who had each partition, by the rule of KIP-792, computed in another way than claims does.
func owners(g Group) map[TopicPartition]string {
	result := map[TopicPartition]string{}
	for topic, n := range g.Partitions {
		for p := range n {
			tp := TopicPartition{topic, p}
			var best []Member
			for _, m := range g.Members {
				if !slices.Contains(m.Owned, tp) {
					continue
				}
				if len(best) > 0 && best[0].Generation < m.Generation {
					best = nil
				}
				if len(best) == 0 || best[0].Generation == m.Generation {
					best = append(best, m)
				}
			}
			if len(best) == 1 {
				result[tp] = best[0].ID
			}
		}
	}
	return result
}

// moves counts what the plan takes from one who could have kept it.
func moves(g Group, plan Plan) int {
	moved := 0
	had := owners(g)
	for _, m := range g.Members {
		for tp, owner := range had {
			if owner == m.ID && slices.Contains(m.Topics, tp.Topic) && !slices.Contains(plan[m.ID], tp) {
				moved++
			}
		}
	}
	return moved
}

// unevenness is the measure of balance: the sum of the squares of the loads.
func unevenness(plan Plan) int {
	sum := 0
	for _, list := range plan {
		sum += len(list) * len(list)
	}
	return sum
}

// best tries every assignment and returns the least unevenness and the fewest moves with it. For small groups.
func best(g Group) (uneven, moved int) {
	type choice struct {
		had    int // index of the owner, or -1
		takers []int
	}
	had := owners(g)
	var choices []choice
	for topic, n := range g.Partitions {
		for p := range n {
			c := choice{had: -1}
			for i, m := range g.Members {
				if slices.Contains(m.Topics, topic) {
					c.takers = append(c.takers, i)
					if had[TopicPartition{topic, p}] == m.ID {
						c.had = i
					}
				}
			}
			if len(c.takers) > 0 {
				choices = append(choices, c)
			}
		}
	}
	uneven, moved = 1<<30, 1<<30
	load := make([]int, len(g.Members))
	var try func(n, sum, moves int)
	try = func(n, sum, moves int) {
		if sum > uneven {
			return
		}
		if n == len(choices) {
			if sum < uneven || moves < moved {
				uneven, moved = sum, moves
			}
			return
		}
		for _, i := range choices[n].takers {
			more := 0
			if choices[n].had >= 0 && choices[n].had != i {
				more = 1
			}
			load[i]++
			try(n+1, sum+2*load[i]-1, moves+more)
			load[i]--
		}
	}
	try(0, 0, 0)
	return uneven, moved
}

// checkBest compares a plan of a small group with the best of all.
func checkBest(g Group, plan Plan) string {
	uneven, moved := best(g)
	if u, m := unevenness(plan), moves(g, plan); u != uneven || m != moved {
		return fmt.Sprintf("unevenness %d with %d moves, the best is %d with %d", u, m, uneven, moved)
	}
	return ""
}

// checkFewMoves is checkBest for a group of any size whose members have the same subscription: the members that had
// most get the larger share, and each keeps what its share allows.
func checkFewMoves(g Group, plan Plan) string {
	had := map[string]int{}
	for _, owner := range owners(g) {
		had[owner]++
	}
	var counts []int
	total, valid := 0, 0
	for _, m := range g.Members {
		counts = append(counts, had[m.ID])
		valid += had[m.ID]
	}
	for _, topic := range g.Members[0].Topics {
		total += int(g.Partitions[topic])
	}
	slices.Sort(counts)
	slices.Reverse(counts)
	kept := 0
	for i, n := range counts {
		share := total / len(counts)
		if i < total%len(counts) {
			share++
		}
		kept += min(n, share)
	}
	if m := moves(g, plan); m != valid-kept {
		return fmt.Sprintf("%d moves, %d were needed", m, valid-kept)
	}
	return ""
}

// checkWithheld: nothing is given to a member while another claims it, unless it is the member's own by the higher
// generation.
func checkWithheld(g Group, plan Plan) string {
	had := owners(g)
	for id, list := range plan {
		for _, p := range list {
			for _, m := range g.Members {
				if m.ID != id && slices.Contains(m.Owned, p) && had[p] != id {
					return fmt.Sprintf("%v is given to %s, and %s still claims it", p, id, m.ID)
				}
			}
		}
	}
	return ""
}

// checkOrder: the members' order makes no difference.
func checkOrder(a Assignor, g Group, plan Plan, seed uint64) string {
	other, err := a.Assign(shuffled(g, seed))
	if err != nil || !maps.EqualFunc(plan, other, slices.Equal) {
		return fmt.Sprintf("another order of the members gives another plan: %v, %v", plan, other)
	}
	return ""
}
