package interop;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;

/** Administration of configurations. */
final class Configuration {
    private Configuration() {}

    static Object describeTopic(Admin admin, JsonObject r) throws Exception {
        return describe(admin, topic(r));
    }

    static Object describeBroker(Admin admin, JsonObject r) throws Exception {
        String broker = admin.describeCluster().nodes().get().iterator().next().idString();
        return describe(admin, new ConfigResource(ConfigResource.Type.BROKER, broker));
    }

    private static Object describe(Admin admin, ConfigResource which) throws Exception {
        Config found = admin.describeConfigs(Collections.singleton(which)).all().get().get(which);
        Map<String, String> values = new TreeMap<>();
        found.entries().forEach(entry -> values.put(entry.name(), entry.value() == null ? "" : entry.value()));
        return Administration.data("configs", values);
    }

    static Object replace(Admin admin, JsonObject r) throws Exception {
        List<ConfigEntry> entries = new ArrayList<>();
        for (Map.Entry<String, JsonElement> c : r.getAsJsonObject("configs").entrySet()) {
            entries.add(new ConfigEntry(c.getKey(), c.getValue().getAsString()));
        }
        return Versions.alterConfigs(admin, Collections.singletonMap(topic(r), new Config(entries)));
    }

    static Object change(Admin admin, JsonObject r) throws Exception {
        Collection<AlterConfigOp> changes = new ArrayList<>();
        add(changes, r, "configs", AlterConfigOp.OpType.SET);
        add(changes, r, "append", AlterConfigOp.OpType.APPEND);
        if (r.has("delete")) {
            for (JsonElement name : r.getAsJsonArray("delete")) {
                changes.add(new AlterConfigOp(new ConfigEntry(name.getAsString(), ""), AlterConfigOp.OpType.DELETE));
            }
        }
        return admin.incrementalAlterConfigs(Collections.singletonMap(topic(r), changes)).all().get();
    }

    private static void add(Collection<AlterConfigOp> changes, JsonObject r, String field, AlterConfigOp.OpType op) {
        if (r.has(field)) {
            for (Map.Entry<String, JsonElement> c : r.getAsJsonObject(field).entrySet()) {
                changes.add(new AlterConfigOp(new ConfigEntry(c.getKey(), c.getValue().getAsString()), op));
            }
        }
    }

    private static ConfigResource topic(JsonObject r) {
        return new ConfigResource(ConfigResource.Type.TOPIC, Administration.topic(r));
    }
}
