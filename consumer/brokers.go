package consumer

import (
	"context"
	"time"

	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/consumer/internal/position"
)

// brokers is all that a Consumer asks of a cluster: one request for each call, which is not tried again. It is a
// *link.Link, or a simulated cluster. Safe for concurrent use; a call ends with its context, after its timeout, or with
// Close.
type brokers interface {
	FindCoordinator(ctx context.Context, group string) (node int32, err error)
	Join(ctx context.Context, node int32, g link.Group, e membership.Join) membership.Joined
	Sync(ctx context.Context, node int32, g link.Group, e membership.Sync) membership.Synced
	Heartbeat(ctx context.Context, node int32, g link.Group, e membership.Heartbeat) membership.Beaten
	OffersConsumerProtocol(ctx context.Context, node int32) (bool, error)
	ConsumerHeartbeat(ctx context.Context, node int32, g link.Group, e membership.ConsumerHeartbeat) membership.ConsumerBeaten
	Leave(ctx context.Context, node int32, g link.Group, e membership.Leave) membership.Left

	Commit(ctx context.Context, node int32, g link.Group, memberID string, generation int32, ids link.TopicIDs, items []link.CommitItem) (refused map[TopicPartition]error, f membership.Failure)
	Committed(ctx context.Context, node int32, g link.Group, by link.Asker, ids link.TopicIDs, names []TopicPartition) (map[TopicPartition]link.CommittedItem, membership.Failure)

	Metadata(ctx context.Context, names []string, create bool) ([]link.Topic, error)
	ListOffsets(ctx context.Context, node int32, readCommitted bool, asks []link.OffsetAsk) (map[TopicPartition]link.OffsetAnswer, error)
	EpochEnds(ctx context.Context, node int32, asks []link.EpochAsk) (map[TopicPartition]link.EpochEnd, error)
	Fetch(ctx context.Context, cfg link.FetchConfig, plan position.Plan, ids link.TopicIDs) ([]link.FetchAnswer, error)

	Close()
}

// connect makes the way to the brokers that the options name.
func connect(cfg *config) (brokers, error) {
	l, err := link.Open(link.Config{
		Seeds: cfg.seeds, ClientID: cfg.clientID, RequestTimeout: cfg.requestTimeout, FetchMaxBytes: cfg.fetchBytesMax, Options: cfg.transport,
		Throttled: func(node int32, pause time.Duration) {
			cfg.log.Warn("throttled", "node", node, "pause", pause)
		},
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}
