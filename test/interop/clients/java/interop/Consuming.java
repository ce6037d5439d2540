package interop;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The command consume: records of given partitions, without a group. */
final class Consuming {
    private final Session session;
    private final JsonObject request;
    private final String broker;

    Consuming(String broker, Session session, JsonObject request) {
        this.broker = broker;
        this.session = session;
        this.request = request;
    }

    static Properties config(String broker) {
        Properties config = new Properties();
        config.put("bootstrap.servers", broker);
        config.put("client.id", "interop-java");
        config.put("enable.auto.commit", "false");
        return config;
    }

    Object run() throws Exception {
        Properties config = config(broker);
        config.put("auto.offset.reset", "none");
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config, bytes, bytes)) {
            place(consumer);
            int count = request.get("count").getAsInt();
            for (int taken = 0; taken < count && !session.stopped(); ) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50))) {
                    if (taken++ < count) {
                        session.emit(Event.record(record));
                    }
                }
            }
        }
        return null;
    }

    private void place(KafkaConsumer<byte[], byte[]> consumer) {
        List<TopicPartition> partitions = new ArrayList<>();
        Map<TopicPartition, Long> times = new HashMap<>();
        for (JsonElement p : request.get("partitions").getAsJsonArray()) {
            partitions.add(new TopicPartition(request.get("topic").getAsString(), p.getAsInt()));
        }
        consumer.assign(partitions);
        if (!request.has("bytime")) {
            partitions.forEach(p -> consumer.seek(p, request.get("offset").getAsLong()));
            return;
        }
        partitions.forEach(p -> times.put(p, request.get("timestamp").getAsLong()));
        Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(times);
        partitions.forEach(p -> consumer.seek(p, found.get(p).offset()));
    }
}
