package commitlog

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/skein-io/skein/internal/protocol"
)

// SetAside takes out of the way what belongs to no log of wanted, which are all logs that this node has, by name: after
// it a topic of any name can begin. It is called once, at start, before the logs are opened, and not before the node
// knows all that the cluster had committed when it ended.
//
// A folder whose deletion a crash broke off is deleted. Any other is kept under a name with "-stray" and its topic id
// behind, as Kafka does, with a warning: nothing is lost if the metadata was wrong. Folders of the first life are left
// alone: another program wrote them.
func (d *Dir) SetAside(wanted map[TopicPartition]protocol.UUID) error {
	if d.first {
		return nil
	}
	entries, err := d.fs.List(".")
	if err != nil {
		return err
	}
	deleting := d.mark.deleting()
	type folder struct {
		name string
		key  markKey
	}
	var strays []folder
	for _, e := range entries {
		name, ok := parseFolderName(e.Name)
		mine, known := wanted[name]
		// OpenLog looks whose the folder of a log is. It is too late for what was being deleted: see forgetUnknown.
		if !ok || !e.Dir || known && !deleting || d.isOpen(name) {
			continue
		}
		switch id, err := folderID(d.fs, e.Name); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return storageError("set aside "+e.Name, err)
		case !known || !id.IsZero() && id != mine:
			strays = append(strays, folder{e.Name, markKey{id, name.Partition}})
		}
	}
	// A replica that was taken from this node may be given to it again. So the mark forgets the log before the folder goes: one
	// that it knows and that is missing would be damage.
	d.forgetUnknown(wanted, false)
	if err := d.mark.sync(); err != nil {
		return storageError("set aside", err)
	}
	for _, s := range strays {
		if err := d.setAside(s.name, s.key); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return storageError("set aside "+s.name, err)
		}
	}
	d.forgetUnknown(wanted, true)
	return nil
}

// setAside gives a folder that belongs to another topic a name that no log has. It returns fs.ErrNotExist if the folder
// is gone now, which is what it is for.
func (d *Dir) setAside(folder string, key markKey) error {
	entry, known := d.mark.get(key)
	suffix := straySuffix
	if known && entry.deleting {
		suffix = deleteSuffix
	}
	name, err := d.freeName(asideName(folder, key.topicID, ""), suffix)
	if err != nil {
		return err
	}
	if err := d.fs.Rename(folder, name); err != nil {
		return err
	}
	if err := d.fs.SyncDir("."); err != nil {
		return err
	}
	if suffix == straySuffix {
		d.config.Logger.Warn("a folder belongs to no topic that there is: it is kept under another name; remove it if you do not need it",
			"folder", folder, "kept", name)
	} else if err := d.discard([]string{name}); err != nil {
		return err
	}
	return fs.ErrNotExist
}

// freeName finds a name that is not taken: folders without a topic id may meet.
func (d *Dir) freeName(stem, suffix string) (string, error) {
	name := stem + suffix
	for n := 1; ; n++ {
		if _, err := d.fs.Stat(name); err != nil {
			if missing(err) {
				err = nil
			}
			return name, err
		}
		name = fmt.Sprintf("%s.%d%s", stem, n, suffix)
	}
}

// forgetUnknown frees the slots of logs that are no more: with them the note of a clean end could never be left again. Those of
// logs that are being deleted are freed last, for they say what is to become of a folder.
func (d *Dir) forgetUnknown(wanted map[TopicPartition]protocol.UUID, deletedToo bool) {
	known := make(map[markKey]bool, len(wanted))
	for name, id := range wanted {
		known[markKey{id, name.Partition}] = true
	}
	d.mu.Lock()
	for _, l := range d.logs {
		known[l.key()] = true
	}
	d.mu.Unlock()
	for _, key := range d.mark.keys() {
		if entry, _ := d.mark.get(key); !known[key] && (deletedToo || !entry.deleting) {
			d.mark.remove(key)
		}
	}
}

func (d *Dir) isOpen(name TopicPartition) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.logs[name] != nil
}
