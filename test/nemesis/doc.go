// Package nemesis does random harm to whole real nodes that are one cluster, in a synctest bubble with network and disk in
// memory: power loss, kill -9, hanging machines, cut links, slow and failing disks, leaders that move, nodes that stop and
// start. franz-go's producers, readers and group members work meanwhile. Then everything is healed: everybody must get on,
// and package check judges what the clients saw.
//
// A seed decides what is done when, but not in which order goroutines run: a run does not repeat exactly. So a failure
// prints everything that happened, with virtual times.
//
// It holds tests only. Start with nemesis_test.go. SKEIN_SEEDS=n runs n seeds, SKEIN_SEED=n one of them. The tests run in a build with
// the tag synctests (again_test.go says why): go test makes that build itself, a test binary of one's own needs -tags synctests.
package nemesis
