package figure

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/skein-io/skein/test/bench/wire"
)

// partitionsOfTopic is how many partitions most figures use.
const partitionsOfTopic = 6

// newName is for a topic or a group that does not exist yet.
func (b *Bench) newName() string {
	b.names++
	return fmt.Sprintf("bench-%d", b.names)
}

// createTopic makes a new topic and returns its name when all its partitions
// can be used. flushed asks for Kafka's flush.messages=1, which is
// log.flush.interval.messages=1 for one topic.
func (b *Bench) createTopic(ctx context.Context, k *broker, partitions int32, flushed bool) (string, error) {
	name := b.newName()
	configs := map[string]*string{}
	if flushed {
		one := "1"
		configs["flush.messages"] = &one
	}
	created, err := k.admin.CreateTopics(ctx, partitions, 1, configs, name)
	if err != nil {
		return "", err
	}
	if err := created.Error(); err != nil {
		return "", fmt.Errorf("create %s: %w", name, err)
	}
	return name, wire.Await(ctx, 30*time.Second, 20*time.Millisecond, func(ctx context.Context) error {
		_, err := k.endOffsets(ctx, name, partitions)
		return err
	})
}

// endOffsets is the number of records in a topic from which nothing has been
// deleted.
func (k *broker) endOffsets(ctx context.Context, topic string, partitions int32) (int64, error) {
	c, err := wire.Dial(ctx, k.Addr())
	if err != nil {
		return 0, err
	}
	defer c.Close()
	return c.EndOffsets(topic, partitions)
}

// deleteTopic returns when the topic's data has left the disk.
func (b *Bench) deleteTopic(ctx context.Context, k *broker, topic string) error {
	deleted, err := k.admin.DeleteTopics(ctx, topic)
	if err != nil {
		return err
	}
	if err := deleted.Error(); err != nil {
		return err
	}
	return wire.Await(ctx, time.Minute, 50*time.Millisecond, func(context.Context) error {
		size, err := sizeOf(k.LogDir(), topic+"-")
		if err == nil && size > 0 {
			err = fmt.Errorf("%d bytes of %s are still there", size, topic)
		}
		return err
	})
}

// sizeOf is how many bytes of log there are in the folders with a prefix.
func sizeOf(dir, prefix string) (int64, error) {
	folders, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	var size int64
	for _, folder := range folders {
		if !strings.HasPrefix(folder.Name(), prefix) {
			continue
		}
		err := filepath.WalkDir(filepath.Join(dir, folder.Name()), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.Contains(entry.Name(), ".log") {
				return nil // files go while they are looked at
			}
			if info, err := entry.Info(); err == nil {
				size += info.Size()
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return size, nil
}
