package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// patience is how long an answer may take. Every wait that a request asks for
// is shorter.
const patience = 5 * time.Second

// session asks one broker and keeps the answers.
type session struct {
	ctx     context.Context
	addr    string
	probe   string
	start   time.Time
	conn    net.Conn
	next    int32
	answers []answer
}

func (s *session) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// say keeps one line.
func (s *session) say(question, text string) {
	s.answers = append(s.answers, answer{name: s.probe + "/" + question, text: text})
}

// ask sends a request at a version and keeps the answer. It returns nil when
// none came.
func (s *session) ask(question string, version int16, req kmsg.Request) kmsg.Response {
	name := fmt.Sprintf("%s/v%d", question, version)
	resp, err := s.exchange(version, req)
	if err != nil {
		s.close()
		s.say(name, err.Error())
		return nil
	}
	s.say(name, normal(resp, s.start))
	return resp
}

// quiet asks without keeping the answer: preparation for a question.
func (s *session) quiet(version int16, req kmsg.Request) kmsg.Response {
	resp, err := s.exchange(version, req)
	if err != nil {
		s.close()
		s.say("preparation "+kmsg.NameForKey(req.Key()), err.Error())
		return nil
	}
	return resp
}

// each calls ask for every version from min to max.
func each(minVersion, maxVersion int16, ask func(version int16)) {
	for v := minVersion; v <= maxVersion; v++ {
		ask(v)
	}
}

// exchange is one request and its answer on the session's connection. Errors
// are in the words of the report.
func (s *session) exchange(version int16, req kmsg.Request) (kmsg.Response, error) {
	if s.conn == nil {
		conn, err := net.DialTimeout("tcp", s.addr, patience)
		if err != nil {
			return nil, errors.New("no connection")
		}
		s.conn = conn
	}
	req.SetVersion(version)
	s.next++
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("oracle")).AppendRequest(nil, req, s.next)
	_ = s.conn.SetDeadline(time.Now().Add(patience))
	if _, err := s.conn.Write(frame); err != nil {
		return nil, errors.New("connection closed")
	}
	body, err := s.frame()
	if err != nil {
		return nil, err
	}
	return s.decode(req, body)
}

// frame reads one answer without its length.
func (s *session) frame() ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(s.conn, head); err != nil {
		return nil, readError(err)
	}
	body := make([]byte, binary.BigEndian.Uint32(head))
	if _, err := io.ReadFull(s.conn, body); err != nil {
		return nil, readError(err)
	}
	return body, nil
}

func readError(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("no answer in %v", patience)
	}
	return errors.New("connection closed")
}

// decode checks the correlation id and reads the answer. ApiVersions is always
// answered with the old header, and an unknown version of it with version 0.
func (s *session) decode(req kmsg.Request, body []byte) (kmsg.Response, error) {
	r := kbin.Reader{Src: body}
	if id := r.Int32(); id != s.next {
		return nil, fmt.Errorf("correlation id %d, want %d", id, s.next)
	}
	resp := req.ResponseKind()
	if resp.IsFlexible() && req.Key() != 18 {
		kmsg.SkipTags(&r)
	}
	if err := resp.ReadFrom(r.Src); err != nil {
		return nil, fmt.Errorf("an answer that cannot be read: %w", err)
	}
	return resp, nil
}

// topic makes a topic and waits until its partitions answer.
func (s *session) topic(name string, partitions int32, configs map[string]string) {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, 1
	for k, v := range configs {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = k, kmsg.StringPtr(v)
		t.Configs = append(t.Configs, c)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, t)
	s.quiet(5, req)
	for range 200 {
		if s.ready(name, partitions) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.say("preparation of "+name, "the partitions do not answer")
}

func (s *session) ready(name string, partitions int32) bool {
	req := listOffsets(name, partitions, -1)
	resp, _ := s.quiet(2, req).(*kmsg.ListOffsetsResponse)
	if resp == nil || len(resp.Topics) != 1 {
		return false
	}
	for _, p := range resp.Topics[0].Partitions {
		if p.ErrorCode != 0 {
			return false
		}
	}
	return true
}

// topicID asks Metadata for the id of a topic.
func (s *session) topicID(name string) [16]byte {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(name)
	req.Topics = append(req.Topics, t)
	resp, _ := s.quiet(12, req).(*kmsg.MetadataResponse)
	if resp == nil || len(resp.Topics) != 1 {
		return [16]byte{}
	}
	return resp.Topics[0].TopicID
}
