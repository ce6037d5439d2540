package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"
)

// errRegionUnsettled: hbase:meta knows no server for the row at this moment.
var errRegionUnsettled = errors.New("the region has no server at the moment")

// locate returns the region of a row: what it remembers, or what hbase:meta says. One try.
func (c *Client) locate(ctx context.Context, table string, row []byte) (*region, error) {
	if r := c.regions.find(table, row); r != nil {
		return r, nil
	}
	select {
	case c.lookup <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-c.lookup }()
	if r := c.regions.find(table, row); r != nil {
		return r, nil
	}
	meta := c.regions.find(metaTable, nil)
	if meta == nil {
		addr, err := c.znode(ctx, "meta-region-server")
		if err != nil {
			return nil, err
		}
		meta = metaRegion(addr)
		c.regions.learn(meta)
	}
	if table == metaTable {
		return meta, nil
	}
	r, err := c.askMeta(ctx, meta, table, row)
	if err != nil {
		if help := heal(err); !errors.Is(err, errRegionUnsettled) && (help == lookAgain || help == reconnect) {
			c.regions.forget(meta)
		}
		return nil, err
	}
	c.regions.learn(r)
	return r, nil
}

// askMeta finds the region of a row: the last that begins at it or before it.
func (c *Client) askMeta(ctx context.Context, meta *region, table string, row []byte) (*region, error) {
	scan := scanCall{
		region: meta.name, start: metaSearch(table, row), reversed: true, columns: Columns{{Family: []byte("info")}},
		rows: 1, limit: 1, bytes: 1 << 20, close: true,
	}
	message, err := c.ask(ctx, meta.addr, regionService, "Scan", scan.append)
	if err != nil {
		return nil, err
	}
	found, err := readScanAnswer(message)
	if err != nil {
		return nil, &connectionError{meta.addr, err}
	}
	if len(found.rows) == 0 {
		return nil, fmt.Errorf("%q: %w", table, ErrTableNotFound)
	}
	r, err := readMetaRow(&found.rows[0])
	switch {
	case err != nil:
		return nil, &connectionError{meta.addr, err}
	case r.table != table:
		return nil, fmt.Errorf("%q: %w", table, ErrTableNotFound)
	case r.offline, !r.has(row), r.addr == "":
		return nil, fmt.Errorf("row %q of %q: %w", row, table, errRegionUnsettled)
	}
	return r, nil
}

// znode reads which server is the master or has hbase:meta. The session with ZooKeeper lasts as long as the question: it
// is asked rarely.
func (c *Client) znode(ctx context.Context, name string) (addr string, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.CallTimeout)
	defer cancel()
	session, _, err := zk.Connect(c.options.ZooKeeper, 10*time.Second, zk.WithLogger(quiet{}), zk.WithMaxBufferSize(1<<20), zk.WithLogInfo(false))
	if err != nil {
		return "", fmt.Errorf("ZooKeeper at %v: %w", c.options.ZooKeeper, err)
	}
	type found struct {
		data []byte
		err  error
	}
	result := make(chan found, 1)
	path := c.options.Root + "/" + name
	go func() {
		data, _, err := session.Get(path)
		result <- found{data, err}
	}()
	select {
	case f := <-result:
		session.Close()
		switch {
		case errors.Is(f.err, zk.ErrNoNode):
			return "", fmt.Errorf("%s in ZooKeeper at %v: %w", path, c.options.ZooKeeper, errRegionUnsettled)
		case f.err != nil:
			return "", &connectionError{fmt.Sprint(c.options.ZooKeeper), f.err}
		}
		if addr, err = readZnode(f.data); err != nil {
			return "", fmt.Errorf("%s in ZooKeeper: %w", path, err)
		}
		return addr, nil
	case <-c.life.Done():
		session.Close()
		return "", ErrClosed
	case <-ctx.Done():
		session.Close() // which ends the Get
		return "", &connectionError{fmt.Sprint(c.options.ZooKeeper), errors.New("ZooKeeper does not answer")}
	}
}

// quiet keeps the ZooKeeper library from writing to standard error.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
