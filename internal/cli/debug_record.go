package cli

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/coordinator"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

func newDebugRecord() *cobra.Command {
	var (
		n         connection
		partition int32
		group     string
		file      string
	)
	c := &cobra.Command{
		Use:   "record",
		Short: "Write a group coordinator's last events, as its flight recorder kept them",
		Long: "Write the last events of the group coordinator's loop for one partition of __consumer_offsets as JSON lines, to stdout or a\n" +
			"file. They hold what clients sent: ids, addresses and metadata of commits.",
		Example: "  skein debug record --group billing --file billing.jsonl\n  skein group replay billing.jsonl --group billing --diagram",
		Args:    exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("partition") == (group != "") {
				return misused(c, "give --partition or --group")
			}
			if partition < 0 {
				return misused(c, "--partition %d: it is at least 0", partition)
			}
			if group != "" {
				var err error
				if partition, err = partitionOfGroup(c, &n, group); err != nil {
					return err
				}
			}
			recording, address, err := fetchRecording(c, &n, partition)
			if err != nil {
				return err
			}
			return writeRecording(c, file, newRecordingHeader(partition, address, recording), recording.Events)
		},
	}
	n.flags(c)
	f := c.Flags()
	f.Int32Var(&partition, "partition", 0, "record partition `N` of __consumer_offsets")
	f.StringVarP(&group, "group", "g", "", "record the partition that `GROUP` belongs to")
	f.StringVar(&file, "file", "", "write to `FILE`, which must not exist yet")
	completeFlag(c, "group", n.groupNames(0))
	return c
}

// partitionOfGroup asks how many partitions __consumer_offsets has and finds the group's.
func partitionOfGroup(c *cobra.Command, n *connection, group string) (int32, error) {
	w, err := n.reach(c.Context(), c)
	if err != nil {
		return 0, err
	}
	defer w.close()
	name := metadata.ConsumerOffsetsTopic
	topic := protocol.NewMetadataRequestTopic()
	topic.Name = &name
	request, response := protocol.NewMetadataRequest(), protocol.NewMetadataResponse()
	request.Topics, request.AllowAutoTopicCreation = []protocol.MetadataRequestTopic{topic}, false
	if err := w.ask(request, response); err != nil {
		return 0, err
	}
	if len(response.Topics) != 1 || response.Topics[0].ErrorCode != protocol.None || len(response.Topics[0].Partitions) == 0 {
		return 0, fmt.Errorf("there is no %s yet: no group was ever used", name)
	}
	hash := coordinator.New(coordinator.DefaultConfig())
	hash.Start(len(response.Topics[0].Partitions))
	return hash.PartitionFor(group), nil
}

// fetchRecording asks each broker in turn; the one that leads the partition has the recorder. The address is that broker's.
func fetchRecording(c *cobra.Command, n *connection, partition int32) (found *protocol.DescribeFlightRecorderResponse, address string, err error) {
	err = n.eachBroker(c, func(_ int32, w *wire) error {
		if found != nil {
			return nil
		}
		request, response := protocol.NewDescribeFlightRecorderRequest(), protocol.NewDescribeFlightRecorderResponse()
		request.Partition = partition
		if err := w.ask(request, response); err != nil {
			return err
		}
		switch response.ErrorCode {
		case protocol.None:
			found, address = response, w.address
		case protocol.NotCoordinator:
		default:
			return errors.New(describeCode(response.ErrorCode, response.ErrorMessage))
		}
		return nil
	})
	if err == nil && found == nil {
		err = fmt.Errorf("no broker coordinates partition %d of %s; is there one, and was any group used?", partition, metadata.ConsumerOffsetsTopic)
	}
	return found, address, err
}

func newRecordingHeader(partition int32, address string, recording *protocol.DescribeFlightRecorderResponse) *api.RecordingHeader {
	header := api.NewRecordingHeader(recording.NodeID, partition, time.Now(), nil)
	header.Software, header.Address, header.OmittedBytes = Version(), address, recording.OmittedBytes
	for _, s := range recording.Settings {
		header.Settings[s.Name] = s.Value
	}
	return header
}

func writeRecording(c *cobra.Command, file string, header *api.RecordingHeader, events []byte) (err error) {
	out := c.OutOrStdout()
	if file != "" {
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("recording: %w", err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	line, err := marshalPlain(header)
	if err != nil {
		return err
	}
	if _, err := out.Write(append(line, '\n')); err != nil {
		return err
	}
	if _, err := out.Write(events); err != nil {
		return err
	}
	if file != "" {
		_, err = fmt.Fprintf(c.ErrOrStderr(), "%s: events of partition %d of node %d\n", file, header.Partition, header.Node)
	}
	return err
}
