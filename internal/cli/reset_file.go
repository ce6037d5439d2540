package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// resetRows are the offsets of a file: group, topic, partition, offset.
type resetRows map[string]map[string]map[int32]int64

// resetFileMax bounds what is read of a file.
const resetFileMax = 64 << 20

// readResetFile reads the rows of the groups from a file. Rows of other groups are left out.
func readResetFile(c *cobra.Command, name string, groups []string) (resetRows, error) {
	in := c.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("offsets: %w", err)
		}
		defer f.Close()
		in = f
	}
	rows, err := parseResetFile(io.LimitReader(in, resetFileMax), groups)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return rows, nil
}

// parseResetFile understands topic,partition,offset, which is of the one group, and group,topic,partition,offset: what
// kafka-consumer-groups reads and writes.
func parseResetFile(in io.Reader, groups []string) (resetRows, error) {
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, true, true
	rows := resetRows{}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if err := rows.add(fields, groups); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
	for _, g := range groups {
		if len(rows[g]) == 0 {
			return nil, fmt.Errorf("there is no offset for group %s", g)
		}
	}
	return rows, nil
}

func (rows resetRows) add(fields, groups []string) error {
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	group := groups[0]
	switch {
	case len(fields) == 4:
		group, fields = fields[0], fields[1:]
	case len(fields) != 3:
		return fmt.Errorf("%d fields; it is topic,partition,offset or group,topic,partition,offset", len(fields))
	case len(groups) > 1:
		return errors.New("three fields do not say of which group; with several groups it is group,topic,partition,offset")
	}
	topic := strings.Clone(fields[0])
	partition, err := strconv.ParseInt(fields[1], 10, 32)
	if err != nil || partition < 0 || topic == "" {
		return fmt.Errorf("%q of topic %q is no partition", fields[1], topic)
	}
	offset, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || offset < 0 {
		return fmt.Errorf("%q is no offset", fields[2])
	}
	if !slices.Contains(groups, group) {
		return nil
	}
	group = strings.Clone(group)
	if rows[group] == nil {
		rows[group] = map[string]map[int32]int64{}
	}
	if rows[group][topic] == nil {
		rows[group][topic] = map[int32]int64{}
	}
	if _, twice := rows[group][topic][int32(partition)]; twice {
		return fmt.Errorf("%s-%d of group %s stands there twice", topic, partition, group)
	}
	rows[group][topic][int32(partition)] = offset
	return nil
}

// partitions are those of a group, by topic.
func (rows resetRows) partitions(group string) map[string][]int32 {
	chosen := map[string][]int32{}
	for topic, offsets := range rows[group] {
		chosen[topic] = sortedKeys(offsets)
	}
	return chosen
}

// writeResetFile writes the new offsets, with the group in front where there are several.
func writeResetFile(out io.Writer, plans []resetPlan) error {
	w := csv.NewWriter(out)
	for _, plan := range plans {
		for _, r := range plan.Offsets {
			fields := []string{r.Topic, number(r.Partition), number(r.New)}
			if len(plans) > 1 {
				fields = append([]string{plan.Group}, fields...)
			}
			if err := w.Write(fields); err != nil {
				return err
			}
		}
	}
	w.Flush()
	return w.Error()
}
