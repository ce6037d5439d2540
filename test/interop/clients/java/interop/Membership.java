package interop;

import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The command group: one member. It counts positions itself, so that what is committed is what was reported. */
final class Membership implements ConsumerRebalanceListener {
    private static final Map<String, String> ASSIGNORS = new HashMap<>();

    static {
        ASSIGNORS.put("range", "org.apache.kafka.clients.consumer.RangeAssignor");
        ASSIGNORS.put("cooperative-sticky", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
    }

    private final Session session;
    private final JsonObject request;
    private final String commit;
    private final int every;
    private final int most;
    private final Pace pace;
    private final Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
    private final KafkaConsumer<byte[], byte[]> consumer;
    private int taken;
    private int uncommitted;

    Membership(String broker, Session session, JsonObject request) {
        this.session = session;
        this.request = request;
        commit = request.get("commit").getAsString();
        every = number("every");
        most = number("max");
        pace = new Pace(number("ratemax"));
        consumer = new KafkaConsumer<>(config(broker), new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private int number(String name) {
        return request.has(name) ? request.get(name).getAsInt() : 0;
    }

    private Properties config(String broker) {
        Properties config = Consuming.config(broker);
        config.put("group.id", request.get("group").getAsString());
        config.put("auto.offset.reset", "earliest");
        config.put("max.poll.records", "100");
        if (commit.equals("auto")) {
            config.put("enable.auto.commit", "true");
            config.put("auto.commit.interval.ms", "500");
        }
        if (request.has("protocol")) { // the broker decides about the rest
            config.put("group.protocol", request.get("protocol").getAsString());
            return config;
        }
        config.put("partition.assignment.strategy", ASSIGNORS.get(request.has("assignor") ? request.get("assignor").getAsString() : "range"));
        if (number("session_ms") > 0) {
            config.put("session.timeout.ms", String.valueOf(number("session_ms")));
        }
        if (number("heartbeat_ms") > 0) {
            config.put("heartbeat.interval.ms", String.valueOf(number("heartbeat_ms")));
        }
        return config;
    }

    Object run() throws Exception {
        try {
            consumer.subscribe(Collections.singletonList(request.get("topic").getAsString()), this);
            while (!session.stopped() && (most == 0 || taken < most)) {
                takeAll(consumer.poll(Duration.ofMillis(50)));
                session.flush();
                for (int n = session.takeCommits(); n > 0; n--) {
                    commit(true);
                }
            }
            commit(true);
        } finally {
            consumer.close();
        }
        return null;
    }

    private void takeAll(ConsumerRecords<byte[], byte[]> records) {
        for (ConsumerRecord<byte[], byte[]> record : records) {
            if (most > 0 && taken == most) {
                return;
            }
            pace.await();
            next.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
            session.emit(Event.record(record));
            taken++;
            if (++uncommitted >= every) {
                commit(commit.equals("sync"));
                uncommitted = 0;
            }
        }
    }

    private void commit(boolean wait) {
        if (commit.equals("none") || commit.equals("auto") || next.isEmpty()) {
            return;
        }
        session.flush(); // what is committed has been reported
        long start = System.nanoTime();
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>(next);
        if (!wait) {
            consumer.commitAsync(offsets, (done, problem) -> session.emit(Event.committed(start, problem)));
            return;
        }
        try {
            consumer.commitSync(offsets);
            session.emit(Event.committed(start, null));
        } catch (RuntimeException problem) {
            session.emit(Event.committed(start, problem));
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        session.emit(Event.partitions("assigned", partitions));
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        session.emit(Event.partitions("revoked", partitions));
        commit(true);
        partitions.forEach(next::remove);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        next.clear();
        session.emit(Event.partitions("lost", partitions));
    }
}
