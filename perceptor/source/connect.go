package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/snapshot"
)

// ErrResnapshot: the server cannot tell what follows the State. The error says why. Only Config.Resnapshot goes on.
var ErrResnapshot = errors.New("source: the stream cannot go on from where it was: begin anew, with a snapshot (Config.Resnapshot, skein sync run --resnapshot)")

// The pauses while a server is waited for that lags, and how often that is logged.
const (
	lagPause = time.Second
	lagLogs  = 30 * time.Second
)

// connect opens a reader at s.at. At another server it is by GTID, in the next epoch; one that lags is waited for.
func (s *Source) connect(ctx context.Context) error {
	ctx, stop := s.untilClosed(ctx)
	defer stop()
	var began, logged time.Time
	for {
		err := s.connectOnce(ctx)
		if !errors.Is(err, binlog.ErrLags) {
			return err
		}
		if began.IsZero() {
			began = time.Now()
		}
		if waited := time.Since(began); waited >= s.config.LagMax {
			return explain(fmt.Errorf("%w; it was waited for %v", err, waited.Round(time.Second)))
		}
		s.config.Waiting(err)
		if time.Since(logged) >= lagLogs {
			logged = time.Now()
			s.config.Log.Warn("the server has not got what was read before the failover; it is waited for", "server", s.config.Binlog.Addr, "position", s.at.String(),
				"until", began.Add(s.config.LagMax).Round(time.Second), "error", err)
		}
		pause := time.NewTimer(min(lagPause, s.config.LagMax))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return context.Cause(ctx)
		}
	}
}

func (s *Source) connectOnce(ctx context.Context) error {
	if err := s.checkKeys(ctx); err != nil {
		return err
	}
	b := s.config.Binlog
	b.Tables, b.Schema, b.Keys = s.wants, s.config.Schema, s.config.Keys
	b.Start, b.Epoch, b.GTID = s.at, s.at.Epoch, s.gtid
	reader, err := binlog.Open(ctx, b)
	if errors.Is(err, binlog.ErrOtherServer) && s.at.GTID != "" {
		b.Epoch, b.GTID = s.at.Epoch+1, true
		if reader, err = binlog.Open(ctx, b); err == nil {
			s.config.Counts.epochs.Add(1)
			s.config.Log.Warn("the source goes on at another server, by GTID; what follows the position is told again where it was told, and is newer",
				"server", b.Addr, "was", s.at.Server, "position", s.at.String(), "epoch", b.Epoch)
		}
	}
	if errors.Is(err, binlog.ErrLags) {
		return err
	}
	if err != nil {
		return explain(err)
	}
	s.mu.Lock()
	s.reader = reader
	s.mu.Unlock()
	if s.ctx.Err() != nil { // closed meanwhile
		_ = reader.Close()
	}
	s.inside = false
	return nil
}

// explain adds what is to be done.
func explain(err error) error {
	for _, gone := range []error{binlog.ErrPurged, binlog.ErrPosition, binlog.ErrOtherServer} {
		if errors.Is(err, gone) {
			return fmt.Errorf("%w: %w", ErrResnapshot, err)
		}
	}
	return fmt.Errorf("source: %w", err)
}

// failed handles an error of the reader. At another server the source goes on, if it can.
func (s *Source) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil || !errors.Is(err, binlog.ErrOtherServer) || s.reader.Position().GTID == "" {
		return explain(err)
	}
	s.dropView()
	s.at = s.reader.Position()
	s.mu.Lock()
	_ = s.reader.Close()
	s.reader = nil
	s.mu.Unlock()
	s.reopen = retry{}
	return nil
}

// reconnect opens the next reader, and waits if it cannot be.
func (s *Source) reconnect(ctx context.Context) error {
	ctx, stop := s.untilClosed(ctx)
	defer stop()
	if wait := time.Until(s.reopen.at); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	err := s.connect(ctx)
	if err == nil {
		return nil
	}
	for _, needed := range []error{ErrResnapshot, binlog.ErrSettings, binlog.ErrRights, snapshot.ErrNoKey} {
		if errors.Is(err, needed) {
			return err
		}
	}
	wait := s.reopen.later(retryWaitMax)
	s.config.Log.Warn("the source is not connected; it is tried again", "server", s.config.Binlog.Addr, "error", err, "wait", wait)
	return nil
}

// checkKeys looks whether the keys that are declared are keys, once.
func (s *Source) checkKeys(ctx context.Context) error {
	if s.keysChecked {
		return nil
	}
	for name, columns := range s.config.Keys {
		database, table := split(name)
		if !s.wants(database, table) {
			continue
		}
		if _, err := snapshot.Describe(ctx, s.db, database, table, columns); err != nil && !errors.Is(err, snapshot.ErrGone) {
			return fmt.Errorf("source: %w", err)
		}
	}
	s.keysChecked = true
	return nil
}

// split takes apart database.table.
func split(name string) (database, table string) {
	database, table, _ = strings.Cut(name, ".")
	return database, table
}
