package figure

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/skein-io/skein/test/bench/native"
	"github.com/skein-io/skein/test/bench/report"
)

// The machine's floor: cmd/floor.

func isFloor(side string) bool { return strings.HasPrefix(side, report.Floor) }

func (b *Bench) floor(ctx context.Context) error {
	for _, way := range []string{"in", "in-sync", "out"} {
		err := b.turns(ctx, "floor "+way, []string{report.Floor}, func(ctx context.Context, _ string) (values, error) {
			return b.floorOnce(ctx, way)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// floorIn is the floor beside a produce figure.
func (b *Bench) floorIn(ctx context.Context, side string) (values, error) {
	if side == report.FloorSync {
		return b.floorOnce(ctx, "in-sync")
	}
	return b.floorOnce(ctx, "in")
}

func (b *Bench) floorOnce(ctx context.Context, way string) (values, error) {
	if err := b.touch(ctx); err != nil {
		return nil, err
	}
	var result struct {
		Bytes   int64   `json:"bytes"`
		Seconds float64 `json:"seconds"`
		User    float64 `json:"cpu_user_s"`
		System  float64 `json:"cpu_system_s"`
	}
	args := []string{way, strconv.FormatInt(b.Sizes.Floor, 10), b.Dir}
	b.noteCommand("floor", args)
	if err := native.Run(ctx, &result, clientTimeMax, filepath.Join(b.Tools, "floor"), args...); err != nil {
		return nil, err
	}
	amount := float64(result.Bytes) / float64(gib)
	return values{
		"mb_per_s":             float64(result.Bytes) / 1e6 / result.Seconds,
		"cpu_s_per_gib":        (result.User + result.System) / amount,
		"cpu_user_s_per_gib":   result.User / amount,
		"cpu_system_s_per_gib": result.System / amount,
	}, nil
}
