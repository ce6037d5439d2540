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
			return b.floorOnce(ctx, way, 0)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// floorIn is the floor beside a produce figure.
func (b *Bench) floorIn(ctx context.Context, side string, rate int) (values, error) {
	if side == report.FloorSync {
		return b.floorOnce(ctx, "in-sync", rate)
	}
	return b.floorOnce(ctx, "in", rate)
}

// floorOnce moves bytes one way. rate is in MB/s, 0 is unlimited.
func (b *Bench) floorOnce(ctx context.Context, way string, rate int) (values, error) {
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
	if rate > 0 {
		args = append(args, strconv.Itoa(rate))
	}
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

// commitsFloor is the floor beside commits.
func (b *Bench) commitsFloor(ctx context.Context) (values, error) {
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	var result struct {
		PerSecond float64 `json:"per_s"`
		P50       float64 `json:"p50_ms"`
		P99       float64 `json:"p99_ms"`
		Max       float64 `json:"max_ms"`
		CPU       float64 `json:"cpu_us_per_commit"`
	}
	args := []string{"commits", strconv.FormatInt(b.Sizes.Commits.Milliseconds(), 10), b.Dir}
	b.noteCommand("floor", args)
	if err := native.Run(ctx, &result, clientTimeMax, filepath.Join(b.Tools, "floor"), args...); err != nil {
		return nil, err
	}
	return values{"per_s": result.PerSecond, "p50_ms": result.P50, "p99_ms": result.P99, "max_ms": result.Max, "cpu_us_per_commit": result.CPU}, nil
}
