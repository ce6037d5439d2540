package text

// chinese is the tour in Chinese.
var chinese = map[string]string{
	"lane.coordinator":     "coord",
	"lane.begin":           "%[1]s 启动",
	"lane.left":            "%[1]s 结束",
	"lane.killed":          "%[1]s 被杀死",
	"lane.paused":          "%[1]s 被暂停",
	"lane.resumed":         "%[1]s 恢复运行",
	"lane.expired":         "%.3[2]f 秒没有 %[1]s 的消息：会话结束",
	"lane.join.first":      "JoinGroup，还没有成员 id",
	"lane.join.again":      "JoinGroup，id 为 %[1]s…",
	"lane.joined.leader":   "第 %[1]d 代：由你领导 %[2]d 个成员",
	"lane.joined.follower": "第 %[1]d 代：由 %[2]s 领导",
	"lane.sync.leader":     "SyncGroup，带 %[1]d 份分配",
	"lane.sync.follower":   "SyncGroup：我分到什么？",
	"lane.synced":          "%[1]s",
	"lane.cut":             "%[1]s 与 %[2]s 之间的链路被切断",
	"lane.leads":           "%[1]s 成为领导者，epoch %[2]d",
	"lane.controls":        "%[1]s 成为控制器",
	"lane.made":            "主题 %[1]s 已创建",
	"lane.isolated":        "%[1]s 与其他节点断开",
	"lane.answers":         "它回答生产者：%[1]s",
	"lane.healed":          "%[1]s 又能联系其他节点",
	"lane.produce":         "Produce：%[1]d 字节，acks=all",
	"lane.wrote":           "写入 %[1]s，字节 %[2]d 到 %[3]d：在页缓存里，用了 %[4]d µs",
	"lane.fetched":         "它的 Fetch 得到回答：%[1]d 字节",
	"lane.synced.disk":     "同步：在它的磁盘上，用了 %[1]d µs",
	"lane.durable":         "ReplicaDurableEnds：到偏移量 %[1]d 都已落盘",
	"lane.answered":        "Produce 得到回答：偏移量 %[1]d",
	"lane.seen":            "它的 Fetch 得到回答：高水位 %[1]d",

	"table.letter":         "字母",
	"table.unit":           "编码",
	"table.hash":           "哈希",
	"table.group":          "组",
	"table.coordinator":    "协调者",
	"table.address":        "地址",
	"table.expected":       "应在",
	"table.stored":         "实在",
	"table.partition":      "分区",
	"table.from":           "原属",
	"table.to":             "现属",
	"table.committed":      "已提交",
	"table.read":           "已读到",
	"table.goes-on":        "继续于",
	"table.replica":        "副本",
	"table.log-end":        "日志末端",
	"table.durable-end":    "已落盘末端",
	"table.high-watermark": "高水位",
	"table.leader":         "领导者",
	"table.leader-epoch":   "领导者 EPOCH",
	"table.isr":            "ISR",
	"table.elr":            "有资格者 (ELR)",

	"coordinator.title": "谁来协调一个组",
	"coordinator.about": "每个组由一个 broker 协调。这个 broker 不是选举出来的：组 id 决定一切。组 id 经过哈希，对应主题 __consumer_offsets " +
		"的一个分区，该分区的 leader 就是协调者。组不能忘记的事，都作为记录写在那个分区里。",
	"coordinator.hash": "哈希就是 Java 字符串的哈希：从 0 开始，对每个 UTF-16 编码单元，乘以 31 再加上它，只留 32 位。这里的组叫 " +
		"polygenelubricants，因为它的哈希正好是最小的整数：它没有绝对值。Kafka 对它取 0。",
	"coordinator.commit": "一个客户端为这个组提交一个位移，组就存在了。然后它用 FindCoordinator 询问谁是协调者，用 Metadata 询问谁" +
		"是分区的 leader。",
	"coordinator.look": "到目前为止，还没有什么能证明分区是对的。所以现在把整个 __consumer_offsets 读一遍：组的记录在哪里？协调者的每个分区有一个循环，" +
		"又是哪一个循环收到了这次提交？",
	"coordinator.others": "普通的组 id 分散在各个分区，也就分散在各个 broker。Aa 和 BB 的哈希相同，所以协调者也相同。",

	"fact.coordinator.partitions": "__consumer_offsets 有 %[2]d 个分区（offsets.topic.num.partitions）",
	"fact.coordinator.hash":       "哈希是 %[1]d；直接取余会得到分区 %[2]d，按 Kafka 的规则是 %[3]d",
	"fact.coordinator.leader":     "FindCoordinator 回答节点 %[1]d，它正是 __consumer_offsets-%[2]d 的 leader",
	"fact.coordinator.stored":     "%[2]d 个分区中，只有 %[1]v 有这个组的记录",
	"fact.coordinator.heard":      "只有分区 %[1]v 的飞行记录器里有这次提交",
	"fact.coordinator.others":     "%[2]d 个组都存在哈希所指的分区",

	"join.title": "加入与同步",
	"join.about": "同一个组的消费者分享一个主题的分区。它们分两轮达成一致：JoinGroup 集合成员，开始新的一代；SyncGroup 发放分配结果。" +
		"协调者自己不做分配：由其中一个成员来做，它就是消费者 leader。",
	"join.unknown": "组叫 readers，主题 orders 有六个分区，还没有成员来过。对不存在的组，DescribeGroups 回答 Dead。",
	"join.join": "启动三个消费者。每个都先被退回一次，要带上成员 id 再来（KIP-394）。第一个消费者引发重平衡，然后大家等待：" +
		"group.initial.rebalance.delay.ms 给其他成员留出时间，省去第二次重平衡。之后所有成员同时得到回答。只有消费者 leader，" +
		"也就是最先加入的那个，知道有哪些成员；这里让它晚一点再分配，好看清 CompletingRebalance。",
	"join.sync": "消费者 leader 用 range 分配器做好分配，放进自己的 SyncGroup 一起发出。其他成员已经问过，正在等待。协调者向 " +
		"__consumer_offsets 写一条记录，等它提交之后，所有成员得到回答：Stable。",
	"join.empty":           "全部离开。没有成员的组是 Empty：已提交的位移会保留到过期。",
	"fact.join.unknown":    "没有成员来过时，DescribeGroups 回答 %[1]v",
	"fact.join.preparing":  "第一个消费者等待时，DescribeGroups 回答 %[1]v",
	"fact.join.completing": "leader 分配时，DescribeGroups 回答 %[1]v",
	"fact.join.required":   "每个成员的 JoinGroup 都得到两次回答：MEMBER_ID_REQUIRED，然后 NONE",
	"fact.join.told":       "回答中列出的成员数：%[1]v；只有消费者 leader 需要知道",
	"fact.join.generation": "所有成员在同一代：%[1]v",
	"fact.join.stable":     "DescribeGroups 回答 %[1]v",
	"fact.join.shared":     "DescribeGroups 所说的，就是每个消费者所得的：%[1]v",
	"fact.join.once":       "%[1]d 个分区，每个恰有一个主人",
	"fact.join.states":     "依次经过的状态：%[1]v",
	"fact.join.empty":      "DescribeGroups 回答 %[1]v",

	"members.title": "成员来来去去",
	"members.about": "消费者读到的位置总在已提交的位移之前。分区换给别人时，新主人从已提交的位移继续：读过而没有提交的记录会再读一次。" +
		"所以一条记录可能被处理两次，但不会丢失。",
	"members.work": "组 readers 的三个消费者分享 orders 的六个分区。每个分区来两条记录，读完，然后提交。",
	"members.add": "增加一个消费者。它的 JoinGroup 引发重平衡。其他成员在下一次心跳的回答里得知：REBALANCE_IN_PROGRESS，于是重新加入。" +
		"range 分配器重新分配。",
	"members.leave": "一个消费者提交之后正常结束：它发送 LeaveGroup。协调者不必等它的会话结束，其他成员在下一次心跳时接手。",
	"members.kill": "一个消费者在每个分区都读了一条记录，还没有提交就被杀死。系统关闭它的连接，但连接关闭并不说明成员已经离开：" +
		"协调者要等到 session.timeout.ms 过去。然后其他成员从已提交的位移接手，没有提交的记录再读一次。",
	"members.pause": "一个消费者停顿的时间超过会话，就像遇到很长的垃圾回收，而且有一个提交正要发出。其他成员接手。它恢复运行时并不知情：" +
		"它的旧提交被拒绝，UNKNOWN_MEMBER_ID，所以不会破坏别人的成果。它作为新成员重新加入。",
	"fact.members.committed":     "OffsetFetch 对每个分区都回答 %[2]d",
	"fact.members.once":          "%[1]d 个分区，每个恰有一个主人",
	"fact.members.given":         "%[2]s 有 %[3]d 个分区换了主人",
	"fact.members.fetched":       "新主人得到的已提交位移：%[1]v",
	"fact.members.began":         "它们读到的第一条记录正在这些位移：%[1]v",
	"fact.members.leave.expired": "%[2]s 因超时而结束的会话：%[1]d",
	"fact.members.kill.expired":  "%[2]s 沉默了 %.3[3]f 秒，会话是 %.0[4]f 秒：然后被移除",
	"fact.members.pause.expired": "%[2]s 沉默了 %.3[3]f 秒，会话是 %.0[4]f 秒：然后被移除",
	"fact.members.refused":       "%[2]s 正要发出的提交得到的回答是 %[1]v",
	"fact.members.kept":          "已提交的位移仍是其他成员留下的：%[1]v",

	"replicas.title": "一条记录，三块磁盘",
	"replicas.about": "一个分区有一个领导者和若干追随者：领导者接收记录，追随者向它拉取。每个副本都有日志末端，即下一条记录的偏移量；" +
		"已落盘末端则是其中已写到自己磁盘上的部分。高水位是同步副本集（ISR）中最小的已落盘末端：低于它的记录已提交，" +
		"消费者看得到，acks=all 也才得到答复。",
	"replicas.whole": "三个节点共同保存分区 orders-0。以 acks=all 写入三条记录，然后逐个询问节点：你的副本到哪里了？",
	"replicas.cut": "切断领导者与一个追随者之间的链路，再写第四条记录。领导者和另一个追随者立刻把它写到了磁盘上。高水位却不动：" +
		"被切断的追随者还在 ISR 里，如果由它当上领导者，这条记录就可能丢失。生产者只能等待。",
	"replicas.out": "追随者若在 replica.lag.time.max.ms（这里 2 秒，默认 30 秒）内一直没有跟上，就会被移出 ISR：领导者向控制器提出请求，" +
		"由控制器记录下来。此后高水位不再等它，生产者得到答复。",
	"replicas.back": "链路恢复。追随者从自己的日志末端继续拉取。等所有已提交的记录都写到它的磁盘上，领导者就请求让它重回 ISR。" +
		"第五条记录要写到三块磁盘上才会得到确认。",
	"replicas.part.leader":     "领导者",
	"replicas.part.slow":       "被切断者",
	"replicas.part.other":      "追随者",
	"fact.replicas.whole":      "领导者的日志末端、已落盘末端和高水位：%[1]v",
	"fact.replicas.isr.whole":  "Metadata 中的 ISR：%[1]v 个",
	"fact.replicas.cut.leader": "领导者的日志末端和已落盘末端：%[1]v",
	"fact.replicas.cut.held":   "高水位停在 %[1]d，即被切断者的已落盘末端：%[2]d",
	"fact.replicas.cut.waits":  "第四条记录的生产者得到的答复数：%[1]d",
	"fact.replicas.out.late":   "它离开了 ISR，而且不早于 %.0[2]f 秒：%[1]v",
	"fact.replicas.out.moves":  "高水位现在是 %[1]d，尽管它只有 %[2]d 条记录；生产者已得到答复",
	"fact.replicas.isr.out":    "Metadata 中的 ISR：%[1]v 个",
	"fact.replicas.back":       "曾被切断者的日志末端和已落盘末端：%[1]v",
	"fact.replicas.isr.back":   "Metadata 中的 ISR：%[1]v 个",

	"elections.title": "干净的选举与不干净的选举",
	"elections.about": "领导者死后，控制器让另一个副本当领导者。ISR 里的副本拥有所有已提交的记录，什么也不会丢：这是干净的选举。如" +
		"果 ISR 里没有副本活着，分区就等待。等不及的人，可以让一个缺少已确认记录的副本来领导：这是不干净的选举。这里会指出它丢掉" +
		"的每一个偏移量。",
	"elections.whole": "三个节点：一个是控制器，另外两个保存 orders-0，min.insync.replicas=1。以 acks=all 写入三条记录：a、b、c。",
	"elections.clean": "像 kill -9 那样杀死领导者。控制器看到它的连接断开，等半秒，然后隔离它。另一个副本在 ISR 里，于是它在下一个" +
		"领导者 epoch 里领导。再写第四条记录 d，然后全部读出。",
	"elections.alone": "旧领导者重新启动，拉取缺少的记录，回到 ISR。然后切断两者之间的链路，再写两条记录 e 和 f。过了 " +
		"replica.lag.time.max.ms，追随者离开 ISR。ISR 里只剩领导者自己，而 min.insync.replicas=1 只要一个就够：它确认了这两条，而" +
		"它们只在它自己的磁盘上。",
	"elections.none": "杀死领导者，链路也恢复了。活着的副本不在 ISR 里：它可能缺少已确认的记录，事实上也确实缺少。有资格的（ELR）只" +
		"有死去的那个。所以没有人领导，分区等待。请求首选领导者来领导也没有用，尽管它活着。",
	"elections.unclean": "有人请求不干净的选举（kafka-leader-election.sh --election-type unclean；若 " +
		"unclean.leader.election.enable=true 则无人请求也会发生）。活着的副本当上领导者。它的日志结束得更早：从那里起已确认的记录" +
		"都丢了，下一条记录得到一个曾经给出过的偏移量。",
	"elections.told": "一个消费者曾读完所有记录，直到 f。它问新领导者：我读到的那个 epoch 在哪里结束？于是发现自己读得更远：日志分" +
		"叉了。如果不问就直接拉取，同样会被拒绝。",
	"elections.back": "曾有 e 和 f 的节点重新启动。作为追随者去拉取时，它得知自己的日志从哪里开始与领导者分叉：它切掉领导者没有的部" +
		"分，从那里继续拉取。然后杀死领导者，好让读出的正是它的日志。",
	"fact.elections.whole":              "记录在偏移量 %[1]v 得到确认；%[2]s 在 epoch %[3]d 领导",
	"fact.elections.clean.leader":       "%[2]s 领导，在更晚的 epoch %[3]d：%[1]v",
	"fact.elections.clean.epoch":        "epoch %[2]d 在偏移量 %[1]d 结束，epoch %[3]d 从那里开始：中间什么也不缺",
	"fact.elections.clean.next":         "第四条记录在偏移量 %[1]v 得到确认",
	"fact.elections.clean.kept":         "已确认的全部读到：%[1]v",
	"fact.elections.alone.isr":          "ISR 里只有 %[2]s（节点 %[1]v）",
	"fact.elections.alone.acknowledged": "它确认了偏移量 %[1]v 的记录",
	"fact.elections.alone.ends":         "%[2]s 和 %[3]s 的日志末端：%[1]v",
	"fact.elections.alone.read":         "一个消费者读到了它们：%[1]v",
	"fact.elections.none.leader":        "领导者是 %[1]d：没有",
	"fact.elections.none.elr":           "有资格领导的只有 %[2]s，而它已死（节点 %[1]v）",
	"fact.elections.none.code":          "客户端得到 %[1]v",
	"fact.elections.none.preferred":     "首选领导者 %[2]s 没有当选：%[1]v",
	"fact.elections.unclean.elected":    "ElectLeaders 得到的回答是 %[1]v",
	"fact.elections.unclean.leader":     "%[2]s 领导，在更晚的 epoch %[3]d：%[1]v",
	"fact.elections.unclean.lost":       "已确认却丢失的：偏移量 %[2]d 到 %[3]d",
	"fact.elections.unclean.again":      "下一条记录得到偏移量 %[1]v，这是第二次给出",
	"fact.elections.unclean.read":       "现在读到的：%[1]v",
	"fact.elections.told.diverging":     "领导者说：epoch %[2]d 在偏移量 %[1]d 结束。消费者却在 %[3]d",
	"fact.elections.told.range":         "在偏移量 %[2]d 的 Fetch 得到 %[1]v",
	"fact.elections.told.fenced":        "带着旧的领导者 epoch %[2]d 的 Fetch 得到 %[1]v",
	"fact.elections.back.cut":           "%[2]s 的日志原来到 %[3]d 结束。它被切短，现在和领导者一样到 %[1]d 结束",
	"fact.elections.back.leader":        "%[2]s 领导，在更晚的 epoch %[3]d：%[1]v",
	"fact.elections.back.read":          "从它读到的：%[1]v",

	"controller.title": "控制器死去，过时的请求被拒绝",
	"controller.about": "有一个节点是控制器：只有它更改集群的元数据，其他节点照着它写下的做。它死后，法定人数选出另一个，quorum " +
		"epoch 更高。这期间死去或断开的节点，可能还相信从前的事。所以每个请求都带上它成立的 epoch：控制器的、broker 注册的、分区" +
		"领导者的。更旧的一律拒绝，并说出名字。",
	"controller.whole":  "三个节点。询问谁是控制器（DescribeQuorum），以及它如何注册：每次注册都有自己的 broker epoch。",
	"controller.killed": "杀死控制器。其他节点过半秒到一秒发现它不在，从中选出一个。在那之前不能创建主题；这一幕不断请求，直到创建成功。",
	"controller.stale": "第一个控制器的节点重新启动，重新注册：broker epoch 更高。然后，这一幕向新控制器发送旧进程可能还在路上的请" +
		"求：一次心跳，一次申请生产者 id。两者都带着旧的 broker epoch。",
	"controller.cut": "写一条记录。然后把分区的领导者与其他节点断开，但客户端仍能到达它。一个生产者以 acks=all 发给它三条记录。它们" +
		"只在它自己的日志里，所以它不可以确认。它的心跳已有三分之二个会话（即它的租约）没有得到回答，也没有追随者来拉取：它认为自" +
		"己已被隔离，让生产者离开。这时控制器已让另一个节点领导，那个节点接收了一条记录。",
	"controller.fenced": "旧领导者可能还想要的，都属于旧的领导者 epoch。它想把另一个移出 ISR：被拒绝。相信旧 epoch 的消费者来拉取：" +
		"被拒绝。然后链路恢复。旧领导者得知新的 epoch，开始追随，切掉没有人确认过的记录。",
	"controller.part.first":            "控一",
	"controller.part.second":           "控二",
	"controller.part.leader":           "第三",
	"fact.controller.whole":            "有一个控制器，quorum epoch %[2]d；它的节点注册于 broker epoch %[3]d：%[1]v",
	"fact.controller.killed.epoch":     "选出了另一个控制器，quorum epoch %[3]d，先前是 quorum epoch %[2]d：%[1]v",
	"fact.controller.killed.topic":     "控制器死后 %[2]d ms 创建了一个主题：%[1]v",
	"fact.controller.stale.registered": "它的节点重新注册于 broker epoch %[3]d，先前是 broker epoch %[2]d：%[1]v",
	"fact.controller.stale.heartbeat":  "旧进程的 BrokerHeartbeat：%[1]v",
	"fact.controller.stale.ids":        "旧进程的 AllocateProducerIds：%[1]v",
	"fact.controller.stale.fresh":      "同一请求，带着现在的 broker epoch：%[1]v",
	"fact.controller.stale.controller": "同一请求，发给从前的控制器：%[1]v",
	"fact.controller.cut.first":        "第一条记录在偏移量 %[1]v 得到确认",
	"fact.controller.cut.refused":      "生产者得到 %[1]v",
	"fact.controller.cut.tail":         "被断开的领导者，日志到 %[1]d 结束：它有那三条记录，但没有确认",
	"fact.controller.cut.leader":       "%[2]s 领导，在更晚的领导者 epoch %[3]d：%[1]v",
	"fact.controller.cut.next":         "下一条记录在偏移量 %[1]d 得到确认",
	"fact.controller.fenced.alter":     "领导者 epoch %[2]d 的 AlterPartition：%[1]v",
	"fact.controller.fenced.fetch":     "领导者 epoch %[2]d 的 Fetch：%[1]v",
	"fact.controller.fenced.back":      "旧领导者的日志原来到 4 结束，现在到 %[1]d 结束",
	"fact.controller.fenced.produce":   "还去问它的生产者得到 %[1]v",
	"fact.controller.fenced.read":      "读到的：%[1]v",

	"record.title": "一条记录的路径",
	"record.about": "生产者的记录到达领导者的套接字。一个连接上的请求按顺序接收，所以记录按顺序追加。追加就是写入页缓存；Syncer 把" +
		"它带到磁盘，一轮同步所有分区。追随者同时把它拉走，做同样的事，并告知自己已落盘到哪里。所有同步副本都把它写到磁盘之后，高" +
		"水位上升，生产者得到回答，消费者看得到它。这里跟随一条记录。所有节点都在这个进程里，所以时间都出自同一个时钟。",
	"record.whole": "分区 orders-0 在两个节点上，两个都必须同步（min.insync.replicas=2）。生产者和消费者各有一个到领导者的连接。第" +
		"一条记录走完全程，好让一切就绪。",
	"record.path": "消费者请求下一条，等待；追随者也一样。发出第二条记录。时间是从那时起的微秒。节点写了什么、同步了什么，是在它们" +
		"的文件上看到的；说了什么，是在它们的连接上听到的。",
	"record.waits": "切断两者之间的链路，再发出两条记录，在同一个连接上紧跟一个 Metadata 请求。询问领导者内部的情形（skein node " +
		"anatomy）。两条记录已按顺序追加，等待高水位。Metadata 在连接的队列里等到它们得到回答：回答不会彼此超越。然后链路恢复。",
	"record.part.producer":        "生产",
	"record.part.leader":          "领导",
	"record.part.follower":        "追随",
	"record.part.consumer":        "消费",
	"fact.record.whole":           "第一条记录在偏移量 %[1]d 得到确认",
	"fact.record.path.offset":     "第二条记录在偏移量 %[1]d 得到确认",
	"fact.record.path.bytes":      "领导者写入、追随者拉取、追随者写入、消费者得到的字节数：%[1]v",
	"fact.record.path.place":      "它在两者文件里的位置相同：%[1]v",
	"fact.record.path.after":      "回答晚于领导者的同步、追随者的同步，以及追随者的告知：%[1]v",
	"fact.record.path.seen":       "消费者看到它时高水位是 %[2]d，而且不早于追随者的告知：%[1]v",
	"fact.record.waits.committed": "等待高水位的请求：%[1]d",
	"fact.record.waits.order":     "进行中的 Produce，以及排在后面的 Metadata：%[1]v",
	"fact.record.waits.unseen":    "这期间消费者得到的字节数：%[1]d；高水位是 %[2]d",
	"fact.record.waits.answered":  "然后 Produce 按顺序得到回答：偏移量 %[1]v",
	"fact.record.waits.last":      "Metadata 在它们之后，主题数：%[1]d",
	"fact.record.waits.seen":      "消费者看到它们，高水位是 %[1]d",

	"ui.connect":    "这一幕的 broker 在 %[1]s 运行；也可以用别的工具去看。",
	"ui.step":       "第 %[1]d 步，共 %[2]d 步",
	"ui.failed":     "这与应有的不符。",
	"ui.next":       "回车继续，q 结束。",
	"ui.choose":     "选择一种故障：%[1]s。回车结束这一幕，q 结束导览。",
	"ui.key.add":    "a 增加一个消费者",
	"ui.key.leave":  "l 让一个离开",
	"ui.key.kill":   "k 杀死一个",
	"ui.key.pause":  "p 暂停一个",
	"ui.html.title": "skein 导览",
}
