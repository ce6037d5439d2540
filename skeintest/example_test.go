package skeintest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/skeintest"
)

// A test gets a broker of its own, and its client does not know that it is not a server's.
func ExampleStart() {
	test := func(t *testing.T) {
		node := skeintest.Start(t)
		client, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstrap()), kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic("orders"))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := client.ProduceSync(context.Background(), kgo.StringRecord("hello")).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println(testing.RunTests(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "orders", F: test}}))
	// Output: true
}
