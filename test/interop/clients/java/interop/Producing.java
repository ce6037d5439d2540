package interop;

import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The command produce. */
final class Producing {
    private final Session session;
    private final Properties config = new Properties();
    private final String topic;
    private final String tag;
    private final int start;
    private final int count;
    private final int keys;
    private final int size;
    private final Pace pace;
    private final AtomicReference<Exception> failed = new AtomicReference<>();

    Producing(String broker, Session session, JsonObject request) {
        this.session = session;
        topic = request.get("topic").getAsString();
        tag = request.get("tag").getAsString();
        start = request.get("start").getAsInt();
        count = request.get("count").getAsInt();
        keys = request.get("keys").getAsInt();
        size = request.has("size") ? request.get("size").getAsInt() : 0;
        pace = new Pace(request.has("rate") ? request.get("rate").getAsInt() : 0);
        boolean idempotent = request.get("idempotent").getAsBoolean();
        config.put("bootstrap.servers", broker);
        config.put("client.id", "interop-java");
        config.put("acks", "all");
        config.put("linger.ms", "5");
        config.put("compression.type", request.get("codec").getAsString());
        config.put("enable.idempotence", String.valueOf(idempotent));
        config.put("max.in.flight.requests.per.connection", idempotent ? "5" : "1");
    }

    Object run() throws Exception {
        ByteArraySerializer bytes = new ByteArraySerializer();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(config, bytes, bytes)) {
            for (int i = start; i < start + count && !session.stopped(); i++) {
                pace.await();
                send(producer, i);
            }
            producer.flush();
        }
        if (failed.get() != null) {
            throw failed.get();
        }
        return null;
    }

    private void send(KafkaProducer<byte[], byte[]> producer, int i) {
        producer.send(record(i), (metadata, problem) -> {
            if (problem != null) {
                failed.compareAndSet(null, problem);
            } else {
                session.emit(Event.ack(i, metadata.partition(), metadata.offset()));
            }
        });
    }

    private ProducerRecord<byte[], byte[]> record(int i) {
        StringBuilder value = new StringBuilder(tag + ":" + i + ":");
        while (value.length() < size) {
            value.append((char) ('a' + i % 26));
        }
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, bytes(tag + "-" + i % keys), bytes(value.toString()));
        record.headers().add("tag", bytes(tag)).add("seq", bytes(String.valueOf(i)));
        return record;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
