package client

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// region is a part of a table and the server that has it. Nobody changes it.
type region struct {
	table      string
	name       []byte // as requests name it
	start, end []byte // end is not part of it; empty is the table's end
	id         uint64
	offline    bool
	addr       string
}

// has reports whether a row lies in the region.
func (r *region) has(row []byte) bool {
	return bytes.Compare(row, r.start) >= 0 && (len(r.end) == 0 || bytes.Compare(row, r.end) < 0)
}

// metaRegion is the one region of hbase:meta.
func metaRegion(addr string) *region {
	return &region{table: metaTable, name: []byte("hbase:meta,,1"), id: 1, addr: addr}
}

const metaTable = "hbase:meta"

// splitTable parts "namespace:name"; the namespace is "default" if it is not said.
func splitTable(table string) (namespace, name string) {
	if namespace, name, ok := strings.Cut(table, ":"); ok {
		return namespace, name
	}
	return "default", table
}

// appendTableName appends TableName{namespace=1, qualifier=2}.
func appendTableName(b []byte, table string) []byte {
	namespace, name := splitTable(table)
	return appendString(appendString(b, 1, namespace), 2, name)
}

func readTableName(b []byte) (string, error) {
	var namespace, name string
	err := eachField(b, func(f field) error {
		switch f.number {
		case 1:
			namespace = string(f.bytes)
		case 2:
			name = string(f.bytes)
		}
		return nil
	})
	if namespace == "default" {
		return name, err
	}
	return namespace + ":" + name, err
}

// readRegionInfo reads "PBUF" RegionInfo{region_id=1, table_name=2, start_key=3, end_key=4, offline=5, split=6,
// replica_id=7}: the value of info:regioninfo in hbase:meta.
func readRegionInfo(b []byte) (*region, error) {
	b, ok := bytes.CutPrefix(b, []byte("PBUF"))
	if !ok {
		return nil, fmt.Errorf("%w: no region in hbase:meta's info:regioninfo", errMalformed)
	}
	r := &region{}
	err := eachField(b, func(f field) (err error) {
		switch f.number {
		case 1:
			r.id = f.num
		case 2:
			r.table, err = readTableName(f.bytes)
		case 3:
			r.start = bytes.Clone(f.bytes)
		case 4:
			r.end = bytes.Clone(f.bytes)
		case 5, 6:
			r.offline = r.offline || f.bool()
		}
		return err
	})
	return r, err
}

// readMetaRow makes a region of a row of hbase:meta, whose key is the region's name.
func readMetaRow(row *Row) (*region, error) {
	info := row.Value([]byte("info"), []byte("regioninfo"))
	if info == nil {
		return nil, fmt.Errorf("%w: no info:regioninfo in row %q of hbase:meta", errMalformed, row.Key)
	}
	r, err := readRegionInfo(info.Value)
	if err != nil {
		return nil, err
	}
	r.name = bytes.Clone(row.Key)
	if server := row.Value([]byte("info"), []byte("server")); server != nil {
		r.addr = string(server.Value)
	}
	return r, nil
}

// appendRegionInfo appends RegionInfo, for the master.
func appendRegionInfo(b []byte, r *region) []byte {
	b = appendUint(b, 1, r.id)
	b, at := begin(b, 2)
	b = end(appendTableName(b, r.table), at)
	b = appendBytes(b, 3, r.start)
	return appendBytes(b, 4, r.end)
}

// metaSearch is the row of hbase:meta from which a search backwards finds the region of a row: region names are
// table,start,id.hash and ids are shorter than this one.
func metaSearch(table string, row []byte) []byte {
	b := append([]byte(table), ',')
	b = append(b, row...)
	return append(b, ",99999999999999"...)
}

// readZnode reads what HBase keeps in ZooKeeper of a server: 0xFF, size:4 and as many bytes of who wrote it, "PBUF", and a
// message whose first field is ServerName{host_name=1, port=2}.
func readZnode(b []byte) (addr string, err error) {
	if len(b) < 5 || b[0] != 0xff {
		return "", fmt.Errorf("%w: not a znode of HBase", errMalformed)
	}
	size := binary.BigEndian.Uint32(b[1:])
	b = b[5:]
	if uint64(size) > uint64(len(b)) {
		return "", fmt.Errorf("%w: a znode that is cut off", errMalformed)
	}
	b, ok := bytes.CutPrefix(b[size:], []byte("PBUF"))
	if !ok {
		return "", fmt.Errorf("%w: a znode that holds no message", errMalformed)
	}
	var host string
	var port uint64
	err = eachField(b, func(f field) error {
		if f.number != 1 || !f.isBytes() {
			return nil
		}
		return eachField(f.bytes, func(f field) error {
			switch f.number {
			case 1:
				host = string(f.bytes)
			case 2:
				port = f.num
			}
			return nil
		})
	})
	if err == nil && (host == "" || port == 0 || port > 65535) {
		err = fmt.Errorf("%w: a znode without a server", errMalformed)
	}
	return net.JoinHostPort(host, strconv.FormatUint(port, 10)), err
}
