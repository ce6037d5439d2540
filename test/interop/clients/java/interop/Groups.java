package interop;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ConsumerGroupListing;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** Administration of consumer groups. */
final class Groups {
    private Groups() {}

    @SuppressWarnings("deprecation") // its successor listGroups is in the newest version only
    static Object list(Admin admin, JsonObject r) throws Exception {
        Collection<ConsumerGroupListing> all = admin.listConsumerGroups().all().get();
        return Administration.data("groups", all.stream().map(ConsumerGroupListing::groupId).collect(Collectors.toList()));
    }

    @SuppressWarnings("deprecation") // state() is the name that every version has
    static Object describe(Admin admin, JsonObject r) throws Exception {
        ConsumerGroupDescription found = admin.describeConsumerGroups(Collections.singleton(group(r))).all().get().get(group(r));
        Map<String, Object> data = Administration.data("state", found.state().toString());
        data.put("members", found.members().size());
        return data;
    }

    static Object offsets(Admin admin, JsonObject r) throws Exception {
        Map<String, Long> offsets = new TreeMap<>();
        admin.listConsumerGroupOffsets(group(r)).partitionsToOffsetAndMetadata().get().forEach((where, offset) -> {
            if (where.topic().equals(Administration.topic(r)) && offset != null) {
                offsets.put(String.valueOf(where.partition()), offset.offset());
            }
        });
        return Administration.data("offsets", offsets);
    }

    static Object reset(Admin admin, JsonObject r) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> wanted = new HashMap<>();
        for (Map.Entry<String, JsonElement> o : r.getAsJsonObject("offsets").entrySet()) {
            wanted.put(new TopicPartition(Administration.topic(r), Integer.parseInt(o.getKey())),
                new OffsetAndMetadata(o.getValue().getAsLong()));
        }
        return admin.alterConsumerGroupOffsets(group(r), wanted).all().get();
    }

    static Object deleteOffsets(Admin admin, JsonObject r) throws Exception {
        Set<TopicPartition> which = new HashSet<>();
        for (JsonElement p : r.getAsJsonArray("partitions")) {
            which.add(new TopicPartition(Administration.topic(r), p.getAsInt()));
        }
        return admin.deleteConsumerGroupOffsets(group(r), which).all().get();
    }

    static Object delete(Admin admin, JsonObject r) throws Exception {
        return admin.deleteConsumerGroups(Collections.singleton(group(r))).all().get();
    }

    private static String group(JsonObject r) {
        return r.get("group").getAsString();
    }
}
