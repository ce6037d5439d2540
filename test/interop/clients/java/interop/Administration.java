package interop;

import com.google.gson.JsonObject;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.common.TopicPartition;

/** Administration of topics and the cluster. */
final class Administration {
    /** One administrative call. */
    interface Call {
        Object run(Admin admin, JsonObject request) throws Exception;
    }

    private final String broker;
    private final Session session;

    private Administration(String broker, Session session) {
        this.broker = broker;
        this.session = session;
    }

    static void register(String broker, Session session) {
        Administration all = new Administration(broker, session);
        all.on("describe_cluster", (admin, r) -> data("brokers", admin.describeCluster().nodes().get().size()));
        all.on("create_topic", Administration::createTopic);
        all.on("list_topics", (admin, r) -> data("topics", admin.listTopics().names().get()));
        all.on("describe_topic", Administration::describeTopic);
        all.on("add_partitions", Administration::addPartitions);
        all.on("delete_records", Administration::deleteRecords);
        all.on("offsets", Administration::offsets);
        all.on("delete_topic", (admin, r) -> admin.deleteTopics(Collections.singleton(topic(r))).all().get());
        all.on("describe_configs", Configuration::describeTopic);
        all.on("broker_configs", Configuration::describeBroker);
        all.on("alter_configs", Configuration::replace);
        all.on("incremental_configs", Configuration::change);
        all.on("list_groups", Groups::list);
        all.on("describe_group", Groups::describe);
        all.on("group_offsets", Groups::offsets);
        all.on("reset_offsets", Groups::reset);
        all.on("delete_offsets", Groups::deleteOffsets);
        all.on("delete_group", Groups::delete);
    }

    private void on(String command, Call call) {
        session.on(command, request -> {
            Properties config = new Properties();
            config.put("bootstrap.servers", broker);
            config.put("client.id", "interop-java");
            try (Admin admin = Admin.create(config)) {
                return call.run(admin, request);
            }
        });
    }

    static Map<String, Object> data(String name, Object value) {
        Map<String, Object> data = new TreeMap<>();
        data.put(name, value);
        return data;
    }

    static String topic(JsonObject r) {
        return r.get("topic").getAsString();
    }

    private static Object createTopic(Admin admin, JsonObject r) throws Exception {
        NewTopic topic = new NewTopic(topic(r), Optional.of(r.get("count").getAsInt()), Optional.empty());
        Map<String, String> configs = new TreeMap<>();
        if (r.has("configs")) {
            r.getAsJsonObject("configs").entrySet().forEach(c -> configs.put(c.getKey(), c.getValue().getAsString()));
        }
        admin.createTopics(Collections.singleton(topic.configs(configs))).all().get();
        return null;
    }

    private static Object describeTopic(Admin admin, JsonObject r) throws Exception {
        return data("partitions", Versions.describeTopic(admin, topic(r)).partitions().size());
    }

    private static Object addPartitions(Admin admin, JsonObject r) throws Exception {
        NewPartitions total = NewPartitions.increaseTo(r.get("count").getAsInt());
        return admin.createPartitions(Collections.singletonMap(topic(r), total)).all().get();
    }

    private static Object deleteRecords(Admin admin, JsonObject r) throws Exception {
        TopicPartition where = new TopicPartition(topic(r), r.get("partition").getAsInt());
        RecordsToDelete before = RecordsToDelete.beforeOffset(r.get("offset").getAsLong());
        return data("low", admin.deleteRecords(Collections.singletonMap(where, before)).lowWatermarks().get(where).get().lowWatermark());
    }

    private static Object offsets(Admin admin, JsonObject r) throws Exception {
        TopicPartition where = new TopicPartition(topic(r), r.get("partition").getAsInt());
        Map<String, Object> data = data("earliest", offset(admin, where, OffsetSpec.earliest()));
        data.put("latest", offset(admin, where, OffsetSpec.latest()));
        return data;
    }

    private static long offset(Admin admin, TopicPartition where, OffsetSpec spec) throws Exception {
        ListOffsetsResult answer = admin.listOffsets(Collections.singletonMap(where, spec));
        return answer.partitionResult(where).get().offset();
    }
}
