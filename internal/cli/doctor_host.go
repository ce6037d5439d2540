package cli

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/disk"
)

const (
	// descriptorsWanted is what a broker with a few thousand partitions needs: two or three files each, and connections.
	descriptorsWanted = 16_384
	// aheadMax is how far a file may be in the future before the clock is doubted.
	aheadMax = time.Minute
	// probeTimeout bounds the question who holds a port.
	probeTimeout = time.Second
)

// skeinDate is before any clock that is right.
var skeinDate = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// examineHost checks what a broker needs of this machine.
func (f *findings) examineHost(from *properties) {
	broker, ok := f.examineConfig(from)
	if !ok {
		return
	}
	running := false
	for _, dir := range broker.LogDirs {
		running = f.examineDir(dir, broker) || running
	}
	for _, l := range broker.Listeners {
		f.examineListener(l, running)
	}
	f.examineAdvertised(broker)
	f.examineDescriptors()
	f.examineClock(broker.LogDirs)
}

func (f *findings) examineConfig(from *properties) (*config.Broker, bool) {
	broker, err := from.resolve()
	if faults, ok := faultsOf(err); ok {
		for _, fault := range faults {
			f.add("configuration", wrong, "%v", fault)
		}
		return nil, false
	}
	if err != nil {
		f.add("configuration", wrong, "%v", err)
		return nil, false
	}
	for _, warning := range broker.Warnings() {
		f.add("configuration", doubt, "%s", warning)
	}
	durability := "acknowledged records are on disk"
	if !broker.Syncs() {
		durability = "acknowledged records are in the page cache (log.flush.interval.messages)"
	}
	f.add("configuration", fine, "node.id %d, %s", broker.NodeID, durability)
	if len(broker.LogDirs) != 1 {
		f.add("configuration", wrong, "log.dirs names %s: skein keeps its data in one directory; name one", strings.Join(broker.LogDirs, ", "))
	}
	return broker, true
}

// examineDir says whether a broker runs on the directory.
func (f *findings) examineDir(dir string, broker *config.Broker) (running bool) {
	check := "data directory " + dir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		f.examineMissingDir(check, dir)
		return false
	case err != nil:
		f.add(check, wrong, "%v", err)
		return false
	case !info.IsDir():
		f.add(check, wrong, "it is a file; set log.dirs or --data-dir to a directory")
		return false
	}
	files, err := disk.OpenReal(dir)
	if err != nil {
		f.add(check, wrong, "%v", err)
		return false
	}
	defer files.Close()
	f.examineMeta(check, dir, broker)
	running = f.examineLock(check, files)
	f.examineSpace(check, files, broker)
	f.examineLeftovers(check, dir, running)
	return running
}

// examineMissingDir looks at the directory that it would be made in.
func (f *findings) examineMissingDir(check, dir string) {
	above, err := filepath.Abs(dir)
	for err == nil {
		above = filepath.Dir(above)
		var info os.FileInfo
		if info, err = os.Stat(above); err == nil {
			if info.IsDir() {
				f.add(check, fine, "it is made at the first start, in %s", above)
			} else {
				f.add(check, wrong, "it cannot be made: %s is a file", above)
			}
			return
		}
		if errors.Is(err, os.ErrNotExist) && above != filepath.Dir(above) {
			err = nil
		}
	}
	f.add(check, wrong, "it cannot be made: %v", err)
}

// examineLock takes the broker's lock for a moment, if there is one.
func (f *findings) examineLock(check string, files *disk.Real) (running bool) {
	if _, err := files.Stat(".lock"); err != nil {
		return false // no broker was here yet
	}
	lock, err := files.Lock(".lock")
	switch {
	case errors.Is(err, disk.ErrLocked):
		f.add(check, fine, "a broker runs on it")
		return true
	case err != nil:
		f.add(check, wrong, "its lock cannot be taken: %v", err)
	default:
		f.add(check, fine, "no broker runs on it")
		_ = lock.Close()
	}
	return false
}

// examineMeta reads whose directory it is.
func (f *findings) examineMeta(check, dir string, broker *config.Broker) {
	assigned, err := config.FromFile(filepath.Join(dir, "meta.properties"))
	if errors.Is(err, os.ErrNotExist) {
		f.add(check, fine, "it is nobody's yet")
		return
	}
	if err != nil {
		f.add(check, wrong, "meta.properties: %v", err)
		return
	}
	values := map[string]string{}
	for _, a := range assigned {
		values[a.Name] = a.Value
	}
	id := values["node.id"]
	if id == "" {
		id = values["broker.id"]
	}
	switch {
	case values["version"] != "1":
		f.add(check, wrong, "meta.properties has version %q; this skein reads version 1", values["version"])
	case id != number(broker.NodeID):
		f.add(check, wrong, "meta.properties says node.id=%s, the configuration %d: it is another node's; set node.id=%s or give another directory", id, broker.NodeID, id)
	default:
		f.add(check, fine, "it is that of node %s in cluster %s", id, values["cluster.id"])
	}
}

func (f *findings) examineSpace(check string, files *disk.Real, broker *config.Broker) {
	space, err := files.Space()
	floor := uint64(max(0, broker.FreeBytesFloor))
	switch {
	case err != nil:
		f.add(check, doubt, "its free space is not known: %v", err)
	case space.Free <= floor:
		f.add(check, wrong, "%s are free, which is under log.dir.free.bytes.floor (%s): records would be refused; free some", size(int64(space.Free)), size(int64(floor)))
	case space.Free < 2*floor || space.Free < space.Total/20:
		f.add(check, doubt, "%s of %s are free", size(int64(space.Free)), size(int64(space.Total)))
	default:
		f.add(check, fine, "%s of %s are free", size(int64(space.Free)), size(int64(space.Total)))
	}
}

// examineListener tries the port. One in use is right if a broker runs on the directory and answers there.
func (f *findings) examineListener(l config.Listener, running bool) {
	check := "listener " + l.String()
	socket, err := net.Listen("tcp", l.Address())
	switch {
	case err == nil:
		_ = socket.Close()
		f.add(check, fine, "the port is free")
	case errors.Is(err, syscall.EADDRINUSE):
		f.examineHolder(check, l, running)
	case errors.Is(err, syscall.EACCES):
		f.add(check, wrong, "%v; a port below 1024 needs the right to it", err)
	default:
		f.add(check, wrong, "%v; is %q an address of this machine?", err, l.Host)
	}
}

func (f *findings) examineHolder(check string, l config.Listener, running bool) {
	host := l.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	w, err := dialWire(context.Background(), net.JoinHostPort(host, strconv.Itoa(l.Port)), probeTimeout)
	switch {
	case err != nil:
		f.add(check, wrong, "another program has the port, and it is no broker; stop it, or set listeners to another")
	case running:
		f.add(check, fine, "a broker answers there")
		_ = w.close()
	default:
		f.add(check, wrong, "a broker that does not use this data directory has the port; stop it, or set listeners to another")
		_ = w.close()
	}
}

// examineAdvertised looks at what clients will be told.
func (f *findings) examineAdvertised(broker *config.Broker) {
	for _, a := range broker.AdvertisedListeners {
		check := "advertised listener " + a.String()
		bound := a.Host
		for _, l := range broker.Listeners {
			if l.Name == a.Name {
				bound = l.Host
			}
		}
		if _, err := net.LookupHost(a.Host); err != nil {
			f.add(check, wrong, "clients are told this name, and it is not known here: %v; set advertised.listeners", err)
			continue
		}
		if isLoopback(a.Host) && !isLoopback(bound) {
			f.add(check, doubt, "clients on other machines are told to come to their own; set advertised.listeners")
			continue
		}
		reach := "clients on this machine reach it"
		if !isLoopback(a.Host) {
			reach = "clients must know this name and reach it; skein doctor --as-client on their machine tells"
		}
		f.add(check, fine, "%s", reach)
	}
}

func (f *findings) examineDescriptors() {
	limit, known := descriptorLimit()
	switch {
	case !known:
	case limit < descriptorsWanted:
		f.add("file descriptors", doubt, "at most %d may be open, which is little for thousands of partitions or clients; raise ulimit -n", limit)
	default:
		f.add("file descriptors", fine, "%d may be open", limit)
	}
	f.add("machine", fine, "%s/%s, %s", runtime.GOOS, runtime.GOARCH, plural(runtime.NumCPU(), "processor"))
}

// examineClock compares the clock with the newest file of the data directory: retention and timestamps go by it.
func (f *findings) examineClock(dirs []string) {
	now := time.Now()
	if now.Before(skeinDate) {
		f.add("clock", wrong, "it says %s, which is in the past; set it, or retention and timestamps go wrong", now.UTC().Format(time.RFC3339))
		return
	}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // told of before
		}
		for _, e := range entries {
			info, err := e.Info()
			if err == nil && info.ModTime().Sub(now) > aheadMax {
				f.add("clock", doubt, "%s is %s ahead of it; the clock was set back, or is wrong now", filepath.Join(dir, e.Name()), spent(info.ModTime().Sub(now)))
				return
			}
		}
	}
	f.add("clock", fine, "%s", now.UTC().Format(time.RFC3339))
}
