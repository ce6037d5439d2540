package text

// english is the tour in English. Arguments are named by number, so that another language may order them.
var english = map[string]string{
	"lane.coordinator":     "coord",
	"lane.begin":           "%[1]s starts",
	"lane.left":            "%[1]s ends",
	"lane.killed":          "%[1]s is killed",
	"lane.paused":          "%[1]s is paused",
	"lane.resumed":         "%[1]s goes on",
	"lane.expired":         "nothing was heard of %[1]s for %.3[2]f s: its session is over",
	"lane.join.first":      "JoinGroup, without a member id",
	"lane.join.again":      "JoinGroup as %[1]s…",
	"lane.joined.leader":   "generation %[1]d: you lead, members: %[2]d",
	"lane.joined.follower": "generation %[1]d: %[2]s leads",
	"lane.sync.leader":     "SyncGroup, assignments: %[1]d",
	"lane.sync.follower":   "SyncGroup: what is mine?",
	"lane.synced":          "%[1]s",
	"lane.polled":          "Poll returns the offsets %[1]d to %[2]d",
	"lane.muted":           "it is muted for %[1]s",
	"lane.unmuted":         "it is heard again",
	"lane.cut":             "the link between %[1]s and %[2]s is cut",
	"lane.leads":           "%[1]s leads in epoch %[2]d",
	"lane.controls":        "%[1]s controls",
	"lane.made":            "the topic %[1]s is made",
	"lane.isolated":        "%[1]s is cut off from the others",
	"lane.answers":         "it answers the producer: %[1]s",
	"lane.healed":          "%[1]s reaches the others again",
	"lane.produce":         "Produce: %[1]d bytes, acks=all",
	"lane.wrote":           "written to %[1]s, bytes %[2]d to %[3]d: in the page cache, took %[4]d µs",
	"lane.fetched":         "its Fetch is answered: %[1]d bytes",
	"lane.synced.disk":     "synced: on its disk, took %[1]d µs",
	"lane.durable":         "ReplicaDurableEnds: durable up to offset %[1]d",
	"lane.answered":        "Produce is answered: offset %[1]d",
	"lane.seen":            "its Fetch is answered: high watermark %[1]d",
	"lane.old.registers":   "creates its id",
	"lane.old.told":        "the children of ids changed",
	"lane.old.ended":       "the session of %[1]s is over: its znodes are deleted",
	"lane.old.stopped":     "stops reading %[1]s, and releases",
	"lane.old.started":     "reads %[1]s",
	"lane.old.collided":    "%[1]s has an owner: back-off",
	"lane.old.gave-up":     "gives up",

	"table.member":         "MEMBER",
	"table.notified":       "NOTIFIED",
	"table.requests":       "REQUESTS",
	"table.tries":          "TRIES",
	"table.change":         "CHANGE",
	"table.epoch":          "EPOCH",
	"table.execute-time":   "TIME",
	"table.place":          "PLACE",
	"table.stored-epoch":   "STORED",
	"table.stored-time":    "TIME",
	"table.stored-place":   "PLACE",
	"table.verdict":        "VERDICT",
	"table.row":            "ROW",
	"table.cell":           "CELL",
	"table.bytes":          "BYTES",
	"table.says":           "SAYS",
	"table.letter":         "LETTER",
	"table.unit":           "UNIT",
	"table.hash":           "HASH",
	"table.group":          "GROUP",
	"table.coordinator":    "COORDINATOR",
	"table.address":        "ADDRESS",
	"table.expected":       "EXPECTED",
	"table.stored":         "FOUND",
	"table.partition":      "PARTITION",
	"table.from":           "FROM",
	"table.to":             "TO",
	"table.committed":      "COMMITTED",
	"table.read":           "WAS READ TO",
	"table.goes-on":        "GOES ON AT",
	"table.offsets":        "OFFSETS",
	"table.processed-by":   "PROCESSED BY",
	"table.replica":        "REPLICA",
	"table.log-end":        "LOG END",
	"table.durable-end":    "DURABLE END",
	"table.high-watermark": "HIGH WATERMARK",
	"table.leader":         "LEADER",
	"table.leader-epoch":   "LEADER EPOCH",
	"table.isr":            "ISR",
	"table.elr":            "ELIGIBLE (ELR)",

	"coordinator.title": "Who coordinates a group",
	"coordinator.about": "Every group has one broker that coordinates it. Nobody elects that broker: the group id decides. It is hashed to a " +
		"partition of the topic __consumer_offsets, and the leader of that partition is the coordinator. What the group must not " +
		"forget is a record in that partition.",
	"coordinator.hash": "The hash is that of a Java string: begin with 0, and for each UTF-16 unit multiply by 31 and add it, in 32 bits. The " +
		"group here is polygenelubricants, because its hash is the smallest integer there is: it has no absolute value. " +
		"Kafka takes 0 for it.",
	"coordinator.commit": "A client commits an offset for the group, and the group is there. Then the client asks FindCoordinator who " +
		"coordinates it, and Metadata who leads the partition.",
	"coordinator.look": "Nothing said so far proves the partition. So the whole of __consumer_offsets is read: where are the group's records? " +
		"And which of the coordinator's loops, one for each partition, heard of the commit?",
	"coordinator.others": "Ordinary group ids spread over the partitions, and so over the brokers. Aa and BB have the same hash, and " +
		"therefore the same coordinator.",
	"fact.coordinator.partitions": "__consumer_offsets has %[2]d partitions (offsets.topic.num.partitions)",
	"fact.coordinator.hash":       "the hash is %[1]d; a plain remainder would be partition %[2]d, Kafka's rule gives %[3]d",
	"fact.coordinator.leader":     "FindCoordinator answers node %[1]d, which leads __consumer_offsets-%[2]d",
	"fact.coordinator.stored":     "of %[2]d partitions, %[1]v alone has records of the group",
	"fact.coordinator.heard":      "the flight recorder of partition %[1]v alone has the commit",
	"fact.coordinator.others":     "each of the %[2]d groups is stored where its hash says",

	"join.title": "Join and sync",
	"join.about": "Consumers of one group share the partitions of a topic. They agree in two rounds: JoinGroup collects the members and " +
		"begins a generation, SyncGroup hands out the assignment. The coordinator does not assign: one of the members does, " +
		"the consumer leader.",
	"join.unknown": "The group is readers, the topic orders has six partitions, and nobody has come yet. DescribeGroups of a group that " +
		"is not there says Dead.",
	"join.join": "Three consumers start. Each is sent back once to come again with a member id (KIP-394). The first begins a rebalance, " +
		"and all wait: group.initial.rebalance.delay.ms gives others time to come, so that they need no second " +
		"rebalance. Then all are answered at once. Only the consumer leader, the first who joined, learns the members; the tour " +
		"holds its assignment back for a moment, so that CompletingRebalance can be seen.",
	"join.sync": "The consumer leader assigns, with the range assignor, and sends it all in its SyncGroup. The others asked already and wait. The " +
		"coordinator writes one record to __consumer_offsets, and when it is committed everybody is answered: Stable.",
	"join.empty":           "All leave. A group without members is Empty: it keeps its committed offsets until they expire.",
	"fact.join.unknown":    "before anybody came, DescribeGroups says %[1]v",
	"fact.join.preparing":  "while the first waits, DescribeGroups says %[1]v",
	"fact.join.completing": "while the leader assigns, DescribeGroups says %[1]v",
	"fact.join.required":   "JoinGroup was answered twice to each: MEMBER_ID_REQUIRED, then NONE",
	"fact.join.told":       "members that the answer listed: %[1]v; it is only the consumer leader's to know",
	"fact.join.generation": "all are in one generation: %[1]v",
	"fact.join.stable":     "DescribeGroups says %[1]v",
	"fact.join.shared":     "what DescribeGroups says is what each consumer has: %[1]v",
	"fact.join.once":       "%[1]d partitions, each with one owner",
	"fact.join.states":     "the states in order: %[1]v",
	"fact.join.empty":      "DescribeGroups says %[1]v",

	"members.title": "Members come and go",
	"members.about": "A consumer reads ahead of what it has committed. When its partitions go to another, that one goes on from the committed " +
		"offset: what was read and not committed is read again. So a record may be processed twice, and none is lost.",
	"members.work": "Three consumers of the group readers share the six partitions of orders. Two records come into each, are read, and are " +
		"committed.",
	"members.add": "A consumer is added. Its JoinGroup begins a rebalance. The others learn of it by the answer to their next heartbeat, " +
		"REBALANCE_IN_PROGRESS, and join again. The range assignor deals anew.",
	"members.leave": "A consumer commits and ends in good order: it sends LeaveGroup. The coordinator need not wait for its session, " +
		"and the others take over at their next heartbeat.",
	"members.kill": "A consumer is killed after it has read a record in each of its partitions and not committed it. The system closes its " +
		"connections, but a closed connection says nothing about a member: the coordinator waits until session.timeout.ms " +
		"is over. Then others take over from the committed offset, and read again what was not committed.",
	"members.pause": "A consumer stands still for longer than its session, as with a long garbage collection, with a commit under way. The others " +
		"take over. When it goes on it does not know: its old commit is refused, UNKNOWN_MEMBER_ID, so it cannot undo " +
		"their work. It joins again, as a new member.",
	"fact.members.committed":     "OffsetFetch says %[2]d for every partition",
	"fact.members.once":          "%[1]d partitions, each with one owner",
	"fact.members.given":         "partitions of %[2]s that changed hands: %[3]d",
	"fact.members.fetched":       "the new owners were told the committed offsets: %[1]v",
	"fact.members.began":         "and the first records they read had them: %[1]v",
	"fact.members.leave.expired": "sessions of %[2]s that had to end: %[1]d",
	"fact.members.kill.expired":  "%[2]s was silent for %.3[3]f s, its session is %.0[4]f s: then it was removed",
	"fact.members.pause.expired": "%[2]s was silent for %.3[3]f s, its session is %.0[4]f s: then it was removed",
	"fact.members.refused":       "the commit that %[2]s had under way was answered with %[1]v",
	"fact.members.kept":          "the committed offsets are as the others left them: %[1]v",

	"commits.title": "What a commit is worth",
	"commits.about": "A group remembers one offset for each partition: where the next consumer goes on. Between what is processed and what is " +
		"committed lies what is read twice after a crash. So the order decides: process, then commit, and nothing is lost. Here five " +
		"consumers of skein's library read orders-0, three records with each Poll, one after the other.",
	"commits.auto": "AutoCommit, each 3 s. A record is processed when the application calls Poll again. The first Poll after the interval commits what is " +
		"processed by then, never what is only delivered; the next Poll comes too soon and commits nothing. c1 is killed in the middle of its third " +
		"batch.",
	"commits.sync": "Commit waits for the answer. Then the coordinator is muted: it hears nothing of the consumer and answers nothing, and others reach it. " +
		"Commit tries again for as long as it is given; a Poll meanwhile fetches, because fetching needs no coordinator. A Commit that waits when the " +
		"coordinator is back is written. At the end it is muted once more, and c2 is killed.",
	"commits.async": "CommitAsync does not wait, and is not tried again. Two are called while the coordinator is muted. When it is back the first has " +
		"failed; the second is written, and covers the first: an offset says that everything before it is done. The last one " +
		"is under way to a muted coordinator when c3 is killed.",
	"commits.early": "The mistake: c4 commits as soon as Poll returns, and processes afterwards. It is killed after the first of three records. The group " +
		"believes that all three are done, so nobody reads the other two again.",
	"commits.nobody":               "nobody",
	"fact.commits.auto.committed":  "OffsetFetch says %[1]d, where %[2]d records were delivered and %[3]d processed",
	"fact.commits.auto.begins":     "%[2]s begins at offset %[1]d, the committed one",
	"fact.commits.auto.again":      "processed and read again, records: %[2]d (offsets: %[1]v)",
	"fact.commits.auto.lost":       "never processed and never read again, records: %[2]d",
	"fact.commits.sync.written":    "when Commit returned, OffsetFetch said %[1]d",
	"fact.commits.sync.muted":      "Commit with %[2]d ms to a muted coordinator returned %[1]v",
	"fact.commits.sync.held":       "OffsetFetch still says %[1]d",
	"fact.commits.sync.polled":     "Poll returned records all the same, the offsets %[1]v",
	"fact.commits.sync.back":       "the Commit that waited when the coordinator came back was %[1]v",
	"fact.commits.sync.last":       "the last Commit returned %[1]v",
	"fact.commits.sync.begins":     "%[2]s begins at offset %[1]d, the committed one",
	"fact.commits.sync.again":      "processed and read again, records: %[2]d (offsets: %[1]v)",
	"fact.commits.sync.lost":       "never processed and never read again, records: %[2]d",
	"fact.commits.async.called":    "callbacks, in the order of the calls: %[1]v",
	"fact.commits.async.covered":   "OffsetFetch says %[1]d: what failed is covered",
	"fact.commits.async.begins":    "%[2]s begins at offset %[1]d, the committed one",
	"fact.commits.async.again":     "processed and read again, records: %[2]d (offsets: %[1]v)",
	"fact.commits.async.lost":      "never processed and never read again, records: %[2]d",
	"fact.commits.early.committed": "OffsetFetch says %[1]d: of %[2]d records it covers, only that of offset %[3]d was processed",
	"fact.commits.early.begins":    "%[2]s begins at offset %[1]d, the committed one",
	"fact.commits.early.again":     "processed and read again, records: %[2]d",
	"fact.commits.early.lost":      "lost: never processed and never read again, records: %[2]d (offsets: %[1]v)",

	"replicas.title": "A record on three disks",
	"replicas.about": "A partition has a leader, which takes the records, and followers, which fetch them. Each replica has a log end: the offset that its " +
		"next record will have. Its durable end is how much of that is on its disk. The high watermark is the least durable end of " +
		"the in-sync replicas (ISR): below it a record is committed, consumers see it, and acks=all is answered.",
	"replicas.whole": "Three nodes hold the partition orders-0. Three records are written with acks=all. Each node is asked where " +
		"its replica is.",
	"replicas.cut": "The link between the leader and one follower is cut, and a fourth record is written. The leader and the other follower have it on " +
		"their disks at once. The high watermark stays: the follower that is cut off is in the ISR still, and so the record might " +
		"be lost if it became the leader. Whoever produced it waits.",
	"replicas.out": "A follower that has not had everything for replica.lag.time.max.ms (2 s here, 30 s by default) is taken out of the ISR: the leader asks " +
		"the controller, which writes it down. Then the high watermark goes on without it, and the producer is answered.",
	"replicas.back": "The link is there again. The follower fetches from its own log end. When everything that is committed is on its disk, " +
		"the leader asks for it to be in the ISR again. A fifth record is on all three disks before it is acknowledged.",
	"replicas.part.leader":     "leader",
	"replicas.part.slow":       "cut off",
	"replicas.part.other":      "follower",
	"fact.replicas.whole":      "log end, durable end and high watermark of the leader: %[1]v",
	"fact.replicas.isr.whole":  "Metadata has them in the ISR: %[1]v in all",
	"fact.replicas.cut.leader": "log end and durable end of the leader: %[1]v",
	"fact.replicas.cut.held":   "its high watermark is held at %[1]d, the durable end of the one that is cut off: %[2]d",
	"fact.replicas.cut.waits":  "answers to the producer of the fourth record: %[1]d",
	"fact.replicas.out.late":   "it left the ISR, and not before %.0[2]f s were over: %[1]v",
	"fact.replicas.out.moves":  "the high watermark is %[1]d now, though it has only %[2]d records; the producer is answered",
	"fact.replicas.isr.out":    "Metadata has them in the ISR: %[1]v in all",
	"fact.replicas.back":       "log end and durable end of the one that was cut off: %[1]v",
	"fact.replicas.isr.back":   "Metadata has them in the ISR: %[1]v in all",

	"elections.title": "Clean and unclean election",
	"elections.about": "When a leader dies, the controller makes another replica leader. One that is in the ISR has everything " +
		"that is committed: nothing is lost, a clean election. If no replica of the ISR lives, the partition waits for one. " +
		"Whoever cannot wait may let a replica lead that lacks acknowledged records: an unclean election. Here each offset is " +
		"named that it loses.",
	"elections.whole": "Three nodes: one is the controller, the two others hold orders-0, with min.insync.replicas=1. Three " +
		"records are written with acks=all: a, b, c.",
	"elections.clean": "The leader is killed, as with kill -9. The controller sees its connection end, waits half a second, and " +
		"fences it. The other replica is in the ISR, so it leads, in the next leader epoch. A fourth record is written, d, and " +
		"everything is read.",
	"elections.alone": "The old leader is started again, fetches what it lacks, and is in the ISR again. Then the link between the " +
		"two is cut, and two more records are written, e and f. After replica.lag.time.max.ms the follower leaves the ISR. The " +
		"leader is alone in it, which is enough for min.insync.replicas=1: it acknowledges both, and they are on its disk only.",
	"elections.none": "The leader is killed, and the link is there again. The replica that lives was not in the ISR: it may lack " +
		"records that were acknowledged, and it does. Only the dead one is eligible (ELR). So nobody leads, and the partition " +
		"waits. To ask for the preferred leader, which lives, does not help.",
	"elections.unclean": "Somebody asks for an unclean election (kafka-leader-election.sh --election-type unclean; with " +
		"unclean.leader.election.enable=true nobody needs to ask). The replica that lives leads. Its log ends earlier: what was " +
		"acknowledged from there on is lost, and the next record is given an offset that was given before.",
	"elections.told": "A consumer had read all records, up to f. It asks the new leader where the epoch in which it read ended, " +
		"and sees that it has read further: its log has diverged. If it fetches without asking, it is refused as well.",
	"elections.back": "The one that had e and f is started again. As a follower it fetches, and is told where its log diverges " +
		"from the leader's: it cuts off what the leader does not have, and fetches on from there. Then the leader is killed, so " +
		"that its log is the one that is read.",
	"fact.elections.whole":              "the records were acknowledged at offsets %[1]v; %[2]s leads in epoch %[3]d",
	"fact.elections.clean.leader":       "%[2]s leads, in the later epoch %[3]d: %[1]v",
	"fact.elections.clean.epoch":        "epoch %[2]d ended at offset %[1]d, where epoch %[3]d begins: nothing is missing between",
	"fact.elections.clean.next":         "the fourth record was acknowledged at offset %[1]v",
	"fact.elections.clean.kept":         "everything that was acknowledged is read: %[1]v",
	"fact.elections.alone.isr":          "in the ISR is %[2]s alone (node %[1]v)",
	"fact.elections.alone.acknowledged": "it acknowledged the records at offsets %[1]v",
	"fact.elections.alone.ends":         "log ends of %[2]s and %[3]s: %[1]v",
	"fact.elections.alone.read":         "a consumer read them: %[1]v",
	"fact.elections.none.leader":        "the leader is %[1]d: there is none",
	"fact.elections.none.elr":           "eligible to lead is %[2]s alone, which is dead (node %[1]v)",
	"fact.elections.none.code":          "clients are told %[1]v",
	"fact.elections.none.preferred":     "the preferred leader, %[2]s, is not elected: %[1]v",
	"fact.elections.unclean.elected":    "ElectLeaders was answered with %[1]v",
	"fact.elections.unclean.leader":     "%[2]s leads, in the later epoch %[3]d: %[1]v",
	"fact.elections.unclean.lost":       "acknowledged and lost: offsets %[2]d to %[3]d",
	"fact.elections.unclean.again":      "the next record was given offset %[1]v, for the second time",
	"fact.elections.unclean.read":       "what is read now: %[1]v",
	"fact.elections.told.diverging":     "the leader says: epoch %[2]d ended at offset %[1]d. The consumer is at %[3]d",
	"fact.elections.told.range":         "Fetch at offset %[2]d is answered with %[1]v",
	"fact.elections.told.fenced":        "Fetch with the old leader epoch, %[2]d, is answered with %[1]v",
	"fact.elections.back.cut":           "the log of %[2]s ended at %[3]d. It was cut, and ends at %[1]d like the leader's",
	"fact.elections.back.leader":        "%[2]s leads, in the later epoch %[3]d: %[1]v",
	"fact.elections.back.read":          "what is read from it: %[1]v",

	"controller.title": "The controller dies, and what is stale is refused",
	"controller.about": "One node is the controller: it alone changes the cluster's metadata, and the others repeat what it wrote. " +
		"When it dies, the quorum elects another, in a higher quorum epoch. Whoever was dead or cut off meanwhile may still " +
		"believe what was true before. Each request therefore names the epoch in which it is true: of the controller, of a " +
		"broker's registration, of a partition's leader. What is older is refused, by name.",
	"controller.whole": "Three nodes. Each is asked who the controller is (DescribeQuorum), and how it is registered: each " +
		"registration has a broker epoch of its own.",
	"controller.killed": "The controller is killed. The others miss it after half a second to a second, and elect one of them. " +
		"Until then no topic can be made; the scene asks until it is.",
	"controller.stale": "The first controller's node is started again, and registers anew: in a higher broker epoch. Then the " +
		"scene sends the new controller what the former process might still have had under way: a heartbeat, and a request for " +
		"producer ids. Both name the old broker epoch.",
	"controller.cut": "A record is written. Then the partition's leader is cut off from the other nodes, but not from clients. A " +
		"producer sends it three records with acks=all. They are in its log and nowhere else, so it may not acknowledge them. It " +
		"has had no heartbeat answered for two thirds of a session, which was its lease, and no follower fetches: it takes " +
		"itself for fenced, and sends the producer away. The controller has made another leader by then, which takes a record.",
	"controller.fenced": "What the old leader may still want is in the old leader epoch. It would take the other one out of the " +
		"ISR: refused. A consumer that believes in the old epoch fetches: refused. Then the links are there again. The old " +
		"leader learns of the epoch, follows, and cuts off what nobody acknowledged.",
	"controller.part.first":            "ctrl1",
	"controller.part.second":           "ctrl2",
	"controller.part.leader":           "node3",
	"fact.controller.whole":            "quorum epoch %[2]d; the controller's node has broker epoch %[3]d: %[1]v",
	"fact.controller.killed.epoch":     "another is elected: quorum epoch %[3]d, before quorum epoch %[2]d: %[1]v",
	"fact.controller.killed.topic":     "a topic was made %[2]d ms after the controller died: %[1]v",
	"fact.controller.stale.registered": "registered in broker epoch %[3]d, before in broker epoch %[2]d: %[1]v",
	"fact.controller.stale.heartbeat":  "BrokerHeartbeat of the former process: %[1]v",
	"fact.controller.stale.ids":        "AllocateProducerIds of the former process: %[1]v",
	"fact.controller.stale.fresh":      "the same in the present broker epoch: %[1]v",
	"fact.controller.stale.controller": "the same, sent to the node that was the controller: %[1]v",
	"fact.controller.cut.first":        "the first record was acknowledged at offset %[1]v",
	"fact.controller.cut.refused":      "the producer was told %[1]v",
	"fact.controller.cut.tail": "the log of the leader that is cut off ends at %[1]d: it has the three records, and has not " +
		"acknowledged them",
	"fact.controller.cut.leader":     "%[2]s leads, in the later leader epoch %[3]d: %[1]v",
	"fact.controller.cut.next":       "the next record was acknowledged at offset %[1]d",
	"fact.controller.fenced.alter":   "AlterPartition in leader epoch %[2]d: %[1]v",
	"fact.controller.fenced.fetch":   "Fetch in leader epoch %[2]d: %[1]v",
	"fact.controller.fenced.back":    "the log of the old leader ended at 4, and ends at %[1]d now",
	"fact.controller.fenced.produce": "a producer that still asks it is told %[1]v",
	"fact.controller.fenced.read":    "what is read: %[1]v",

	"record.title": "The path of a record",
	"record.about": "A producer's record reaches the leader's socket. The requests of a connection are taken in order, so the " +
		"record is appended in order. An append is a write into the page cache; a Syncer brings it to the disk, in one round for " +
		"all partitions. The followers fetch it meanwhile, do the same, and tell how far they are durable. When all in-sync " +
		"replicas have it on their disks the high watermark goes up, the producer is answered, and consumers see it. Here one " +
		"record is followed. All nodes are in this process, so one clock tells every time.",
	"record.whole": "The partition orders-0 is on two nodes, both of which must be in sync (min.insync.replicas=2). A producer and " +
		"a consumer have each a connection to the leader. A first record goes the whole way, so that everything is open.",
	"record.path": "The consumer asks for what comes next, and waits; so does the follower. A second record is sent. The times are " +
		"microseconds since then. What the nodes wrote and synced was seen at their files, what they said at their connections.",
	"record.waits": "The link between the two is cut, and two more records are sent, with a Metadata request behind them on the " +
		"same connection. The leader is asked what happens inside of it (skein node anatomy). Both records are appended, in " +
		"order, and wait for the high watermark. Metadata waits in the queue of the connection until they are answered: no " +
		"answer overtakes another. Then the link is there again.",
	"record.part.producer":        "prod",
	"record.part.leader":          "lead",
	"record.part.follower":        "foll",
	"record.part.consumer":        "cons",
	"fact.record.whole":           "the first record was acknowledged at offset %[1]d",
	"fact.record.path.offset":     "the second record was acknowledged at offset %[1]d",
	"fact.record.path.bytes":      "bytes that the leader wrote, the follower fetched, the follower wrote and the consumer was given: %[1]v",
	"fact.record.path.place":      "it is at the same place in the files of both: %[1]v",
	"fact.record.path.after":      "the answer came after the leader's sync, the follower's sync, and the follower's word of it: %[1]v",
	"fact.record.path.seen":       "the consumer saw it at high watermark %[2]d, and not before the follower had told: %[1]v",
	"fact.record.waits.committed": "requests that wait for a high watermark: %[1]d",
	"fact.record.waits.order":     "Produces that are under way, and Metadata that is queued behind them: %[1]v",
	"fact.record.waits.unseen":    "bytes that the consumer is given meanwhile: %[1]d; the high watermark is %[2]d",
	"fact.record.waits.answered":  "then the Produces are answered, in order: offsets %[1]v",
	"fact.record.waits.last":      "and Metadata after them, with topics: %[1]d",
	"fact.record.waits.seen":      "the consumer sees them, at high watermark %[1]d",

	"herd.title": "Before there was a coordinator",
	"herd.about": "Kafka's first consumers (0.8) had no coordinator. Each member put its id into ZooKeeper, watched the ids of the " +
		"others, and worked out by itself which partitions are its own; a partition's owner was whoever created a znode for it. Here that " +
		"algorithm runs on a model of ZooKeeper, with a clock of its own; then the same happens to a real group with a real coordinator. " +
		"skein bench herd measures both, on a real ZooKeeper.",
	"herd.watch": "o1 and o2 read orders, three partitions each. o3 comes. ZooKeeper tells everybody who watches the ids that they " +
		"changed, and not how: each reads all ids again, and the topic. o3 knows at once and claims its part, while o2, who is told " +
		"later, still owns it: collision. o3 waits for rebalance.backoff.ms and tries again; meanwhile nobody reads those partitions.",
	"herd.split": "The way from o2 to ZooKeeper is cut for 10 s, and the way to the brokers is not. After 6 s its session is over, its " +
		"ephemeral znodes are gone, and others claim its partitions. o2 cannot be told. It goes on reading, and so do they: a split brain. " +
		"Nothing in a fetch or in an offset says from whom it may come.",
	"herd.coordinator": "The same with a coordinator: c1 and c2 share six partitions, and c3 comes. One asks, the coordinator tells each " +
		"other by the answer to its next heartbeat, and each joins and syncs once. Nobody reads anything about anybody else, but for the " +
		"consumer leader. The partitions are handed out together.",
	"herd.fenced": "c3 is cut off from the coordinator, not from the brokers. Its session ends, c1 and c2 take over, read and commit. A " +
		"coordinator cannot stop c3 from reading either, as long as it cannot be told. But what c3 would commit names its member id and " +
		"its generation, and is refused. The scene sends that commit in its place; then c3 is heard again, and joins anew.",
	"fact.herd.watch.told":        "notifications that one change led to: %[1]v",
	"fact.herd.watch.ids":         "ids that were read: %[1]d, which is every id in every try of everybody",
	"fact.herd.watch.collided":    "found that another still owns a partition: %[1]v",
	"fact.herd.watch.unread":      "partition-seconds that nobody read: %.1[2]f, at least one back-off of %.0[3]f s: %[1]v",
	"fact.herd.watch.shared":      "in the end they read %[1]v",
	"fact.herd.split.reads":       "o2 reads partitions %[1]v all the same; their owners in ZooKeeper are %[2]v",
	"fact.herd.split.owners":      "in ZooKeeper their owners are %[1]v",
	"fact.herd.split.two":         "partition-seconds with two readers: %.1[2]f, from the end of the session on: %[1]v",
	"fact.herd.split.doubled":     "records read twice: %[2]d",
	"fact.herd.split.back":        "when it is back, all is shared anew: %[1]v",
	"fact.herd.coordinator.told":  "heartbeats of c2 that were answered with REBALANCE_IN_PROGRESS when c3 came: %[1]d",
	"fact.herd.coordinator.asked": "JoinGroup and SyncGroup requests that its coming led to: %[1]v (the new one is sent back once for its id)",
	"fact.herd.coordinator.once":  "%[1]d partitions, each with one owner",
	"fact.herd.fenced.refused":    "the commit of %[2]s is answered with %[1]v",
	"fact.herd.fenced.kept":       "the committed offsets are as the others left them: %[1]v",
	"fact.herd.fenced.back":       "%[2]s is back: %[1]d partitions, each with one owner",
	"newest.title":                "The newest change stays",
	"newest.about": "A database's changes come to HBase through a topic: late, in another order, and more than once. Each has a version: the epoch (which " +
		"server's history), the execute time, and the place in the binlog. A change is written if its version is newer than the row's, and " +
		"otherwise not. The rule, the encoders and the way through the topic are skein's own; only HBase itself is left out: the tour keeps the cells.",
	"newest.cases": "One row, case by case. Nothing there: put. Older than what is stored: discard. Newer: put. At the same time (a binlog's times are whole " +
		"seconds) the place decides: smaller is discarded, larger is put. The same once more: discarded. HBase compares bytes, so each part has a fixed " +
		"width, the highest byte first.",
	"newest.lock": "A trap: the time of an event is when its statement began. An UPDATE waits for a row that another one has locked; it is logged later, with " +
		"an older time. By the bare times it would be discarded, and the row would stay wrong. So the source sends the largest time up to there, in the " +
		"order of the binlog.",
	"newest.delete": "A delete leaves a tombstone: the data goes, the version stays, and a flag says deleted. An older put that comes late is discarded. Without " +
		"the tombstone the row would be absent, and the late put would bring it back. A tombstone's version begins with 255, so HBase lets no put through " +
		"that has not looked at the row: the flag has to go with it.",
	"newest.epoch": "The source goes on at another server after a failover. Its clock may be behind, and its binlog begins at 1: neither can be compared. The epoch " +
		"is raised, and comes first. What is left of the old server is stale, whatever its time.",
	"newest.fold": "Changes are written in batches. Two conditional writes of one row in a batch would not see each other, so of each row only the newest is sent.",
	"newest.topic": "24 changes of four rows, each delivered one to three times and shuffled, are written to a topic as Debezium writes them. A member of " +
		"a consumer group reads them and applies them, and commits what is written. Whatever the order: each row ends at its newest change.",
	"newest.cell": "The cells of a row as they are sent to HBase. Three columns are for people; version holds the three in the order that decides, for one " +
		"comparison by the server, in the same mutation as the data.",
	"newest.sent":                 "sent",
	"newest.part.live":            "%[1]d: the row is there",
	"newest.part.epoch":           "epoch %[1]d",
	"newest.part.execute-time":    "%[1]d ms since 1970",
	"newest.part.file":            "binlog file %[1]d",
	"newest.part.offset":          "offset %[1]d",
	"newest.part.row-in-event":    "row %[1]d of the event",
	"fact.newest.cases.rule":      "the six changes are: %[1]v",
	"fact.newest.cases.bytes":     "HBase's comparison of bytes lets the last five through: %[1]v, as the rule says",
	"fact.newest.lock.bare":       "with the times as they are logged: %[1]v",
	"fact.newest.lock.clock":      "with the largest time so far, %[2]d, for the second: %[1]v",
	"fact.newest.lock.bytes":      "the comparison of bytes lets it through: %[1]v",
	"fact.newest.delete.rule":     "create, delete, the late update, a later create are: %[1]v",
	"fact.newest.delete.bytes":    "the comparison of bytes lets the last three through: %[1]v; the last one has to look first",
	"fact.newest.delete.without":  "if the row were simply gone, the late update would be: %[1]v",
	"fact.newest.epoch.rule":      "the three changes are: %[1]v",
	"fact.newest.epoch.bytes":     "the comparison of bytes lets the last two through: %[1]v",
	"fact.newest.fold.kept":       "of %[2]d changes these are sent, counted from 0: %[1]v",
	"fact.newest.topic.committed": "the group has committed offset %[1]d: all that was sent",
	"fact.newest.topic.counted":   "what became of them: %[1]v, as the rule says without topic and group",
	"fact.newest.topic.rows":      "each row ends at time@file:offset of its newest: %[1]v",
	"fact.newest.cell.sizes":      "bytes of execute_time, binlog_offset, epoch, version: %[1]v",
	"fact.newest.cell.back":       "read back it is: %[1]v",
	"fact.newest.cell.same":       "version is 00, epoch, execute_time and binlog_offset one after the other, %[2]d bytes: %[1]v",
	"fact.newest.cell.order":      "sorted by their bytes, epoch/time/file:offset: %[1]v",

	"ui.connect":    "A broker runs at %[1]s for this scene; look at it with other tools too.",
	"ui.step":       "%[1]d of %[2]d",
	"ui.failed":     "This is not as it must be.",
	"ui.next":       "Enter goes on, q ends.",
	"ui.choose":     "Choose a fault: %[1]s. Enter ends the scene, q the tour.",
	"ui.key.add":    "a adds a consumer",
	"ui.key.leave":  "l lets one leave",
	"ui.key.kill":   "k kills one",
	"ui.key.pause":  "p pauses one",
	"ui.html.title": "The skein tour",
}
