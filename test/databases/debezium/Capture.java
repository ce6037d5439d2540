import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.Header;
import io.debezium.engine.format.Json;
import io.debezium.engine.format.KeyValueHeaderChangeEventFormat;
import java.io.FileInputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Runs Debezium's embedded engine with the properties of a file until its standard input ends. Each record is a line: topic, key, value, and
 * name=value of each header, separated by tabs, the texts in base64, null as "-". With brokers as the second argument each record is
 * produced to its topic before its line is written.
 */
public final class Capture {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        try (FileInputStream in = new FileInputStream(args[0])) {
            properties.load(in);
        }
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        KafkaProducer<String, String> producer = args.length > 1 ? producer(args[1]) : null;
        DebeziumEngine<ChangeEvent<String, String>> engine = DebeziumEngine.create(KeyValueHeaderChangeEventFormat.of(Json.class, Json.class, Json.class))
            .using(properties)
            .notifying(event -> {
                if (producer != null) produce(producer, event);
                print(out, event);
            })
            .using((success, message, error) -> {
                if (!success) {
                    System.err.println(message);
                    if (error != null) error.printStackTrace();
                    System.exit(3);
                }
            })
            .build();
        Thread runner = new Thread(engine::run, "engine");
        runner.start();
        while (System.in.read() >= 0) { // nothing is written to it
        }
        engine.close();
        runner.join();
        System.exit(0);
    }

    private static KafkaProducer<String, String> producer(String brokers) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", brokers);
        properties.put("acks", "all");
        return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
    }

    private static void produce(KafkaProducer<String, String> producer, ChangeEvent<String, String> event) {
        ProducerRecord<String, String> record = new ProducerRecord<>(event.destination(), event.key(), event.value());
        for (Header<?> header : event.headers()) {
            record.headers().add(header.getKey(), text(header.getValue()).getBytes(StandardCharsets.UTF_8));
        }
        Future<?> done = producer.send(record);
        try {
            done.get();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static String text(Object value) {
        return value instanceof byte[] b ? new String(b, StandardCharsets.UTF_8) : String.valueOf(value);
    }

    private static void print(PrintStream out, ChangeEvent<String, String> event) {
        StringBuilder line = new StringBuilder(event.destination());
        line.append('\t').append(encode(event.key())).append('\t').append(encode(event.value()));
        for (Header<?> header : event.headers()) {
            line.append('\t').append(header.getKey()).append('=').append(encode(text(header.getValue())));
        }
        out.println(line);
    }

    private static String encode(String text) {
        return text == null ? "-" : Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
