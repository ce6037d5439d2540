package interop;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;

/** What the program says; field names are those of the line protocol. */
final class Event {
    int id;
    final String e;
    int i;
    int p;
    long o;
    long t;
    String k;
    String v;
    String[][] h;
    int[] ps;
    double ms;
    String error;
    Object data;

    Event(String kind) {
        e = kind;
    }

    static Event ack(int record, int partition, long offset) {
        Event event = new Event("ack");
        event.i = record;
        event.p = partition;
        event.o = offset;
        return event;
    }

    static Event record(ConsumerRecord<byte[], byte[]> record) {
        Event event = new Event("rec");
        event.p = record.partition();
        event.o = record.offset();
        event.t = record.timestamp();
        event.k = text(record.key());
        event.v = text(record.value());
        Header[] headers = record.headers().toArray();
        event.h = new String[headers.length][];
        for (int n = 0; n < headers.length; n++) {
            event.h[n] = new String[] {headers[n].key(), text(headers[n].value())};
        }
        return event;
    }

    static Event partitions(String kind, Collection<TopicPartition> partitions) {
        Event event = new Event(kind);
        event.ps = partitions.stream().mapToInt(TopicPartition::partition).toArray();
        return event;
    }

    static Event committed(long startedNanos, Throwable problem) {
        Event event = new Event("committed");
        event.ms = (System.nanoTime() - startedNanos) / 1e6;
        return problem == null ? event : event.error(problem);
    }

    Event error(Throwable problem) {
        error = (problem instanceof ExecutionException ? problem.getCause() : problem).toString();
        return this;
    }

    private static String text(byte[] bytes) {
        return bytes == null ? "" : new String(bytes, StandardCharsets.UTF_8);
    }
}
