package scenario

import (
	"context"
	"slices"

	"github.com/skein-io/skein/test/interop/family"
)

// Mixed is Group with members of different libraries in one group: skein's own, Java, librdkafka, franz-go and sarama, by
// range. Any of them may have to compute the assignment for the others.
var Mixed = Scenario{
	Name:    "mixed",
	Applies: ours,
	Run: func(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
		return runTurnover(ctx, env, f, "mixed", kind{}, families(f.Name, "java-4.3.1", "confluent-python", "franz-go", "sarama"))
	},
}

// MixedCooperative is the same with cooperative-sticky, which sarama has not.
var MixedCooperative = Scenario{
	Name:    "mixed-cooperative",
	Applies: ours,
	Run: func(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
		return runTurnover(ctx, env, f, "mixed-cooperative", kind{assignor: cooperativeSticky}, families("java-4.3.1", f.Name, "confluent-python", "franz-go"))
	},
}

func ours(f *family.Family) bool { return f.Name == "skein" }

func families(names ...string) []*family.Family {
	var found []*family.Family
	for _, name := range names {
		all := family.All()
		found = append(found, all[slices.IndexFunc(all, func(f *family.Family) bool { return f.Name == name })])
	}
	return found
}
