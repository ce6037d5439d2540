package envelope

import (
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

func TestHeartbeat(t *testing.T) {
	v := change.Version{Epoch: 3, ExecuteTime: 5000, Position: change.Position{File: 7, Offset: 345}}
	for _, o := range []Options{{Format: Debezium, Prefix: `a"b`}, {Format: Debezium, Prefix: "shop", Schemas: true}, {Format: Canal, Prefix: "shop"}, {Format: Maxwell, Prefix: "shop", Schemas: true}} {
		e, err := NewEncoder(o)
		if err != nil {
			t.Fatal(err)
		}
		all, err := e.EncodeHeartbeat(nil, v, 1234)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		d, err := NewDecoder(ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := d.Decode(Place{}, &all[0])
		if err != nil || out.Kind != Heartbeat || len(out.Changes) != 0 {
			t.Errorf("%s is read as %s (%v)", all[0].Value, out.Kind, err)
		}
		if got, err := ParseVersion(all[0].Headers[0].Value); err != nil || got != v {
			t.Errorf("its version is %s (%v)", got, err)
		}
		if o.Prefix == `a"b` && (string(all[0].Key) != `{"serverName":"a\"b"}` || string(all[0].Value) != `{"ts_ms":1234}`) {
			t.Errorf("%s: %s", all[0].Key, all[0].Value)
		}
	}
	e, _ := NewEncoder(Options{Format: Debezium})
	if _, err := e.EncodeHeartbeat(nil, change.Version{ExecuteTime: -1}, 1); err == nil {
		t.Error("an impossible version is taken")
	}
}
